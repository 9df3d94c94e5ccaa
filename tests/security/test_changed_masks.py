"""Whatever is done to a file of masks: bit planes come of it, or a sentence."""

import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.canvas.drawing import MOST_PIXELS, RESERVED_BITS
from app.document import masks
from app.document.opening import identify, read_masks
from engine.errors import EngineError
from tests.app.test_masks import DRAWN, npz, picture
from tests.security.changes import MANY, SOME, bounded, changed_bytes, members, zipped
from tests.security.test_changed_pictures import SENTENCES as OF_PICTURES

OF_MASKS = re.compile(
    r"The mask is empty"
    r"|The NPZ file is damaged"
    r"|This NPZ file holds no masks"
    r"|The array \w+ in this NPZ file \(.*\) is no mask"
    r"|The words in the NPZ file are damaged"
    r"|The file of masks is damaged"
    r"|There can be 24 findings at most"
    r"|The mask is \d+ x \d+ px"
    r"|The ZIP file was cut off or damaged|This ZIP is neither a project nor masks of ours"
    r"|This is [\w, ]+\. Pictures \(PNG"
    r"|This JSON file is not a recipe"
    r"|This is neither a picture written by XReal Studio nor a recipe"
)
MOST = 64_000_000
OURS = masks.masks_bytes(DRAWN)
INSIDE = members(members(OURS)[masks.NPZ])
ORGANS = DRAWN.organs()
FILES = [
    OURS,
    members(OURS)[masks.NPZ],
    npz(labels=(ORGANS > 0)[None]),
    npz(organs=ORGANS),
    picture(ORGANS),
    picture(np.where(ORGANS == 3, 255, 0).astype(np.uint8)),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("masks") / "file"


def outcome(place, data: bytes) -> str:
    """ "planes" or the sentence; anything else that happens fails the test."""
    place.write_bytes(data)
    try:
        with bounded(MOST):
            identify(place, "heart.png")
            read = read_masks(place, 2, DRAWN)
            laid, _ = masks.laid_on(read, DRAWN, None, "doc")
    except EngineError as error:
        said = str(error)
        assert OF_MASKS.match(said) or OF_PICTURES.match(said), said
        return said
    assert read.bits.dtype == laid.bits.dtype == np.uint32
    assert read.bits.ndim == 2 and 0 < read.bits.size <= MOST_PIXELS
    assert not (laid.bits & np.uint32(RESERVED_BITS)).any()
    for finding in read.findings:
        assert isinstance(finding.words, str) and len(finding.words) <= 300
    return "planes"


@pytest.mark.case(35)
@MANY
@given(data=changed_bytes(FILES))
def test_a_changed_file_of_masks_is_planes_or_a_sentence(place, data):
    outcome(place, data)


@pytest.mark.case(35)
@SOME
@given(data=st.data(), name=st.sampled_from(sorted(INSIDE)))
def test_a_changed_array_in_a_good_archive_is_planes_or_a_sentence(place, data, name):
    """With right checksums, so that the change gets past them to the readers behind."""
    arrays = {**INSIDE, name: data.draw(changed_bytes([INSIDE[name]]))}

    outcome(place, zipped(arrays))


@pytest.mark.case(35)
@SOME
@given(
    key=st.sampled_from(["bits", "organs", "labels"]),
    kind=st.sampled_from(["u1", "u2", ">u4", "i8", "f4", "f8", "c8", "?", "U3", "S2", "M8[s]"]),
    shape=st.lists(st.integers(0, 40), max_size=4),
    seed=st.integers(0, 2**32),
)
def test_arrays_of_any_kind_and_shape_are_planes_or_a_sentence(place, key, kind, shape, seed):
    raw = np.random.default_rng(seed).integers(0, 256, 8 * int(np.prod(shape)) * 8, np.uint8)
    size = np.dtype(kind).itemsize * int(np.prod(shape))
    array = np.frombuffer(raw.tobytes()[:size].ljust(size, b"\0"), kind).reshape(shape)
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)

    outcome(place, zipped({f"{key}.npy": out.getvalue()}))


def test_the_seeds_themselves_are_planes(place):
    assert {outcome(place, data) for data in FILES} == {"planes"}
    assert OF_MASKS.match("something else") is None
