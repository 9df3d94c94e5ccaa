"""Others read what we write: the validator, and highdicom for the masks."""

import io

import numpy as np
import pydicom
import pytest

from engine.api import EraseRequest, Finding, GenerateRequest, InsertRequest, SegmentRequest
from engine.dicom.segmentation import organ_segments, own_picture, segmentation_of, segments_of
from engine.dicom.writing import film_of, to_bytes
from engine.errors import InvalidRequest
from engine.images import read_image
from engine.origin import origin_of
from engine.provenance import recipe_of
from tests.engine.dicom.exports import (
    HASHES,
    MASK,
    ORGANS,
    SOURCES,
    erased,
    generated,
    noise,
)
from tests.engine.dicom.films import file, film
from tests.engine.dicom.validator import verdict


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("mark", ["strip", "none"])
def test_the_validator_finds_nothing_in_a_generated_picture(bits, mark, tmp_path):
    assert verdict(generated(noise(), mark, bits), tmp_path) == []


@pytest.mark.parametrize("kind", SOURCES)
def test_the_validator_finds_nothing_in_an_edited_film(kind, tmp_path):
    assert verdict(erased(SOURCES[kind]())[0], tmp_path) == []


def test_the_validator_would_find_something(tmp_path):
    ds = film_of(noise(), recipe_of(GenerateRequest(report="mass"), "s", HASHES))
    del ds.ConversionType

    assert any("ConversionType" in line for line in verdict(to_bytes(ds), tmp_path))


@pytest.mark.parametrize(
    "elements",
    [
        {"ImagerPixelSpacing": [0.2, 0.1]},
        {"ImagerPixelSpacing": [0.2, 0.1], "PixelSpacing": [0.19, 0.095]},
        {"NominalScannedPixelSpacing": [0.3, 0.3]},
        {"LossyImageCompression": "01"},
        {"PatientOrientation": None},
        {"PatientOrientation": ["A", "F"]},
    ],
)
def test_the_validator_finds_nothing_whatever_the_source_said(elements, tmp_path):
    source = film(**elements)

    written, _ = erased(source)

    assert verdict(written, tmp_path) == []
    before, after = read_image(source).film, read_image(written).film
    assert after.spacing_mm == before.spacing_mm and after.lossy == before.lossy
    assert after.shown == before.shown


# Masks


def test_organs_and_zones_become_segments_of_the_picture(tmp_path):
    highdicom = pytest.importorskip("highdicom", reason="needs a Python for which it exists")
    request = GenerateRequest(
        organs=ORGANS, findings=(Finding(text="left pleural effusion", mask=MASK),)
    )
    picture = film_of(noise(), recipe_of(request, "stand-in", HASHES), "strip")
    to_bytes(picture)

    data = to_bytes(segmentation_of(picture, segments_of(request)))

    assert verdict(data, tmp_path) == []
    seg = highdicom.seg.Segmentation.from_dataset(pydicom.dcmread(io.BytesIO(data)))
    stack = seg.get_pixels_by_source_instance([picture.SOPInstanceUID])[0][:48]
    expected = [ORGANS == 1, ORGANS == 2, ORGANS == 3, MASK > 0]
    assert [np.array_equal(stack[..., n], mask) for n, mask in enumerate(expected)] == [True] * 4
    labels = [seg.get_segment_description(n).segment_label for n in (1, 2, 3, 4)]
    assert labels == ["left lung", "right lung", "heart", "left pleural effusion"]
    assert seg.get_segment_description(4).segmented_property_type.value == "60046008"
    assert seg.SyntheticData == "YES" and seg.StudyInstanceUID == picture.StudyInstanceUID


def test_zones_of_an_edit_are_segments_too():
    film_pixels = read_image(film()).pixels
    erase = segments_of(EraseRequest(image=film_pixels, mask=MASK))
    insert = segments_of(
        InsertRequest(
            image=film_pixels,
            findings=(Finding(text="", mask=MASK), Finding(text="mass", mask=MASK)),
        ),
        ORGANS,
    )

    assert [s.label for s in erase] == ["erased"]
    labels = [s.label for s in insert]
    assert labels == ["left lung", "right lung", "heart", "removed", "mass"]
    assert segments_of(SegmentRequest(image=film_pixels)) == []


def test_a_segmentation_never_names_a_patients_film(tmp_path):
    pytest.importorskip("highdicom", reason="needs a Python for which it exists")
    ours = generated(noise())

    with pytest.raises(InvalidRequest, match="lead back to the patient"):
        own_picture(film())
    data = to_bytes(segmentation_of(own_picture(ours), organ_segments(ORGANS)))

    assert verdict(data, tmp_path) == []
    stated = pydicom.dcmread(io.BytesIO(ours))
    assert pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID == stated.StudyInstanceUID


# Provenance


@pytest.mark.parametrize("whole", [True, False])
def test_what_the_file_states_survives_a_pacs_that_drops_the_recipe(whole):
    written = generated(noise()) if whole else erased(film())[0]
    ds = pydicom.dcmread(io.BytesIO(written))

    kept, sent = origin_of(written), origin_of(file(ds))

    assert kept.kind == "recipe" and sent.kind == "metadata" and sent.recipe is None
    assert kept.extent == sent.extent == ("whole" if whole else "partly")
    assert origin_of(film()).kind == "nothing"
