import numpy as np
import pytest
from PIL import Image

from app.document.opening import open_picture
from app.document.results import keep_result
from app.document.session import Session
from app.document.viewing import view_of
from engine.api import EraseRequest, Finding, GenerateRequest, Sampling, UpscaleRequest
from engine.errors import ImageUnreadable
from engine.images import write_png
from engine.marks import xmp
from engine.provenance import inputs_of, recipe_of, write_picture
from tests.app.fake_engine import HASHES, FakeEngine
from tests.app.test_panels import CHEST, A, drawing
from tests.engine.dicom.films import chest, film

ME = "me-01234567890123456789"


def written(path, request):
    result = FakeEngine().run(request)
    recipe = recipe_of(request, "fake", HASHES)
    write_picture(path, result.image, recipe, inputs_of(request))
    return result.image


def test_a_real_picture_is_kept_bit_for_bit(tmp_path):
    film = (np.random.default_rng(0).integers(0, 65536, (70, 50)) / 65535).astype(np.float32)
    write_png(tmp_path / "film.png", film, bits=16)
    session = Session(ME)

    state, restored = open_picture(session, tmp_path / "film.png")

    np.testing.assert_array_equal(state.image, film)
    assert (state.bits, state.origin, state.recipe, restored) == (16, "real", None, None)
    assert session.title == "Opened picture" and state.name == "Opened"


def test_a_generated_picture_brings_back_what_was_asked(tmp_path):
    drawn = drawing(*CHEST, (4, 20, 30, 40, 50), findings=[A])
    request = GenerateRequest(
        report="AP view.",
        organs=drawn.organs(),
        findings=(Finding(text="effusion", mask=drawn.mask(4)),),
        sampling=Sampling(seed=41207),
    )
    image = written(tmp_path / "ours.png", request)

    state, restored = open_picture(Session(ME), tmp_path / "ours.png")

    np.testing.assert_array_equal(state.image, image)
    assert state.origin == "synthetic"
    assert restored is not None
    assert (restored.verb, restored.report, restored.seed) == ("generate", "AP view.", 41207)
    assert state.drawing is not None
    np.testing.assert_array_equal(state.drawing.organs(), drawn.organs())
    np.testing.assert_array_equal(state.drawing.mask(4), drawn.mask(4))
    assert state.drawing.findings == (A,)


def test_an_edited_real_picture_stays_marked(tmp_path):
    film = np.full((64, 64), 0.5, np.float32)
    mask = np.zeros((64, 64), np.float32)
    mask[5:9, 5:9] = 1
    written(tmp_path / "edit.png", EraseRequest(image=film, mask=mask))

    state, _ = open_picture(Session(ME), tmp_path / "edit.png")

    assert state.origin == "partly"


def test_what_says_that_it_is_synthetic_is_never_called_real(tmp_path):
    film = np.full((64, 64), 0.5, np.float32)
    mask = np.zeros((64, 64), np.float32)
    mask[5:9, 5:9] = 1
    # An exact edit reads what it replaces, so its file lacks an input.
    written(tmp_path / "exact", EraseRequest(image=film, mask=mask, sampling=Sampling(exact=True)))
    # Another program saved it again and kept nothing but the statement of its source.
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(
        tmp_path / "saved", "jpeg", xmp=xmp("trainedAlgorithmicMedia").encode()
    )

    found = [open_picture(Session(ME), tmp_path / n)[0].origin for n in ("exact", "saved")]

    assert found == ["partly", "synthetic"]


def test_a_bad_file_changes_nothing(tmp_path):
    (tmp_path / "page.png").write_bytes(b"<!doctype html>")
    session = Session(ME)
    with pytest.raises(ImageUnreadable):
        open_picture(session, tmp_path / "page.png")
    assert session.states == {} and session.title == "Untitled"


def test_a_dicom_film_brings_its_tones_and_the_size_of_its_pixels(tmp_path):
    values = chest(64, 48)
    data = film(values, ImagerPixelSpacing=[0.2, 0.2], WindowCenter=2048, WindowWidth=4096)
    (tmp_path / "film").write_bytes(data)
    session = Session(ME)

    state, _ = open_picture(session, tmp_path / "film")

    # A window that holds all 12 bits: the tones are the stored values, from 0 to 1.
    np.testing.assert_allclose(state.image, values / 4095, atol=1e-4)
    assert (state.bits, state.origin, state.spacing_mm) == (12, "real", 0.2)
    assert view_of(session, None).states[0].spacing_mm == 0.2


@pytest.mark.parametrize(("spacing", "said"), [([0.2, 0.4], None), (None, None)])
def test_pixels_that_are_not_square_or_not_known_give_no_scale(tmp_path, spacing, said):
    changes = {} if spacing is None else {"ImagerPixelSpacing": spacing}
    (tmp_path / "film").write_bytes(film(chest(64, 48), **changes))

    state, _ = open_picture(Session(ME), tmp_path / "film")

    assert state.spacing_mm is said


def test_an_edited_film_keeps_the_size_of_its_pixels_and_an_upscaled_one_has_smaller(tmp_path):
    (tmp_path / "film").write_bytes(film(chest(64, 48), ImagerPixelSpacing=[0.2, 0.2]))
    session = Session(ME)
    state, _ = open_picture(session, tmp_path / "film")
    mask = np.zeros(state.image.shape, np.float32)
    mask[10:20, 10:20] = 1
    found = []
    for request in (
        EraseRequest(image=state.image, mask=mask),
        UpscaleRequest(image=state.image),
        GenerateRequest(sampling=Sampling(seed=1)),
    ):
        result = FakeEngine().run(request)
        number = keep_result(
            session, result, parent=state.number, drawing=None, name="next", proposal=False
        )
        made = session.state(number)
        found.append((made.spacing_mm, made.image.shape[1]))

    assert found[0] == (0.2, 48)
    assert found[1][0] == pytest.approx(0.2 * 48 / found[1][1]) and found[1][1] > 48
    assert found[2][0] is None
