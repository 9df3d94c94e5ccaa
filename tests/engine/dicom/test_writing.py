"""DICOM out: what is written is what was made, says that it is synthetic, and names nobody."""

import io

import numpy as np
import pydicom
import pytest

from engine.api import EraseRequest, GenerateRequest
from engine.dicom.film import Film
from engine.dicom.tones import Lut, Tones, Window, stored_for
from engine.dicom.writing import film_bytes, film_of
from engine.errors import InvalidRequest
from engine.images import read_image
from engine.provenance import read_recipe, recipe_of, request_of, zone_of
from tests.engine.dicom import films
from tests.engine.dicom.exports import (
    HASHES,
    MASK,
    SOURCES,
    erased,
    generated,
    noise,
    words_of,
)
from tests.engine.dicom.films import chest, film

# What is written is what was made


@pytest.mark.parametrize("mark", ["strip", "none"])
def test_16_bits_are_read_back_exactly(mark):
    pixels = noise()

    opened = read_image(generated(pixels, mark))

    assert np.array_equal(opened.pixels, pixels)
    assert opened.bits == 16 and opened.film.synthetic and opened.notes == ()


def test_8_bits_are_the_nearest_of_256_greys():
    pixels = noise()

    opened = read_image(generated(pixels, "none", 8))

    assert opened.bits == 8
    assert np.abs(opened.pixels - pixels).max() <= 0.5 / 255 + 1e-6


def test_the_mark_is_words_in_the_picture_and_the_film_is_untouched():
    pixels = noise()
    plain, marked = (pydicom.dcmread(io.BytesIO(generated(pixels, m))) for m in ("none", "strip"))

    assert marked.Rows > plain.Rows == 48 and marked.Columns == 40
    assert marked.BurnedInAnnotation == "YES" and plain.BurnedInAnnotation == "NO"
    assert marked.PixelData[: len(plain.PixelData)] == plain.PixelData
    strip = marked.pixel_array[48:]
    assert strip.min() < 65535 * 0.15 and strip.max() > 65535 * 0.5


def test_a_corner_mark_is_burnt_in():
    pixels = np.full((200, 200), 0.5, np.float32)

    opened = read_image(generated(pixels, "corner"))

    assert opened.pixels.shape == (200, 200)
    assert np.ptp(opened.pixels[-10:, :40]) > 0.5 and np.ptp(opened.pixels[:100]) == 0


@pytest.mark.parametrize("kind", SOURCES)
def test_outside_the_zone_the_stored_values_of_the_source_are_kept_byte_for_byte(kind):
    source = SOURCES[kind]()

    written, _ = erased(source)

    before, after = words_of(source, 48), words_of(written, 48)
    bits = pydicom.dcmread(io.BytesIO(source)).BitsStored
    outside = MASK == 0
    assert before.dtype == after.dtype
    assert after[outside].tobytes() == before[outside].tobytes()
    assert (after[~outside] != before[~outside]).any()
    assert bits == pydicom.dcmread(io.BytesIO(written)).BitsStored


@pytest.mark.parametrize("kind", SOURCES)
def test_an_edited_film_is_read_back_in_its_own_tones(kind):
    source = SOURCES[kind]()
    written, pixels = erased(source)

    opened = read_image(written)

    outside = MASK == 0
    assert np.array_equal(opened.pixels[outside], pixels[outside])
    levels = np.unique(opened.film.table) / 65535
    gap = np.diff(levels).max() / 2
    wanted = np.clip(pixels[~outside], levels[0], levels[-1])
    assert np.abs(opened.pixels[~outside] - wanted).max() <= gap + 1e-6


def test_nothing_under_the_zone_can_be_read_from_the_stored_values():
    """What a window shows as white may still differ in the file: none of it is kept."""
    values = chest()
    values[MASK > 0] = np.random.default_rng(1).integers(3000, 4096, int(MASK.sum()))
    source = film(values, WindowCenter=1000, WindowWidth=1000)
    opened = read_image(source)
    request = EraseRequest(image=opened.pixels, mask=MASK)
    recipe = recipe_of(request, "stand-in", HASHES)

    written = film_bytes(opened.pixels, recipe, {}, "none", 16, opened.film, zone_of(request))

    assert len(np.unique(words_of(written, 48)[MASK > 0])) == 1


def test_a_mirrored_film_is_written_upright_with_its_values():
    source = film(np.ascontiguousarray(np.fliplr(chest())), PatientOrientation=["R", "F"])

    written, _ = erased(source)

    assert np.array_equal(words_of(written, 48)[MASK == 0], chest()[MASK == 0])
    assert list(pydicom.dcmread(io.BytesIO(written)).PatientOrientation) == ["L", "F"]


def test_a_picture_of_another_size_cannot_take_the_films_values():
    opened = read_image(film())
    recipe = recipe_of(GenerateRequest(report="mass"), "stand-in", HASHES)

    with pytest.raises(InvalidRequest, match="must fit the picture"):
        film_of(noise(64, 64), recipe, "none", 16, opened.film, MASK)


def test_of_all_that_is_shown_white_the_value_beside_the_greys_is_written():
    falling = Tones(voi=Window(center=100, width=101), inverted=True).table(8, False)

    black, white = stored_for(falling, np.array([0, 65535], np.uint16))

    assert falling[black] == 0 and falling[black - 1] > 0
    assert falling[white] == 65535 and falling[white + 1] < 65535


def test_a_table_that_goes_up_and_down_finds_the_nearest_tone():
    entries = (0, 100, 50, 65535, 200)
    tones = Tones(voi=Lut(first=0, bits=16, entries=entries)).table(8, False)

    places = stored_for(tones, np.array([0, 98, 52, 60000], np.uint16))

    assert [int(tones[place]) for place in places] == [0, 100, 50, 65535]


# Marked in the standard's own terms


def test_a_generated_picture_says_in_the_standards_terms_that_it_is_synthetic():
    ds = pydicom.dcmread(io.BytesIO(generated(noise())))

    assert ds.SOPClassUID == films.SC and ds.Modality == "OT"
    assert ds.ImageType == ["DERIVED", "SECONDARY"]
    assert ds.ConversionType == "SYN" and ds.SyntheticData == "YES"
    (item,) = ds.ContributingEquipmentSequence
    assert item.PurposeOfReferenceCodeSequence[0].CodeValue == "109100"
    assert HASHES["model"] in item.ContributionDescription
    assert ds.PatientName.family_name == "SYNTHETIC" and ds.PatientIdentityRemoved == "YES"
    assert ds.SeriesDescription == "SYNTHETIC, not for diagnosis"
    assert "Generated by XReal Studio" in ds.DerivationDescription
    assert ds.BitsAllocated == ds.BitsStored == 16
    assert ds.preamble == bytes(128)


def test_an_edited_film_says_that_it_was_altered():
    ds = pydicom.dcmread(io.BytesIO(erased(film())[0]))

    purposes = [
        item.PurposeOfReferenceCodeSequence[0].CodeValue
        for item in ds.ContributingEquipmentSequence
    ]
    assert purposes == ["109100", "109103"]
    assert ds.SyntheticData == "YES" and ds.PatientName.family_name == "PARTLY SYNTHETIC"
    assert "altered" in ds.DerivationDescription


def test_uids_are_new_every_time():
    found = set()
    recipe = recipe_of(GenerateRequest(report="mass"), "stand-in", HASHES)
    for _ in range(300):
        ds = film_of(noise(32, 32), recipe, "none")
        found |= {ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID}

    assert len(found) == 900 and all(uid.startswith("2.25.") for uid in found)


def test_recipe_and_inputs_ride_along():
    written, _ = erased(film())

    recipe, inputs = read_recipe(written)

    request = request_of(recipe, inputs)
    assert isinstance(request, EraseRequest)
    assert np.array_equal(request.mask, MASK)
    assert not request.image[MASK > 0].any()


def test_the_film_dataclass_names_nobody():
    """Everything that leaves the decoding process is a number, a truth, or a word of ours."""
    text = {"kind", "syntax", "spacing_of", "orientation", "notes", "view"}
    kinds = {name: str(kind) for name, kind in Film.__annotations__.items()}

    assert {name for name, kind in kinds.items() if "str" in kind or "Literal" in kind} == text
