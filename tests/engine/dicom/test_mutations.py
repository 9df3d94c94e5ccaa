"""Whatever is done to a DICOM file, it is a film or one of the sentences below, soon and small."""

import os
import random
import re
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.sequence import Sequence

from engine.dicom import gate, reading
from engine.dicom.reading import read_film
from engine.errors import ImageUnreadable
from engine.images import read_image
from tests.engine.dicom.films import chest, compressed, dataset, file, film
from tests.engine.dicom.test_reading import lut_item

SENTENCES = (
    "This is not a DICOM file",
    "This is a DICOMDIR",
    "This DICOM file is compressed in a way",
    "The DICOM file is damaged",
    "The DICOM file was cut off",
    "The DICOM file unfolds to far more",
    "The DICOM file is nested deeper",
    "The picture in this DICOM file",
    r"This is (a|an|not a) [\w, ]+\. Opened are",
    "This DICOM file is encrypted",
    "This DICOM file holds no picture",
    r"The DICOM file holds -?\d+ pictures",
    "The DICOM file holds a picture in colour",
    r"The picture is \d+ x \d+ px; the largest",
    r"The DICOM file holds pixels of -?\d+ bits",
    # once the first bytes no longer say that it is DICOM
    r"This is [\w, ]+\. Open a DICOM, PNG, JPEG or TIFF picture",
    "The picture is damaged or was cut off",
    "This looks like DICOM without its header",
    "The file is empty",
)
CLOSED = re.compile("|".join(SENTENCES))
MOST_SECONDS, MOST_BYTES = 5, 64_000_000  # for seeds of 6 KB, with much to spare
EXAMPLES = int(os.environ.get("XREAL_EXAMPLES") or (2000 if os.environ.get("CI") else 300))

NATIVE = [
    film(),
    film(RescaleSlope="0.5", RescaleIntercept="-7", PatientOrientation=["R", "H"]),
    film(chest().astype(np.int16) - 2000, 16, WindowCenter=None, WindowWidth=None),
    film(VOILUTSequence=Sequence([lut_item(0, list(range(256)), 8)]), WindowWidth=[3, 5]),
    file(dataset(chest()), gate.IMPLICIT),
    file(dataset(chest()), gate.DEFLATED),
    file(dataset(chest().astype(">u2")), gate.BIG),
]
PACKED = [
    compressed(dataset(chest()), gate.JPEG + "90"),
    compressed(dataset(chest()), gate.JPEG + "80"),
    compressed(dataset(chest()), "1.2.840.10008.1.2.5"),
]


def changed(seeds: list[bytes], seed: int) -> bytes:
    """One of ``seeds`` after up to six changes, more of them at the front, where the header is;
    the numbers that follow ``seed`` decide."""
    chance = random.Random(seed)
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 6)):
        end = min(len(data), chance.choice([200, 700, 1200, len(data)]))
        at = chance.randrange(max(end, 1))
        match chance.choice(["byte", "number", "cut", "copy", "drop", "item", "vr"]):
            case "byte" if data:
                data[min(at, len(data) - 1)] = chance.randrange(256)
            case "number":
                size = chance.choice([b"\0\0", b"\1\0", b"\xff\xff", b"\xff" * 4, b"\0" * 4])
                data[at : at + len(size)] = size
            case "cut":
                del data[at:]
            case "copy":
                data[at:at] = data[at : at + chance.randint(1, 300)]
            case "drop":
                del data[at : at + chance.randint(1, 40)]
            case "item":
                level = b"\x40\0\x75\2SQ\0\0" + b"\xff" * 4 + b"\xfe\xff\x00\xe0" + b"\xff" * 4
                data[at:at] = level * chance.randint(1, 40)
            case "vr":
                data[at : at + 2] = chance.choice([b"SQ", b"UN", b"OB", b"DS", b"US"])
    return bytes(data)


def mutated(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.integers(0, 2**64).map(lambda seed: changed(seeds, seed))


def outcome(data: bytes) -> str:
    """ "film", or the sentence; anything else that happens fails the test."""
    try:
        opened = read_image(data)
    except ImageUnreadable as error:
        return str(error)
    assert opened.pixels.dtype == np.float32 and opened.pixels.ndim == 2
    assert opened.pixels.min() >= 0 and opened.pixels.max() <= 1
    return "film"


@pytest.mark.case(37, 40)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=mutated(NATIVE))
def test_a_changed_file_is_a_film_or_one_of_the_sentences(data):
    tracemalloc.start()
    start = time.process_time()
    try:
        found = outcome(data)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found == "film" or CLOSED.match(found)
    assert time.process_time() - start < MOST_SECONDS
    assert most < MOST_BYTES


@pytest.mark.case(44)
@pytest.mark.own_process
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=mutated(PACKED))
def test_a_changed_compressed_file_harms_only_its_own_process(data):
    start = time.process_time()

    found = outcome(data)

    assert found == "film" or CLOSED.match(found)
    assert time.process_time() - start < reading.PATIENCE + 5


@given(data=st.binary(max_size=400))
def test_rubbish_behind_a_good_beginning_is_refused(data):
    with pytest.raises(ImageUnreadable) as refused:
        read_film(bytes(128) + b"DICM" + data)

    assert CLOSED.match(str(refused.value))


@given(bits=st.sampled_from([8, 16]), center=st.floats(-1e6, 1e6), width=st.floats(0, 1e6))
def test_every_window_keeps_stored_values_apart_from_what_is_shown(bits, center, width):
    values = chest(most=(1 << bits) - 1).astype(np.uint8 if bits == 8 else np.uint16)
    text = [f"{value:.9g}" for value in (center, width)]

    opened = read_image(film(values, bits, WindowCenter=text[0], WindowWidth=text[1]))

    assert np.array_equal(opened.film.stored, values)
    assert np.isfinite(opened.pixels).all()


def test_the_seeds_themselves_are_films():
    assert {outcome(seed) for seed in NATIVE + PACKED} == {"film"}
    assert CLOSED.match("Something else") is None
