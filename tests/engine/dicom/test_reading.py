"""DICOM in: stored values are kept, tones follow the documented order, the rest is refused."""

import io

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from engine.dicom import gate
from engine.images import read_image
from tests.engine.dicom import films
from tests.engine.dicom.films import chest, compressed, dataset, file, film

JPEG = "1.2.840.10008.1.2.4."
ITEM, NO_END = b"\xfe\xff\x00\xe0", b"\xff\xff\xff\xff"


def exactly(values: np.ndarray) -> np.ndarray:
    """[0, 1] -> the 16-bit grid, as every picture is kept."""
    return (np.round(np.clip(values, 0, 1) * 65535) / 65535).astype(np.float32)


def linear(values: np.ndarray, center: float, width: float) -> np.ndarray:
    """The standard's own three cases of LINEAR, one value at a time."""
    out = np.empty(values.shape)
    for at, x in np.ndenumerate(values.astype(float)):
        if x <= center - 0.5 - (width - 1) / 2:
            out[at] = 0
        elif x > center - 0.5 + (width - 1) / 2:
            out[at] = 1
        else:
            out[at] = (x - (center - 0.5)) / (width - 1) + 0.5
    return out


def lut_item(first: int, entries: list[int], bits: int = 16) -> Dataset:
    item = Dataset()
    item.add_new(0x00283002, "US", [len(entries) % 65536, first, bits])
    item.add_new(0x00283006, "OW", np.array(entries, "<u2").tobytes())
    return item


# The order of tones


@pytest.mark.case(42)
def test_a_window_is_applied_by_the_formula_of_the_standard():
    opened = read_image(film(WindowCenter=1500, WindowWidth=1000))

    assert np.array_equal(opened.pixels, exactly(linear(chest(), 1500, 1000)))
    assert np.array_equal(opened.film.stored, chest())
    assert opened.bits == 12 and opened.notes == ()


def test_an_exact_window_has_no_half_a_value_taken_off():
    opened = read_image(film(WindowCenter=1500, WindowWidth=1000, VOILUTFunction="LINEAR_EXACT"))

    assert np.array_equal(opened.pixels, exactly((chest().astype(float) - 1500) / 1000 + 0.5))


@pytest.mark.case(42)
def test_a_sigmoid_window_is_a_logistic_curve():
    opened = read_image(film(WindowCenter=1500, WindowWidth=1000, VOILUTFunction="SIGMOID"))

    logistic = 1 / (1 + np.exp(-4 * (chest().astype(float) - 1500) / 1000))
    assert np.array_equal(opened.pixels, exactly(logistic))


def test_the_window_stands_behind_the_rescale():
    opened = read_image(
        film(RescaleSlope="0.5", RescaleIntercept="-100", WindowCenter=600, WindowWidth=1000)
    )

    assert np.array_equal(opened.pixels, exactly(linear(chest() * 0.5 - 100, 600, 1000)))


@pytest.mark.case(41)
def test_monochrome1_shows_the_same_bones_bright():
    low = film(4095 - chest(), PhotometricInterpretation="MONOCHROME1")

    assert np.array_equal(read_image(low).pixels, read_image(film()).pixels)


@pytest.mark.case(41, 42)
def test_an_inverse_presentation_shape_inverts_once_and_never_twice():
    first = read_image(film(PhotometricInterpretation="MONOCHROME1"))
    both = film(PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE")
    odd = read_image(film(PresentationLUTShape="INVERSE"))

    assert np.array_equal(read_image(both).pixels, first.pixels)
    assert np.array_equal(odd.pixels, first.pixels)
    assert "contradicts itself" in odd.notes[0]


@pytest.mark.case(42)
def test_of_two_windows_the_first_is_used_and_said_so():
    opened = read_image(film(WindowCenter=[1500, 9], WindowWidth=[1000, 9]))

    assert np.array_equal(opened.pixels, exactly(linear(chest(), 1500, 1000)))
    assert opened.notes == ("The file offers 2 windows; the first usable one is used.",)


@pytest.mark.case(42)
def test_without_a_window_black_and_white_are_percentiles_and_said_so():
    opened = read_image(film(WindowCenter=None, WindowWidth=None))

    low, high = np.percentile(chest(), (0.5, 99.5), method="nearest").astype(float)
    assert np.array_equal(opened.pixels, exactly((chest() - low) / (high - low)))
    assert opened.notes == (
        "The file states no window; black and white are at 0.5 and 99.5 percent of its values.",
    )


@pytest.mark.case(42)
def test_a_window_without_width_is_said_to_be_none():
    opened = read_image(film(WindowWidth=0))
    same = read_image(film(WindowCenter=None, WindowWidth=None))

    assert np.array_equal(opened.pixels, same.pixels)
    assert "no width" in opened.notes[0] and "no window" in opened.notes[1]


def test_a_capture_of_8_bits_without_a_window_keeps_its_greys():
    grey = (chest() >> 4).astype(np.uint8)
    opened = read_image(film(grey, 8, SOPClassUID=films.SC, WindowCenter=None, WindowWidth=None))

    assert np.array_equal(opened.pixels, exactly(grey / 255))


@pytest.mark.case(42)
def test_a_table_of_tones_comes_before_a_window():
    entries = [round((n / 4095) ** 2 * 65535) for n in range(4096)]
    opened = read_image(film(VOILUTSequence=Sequence([lut_item(0, entries)])))

    assert np.array_equal(opened.pixels, exactly(np.array(entries)[chest()] / 65535))


def test_outside_a_table_its_ends_count():
    opened = read_image(film(VOILUTSequence=Sequence([lut_item(1000, [0, 500, 1023], 10)])))

    expected = np.array([0, 500, 1023])[np.clip(chest().astype(int) - 1000, 0, 2)] / 1023
    assert np.array_equal(opened.pixels, exactly(expected))


def test_a_modality_table_comes_first():
    entries = [4095 - n for n in range(4096)]
    opened = read_image(
        film(
            ModalityLUTSequence=Sequence([lut_item(0, entries)]),
            WindowCenter=1500,
            WindowWidth=1000,
        )
    )

    assert np.array_equal(opened.pixels, exactly(linear(4095 - chest().astype(int), 1500, 1000)))


@pytest.mark.case(43)
def test_a_slope_of_nothing_is_left_out_and_said_so():
    opened = read_image(film(RescaleSlope=0, RescaleIntercept=5))

    assert np.array_equal(opened.pixels, read_image(film()).pixels)
    assert "rescale slope is 0" in opened.notes[0]


# Stored values


@pytest.mark.case(43)
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_every_depth_keeps_every_value(bits):
    values = chest(most=(1 << bits) - 1)

    assert np.array_equal(read_image(film(values, bits)).film.stored, values)


@pytest.mark.case(43)
def test_signed_values_stay_signed():
    values = chest().astype(np.int16) - 2000
    opened = read_image(film(values, 16, WindowCenter=0, WindowWidth=4000))

    assert np.array_equal(opened.film.stored, values)
    assert np.array_equal(opened.pixels, exactly(linear(values, 0, 4000)))


@pytest.mark.case(43)
def test_what_lies_in_the_unused_bits_is_left_out():
    overlay = chest() | 0xF000

    assert np.array_equal(read_image(film(overlay)).film.stored, chest())


@pytest.mark.case(43)
def test_values_may_sit_in_the_upper_bits():
    upper = (chest() << 4).astype(np.uint16)

    assert np.array_equal(read_image(film(upper, HighBit=15)).film.stored, chest())


@pytest.mark.case(43)
def test_signed_values_of_12_bits_are_extended():
    values = chest().astype(np.int16) - 2048
    stored = (values & 0x0FFF).astype(np.int16)

    assert np.array_equal(read_image(film(stored)).film.stored, values)


@pytest.mark.parametrize("syntax", [gate.IMPLICIT, gate.EXPLICIT, gate.BIG, gate.DEFLATED])
def test_uncompressed_films_read_the_same_however_they_are_written(syntax):
    ds = dataset(chest().astype(">u2") if syntax == gate.BIG else chest())
    ds.VOILUTSequence = Sequence([lut_item(0, list(range(4096)), 12)])
    if syntax == gate.BIG:
        ds.VOILUTSequence[0].LUTData = np.arange(4096, dtype=">u2").tobytes()

    opened = read_image(file(ds, syntax))

    assert np.array_equal(opened.film.stored, chest())
    assert np.array_equal(opened.pixels, exactly(chest() / 4095))


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", JPEG + "80", JPEG + "90"])
@pytest.mark.parametrize("signed", [False, True])
def test_compression_without_loss_keeps_every_value(syntax, signed):
    values = chest().astype(np.int16) - 2048 if signed else chest()
    ds = dataset(values, 16 if signed else 12)

    assert np.array_equal(read_image(compressed(ds, syntax)).film.stored, values)


def test_8_bit_jpeg_is_close_to_what_was_compressed():
    grey = (chest(96, 80) >> 4).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(grey).save(out, "JPEG", quality=95)
    ds = dataset(grey, 8, WindowCenter=128, WindowWidth=256)
    ds.PixelData = encapsulate([out.getvalue()])
    ds["PixelData"].is_undefined_length = True

    stored = read_image(file(ds, JPEG + "50")).film.stored

    assert np.abs(stored - grey.astype(int)).max() < 24
    assert np.abs(stored - grey.astype(int)).mean() < 2


# Sides, size, words


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (["L", "F"], lambda a: a),
        (["R", "F"], np.fliplr),
        (["L", "H"], np.flipud),
        (["R", "H"], lambda a: np.rot90(a, 2)),
        (["F", "L"], np.transpose),
        (["F", "R"], lambda a: np.fliplr(a).T),
        (["A", "F"], lambda a: a),
    ],
)
def test_the_patients_right_is_shown_on_the_left(orientation, stored):
    values = np.ascontiguousarray(stored(chest()))

    opened = read_image(film(values, PatientOrientation=orientation))

    assert np.array_equal(opened.film.stored, chest())
    changed = values.shape != chest().shape or not np.array_equal(values, chest())
    assert opened.film.turned == changed == any("mirrored or turned" in n for n in opened.notes)


@pytest.mark.parametrize(
    ("elements", "spacing", "where"),
    [
        ({}, None, ""),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, (0.2, 0.1), "detector"),
        (
            {"ImagerPixelSpacing": [0.2, 0.1], "EstimatedRadiographicMagnificationFactor": 1.25},
            (0.16, 0.08),
            "patient",
        ),
        (
            {"ImagerPixelSpacing": [0.2, 0.1], "PixelSpacing": [0.18, 0.09]},
            (0.18, 0.09),
            "calibrated",
        ),
        ({"NominalScannedPixelSpacing": [0.3, 0.3]}, (0.3, 0.3), "scanned film"),
    ],
)
def test_the_size_of_a_pixel_is_given_with_what_it_is_measured_at(elements, spacing, where):
    found = read_image(film(**elements)).film

    assert found.spacing_mm == (None if spacing is None else pytest.approx(spacing))
    assert found.spacing_of == where


def test_burned_in_words_and_overlays_are_said():
    ds = dataset(chest(), BurnedInAnnotation="YES")
    ds.add_new(0x60000010, "US", 48)
    ds.add_new(0x60003000, "OW", b"\xff" * 240)

    opened = read_image(file(ds))

    assert opened.film.burned_in is True and opened.film.overlays == 1
    assert any("laid over the picture" in note for note in opened.notes)
    assert any("name the patient" in note for note in opened.notes)
    assert read_image(film()).film.burned_in is None
