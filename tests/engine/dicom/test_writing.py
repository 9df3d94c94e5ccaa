"""DICOM out: what is written is what was made, says that it is synthetic, and names nobody."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from engine.api import EraseRequest, Finding, GenerateRequest, InsertRequest, SegmentRequest
from engine.cli.main import main
from engine.dicom.film import Film
from engine.dicom.segmentation import organ_segments, own_picture, segmentation_of, segments_of
from engine.dicom.tones import Lut, Tones, Window, stored_for
from engine.dicom.writing import film_bytes, film_of, to_bytes
from engine.errors import InvalidRequest
from engine.images import read_image, write_organs, write_png
from engine.provenance import inputs_of, read_recipe, recipe_of, request_of, zone_of
from tests.engine.cli.fake_engine import FakeEngine
from tests.engine.dicom import films
from tests.engine.dicom.films import chest, dataset, file, film

HASHES = {"model": "00" * 32}
MASK = np.zeros((48, 40), np.float32)
MASK[20:34, 8:20] = 1
ORGANS = np.zeros((48, 40), np.uint8)
ORGANS[10:40, 4:16], ORGANS[10:40, 24:36], ORGANS[26:40, 16:24] = 2, 1, 3


def noise(height: int = 48, width: int = 40, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).integers(0, 65536, (height, width))
    return (drawn / 65535).astype(np.float32)


def generated(pixels: np.ndarray, mark="strip", bits=16) -> bytes:
    request = GenerateRequest(report="left effusion")
    recipe = recipe_of(request, "stand-in", HASHES)
    return film_bytes(pixels, recipe, inputs_of(request), mark, bits)


def erased(source: bytes, mark="strip") -> tuple[bytes, np.ndarray]:
    """``source`` with noise in the zone: the file, and the pixels that were to be written."""
    opened = read_image(source)
    pixels = np.where(MASK > 0, noise(seed=3), opened.pixels)
    request = EraseRequest(image=opened.pixels, mask=MASK)
    recipe = recipe_of(request, "stand-in", HASHES)
    zone = zone_of(request)
    return film_bytes(pixels, recipe, inputs_of(request), mark, 16, opened.film, zone), pixels


def words_of(data: bytes, rows: int) -> np.ndarray:
    """The first ``rows`` of the picture as they lie in a file that we wrote."""
    ds = pydicom.dcmread(io.BytesIO(data))
    kind = f"<{'i' if ds.PixelRepresentation else 'u'}{ds.BitsAllocated // 8}"
    size = ds.Rows * ds.Columns * ds.BitsAllocated // 8
    return np.frombuffer(ds.PixelData[:size], kind).reshape(ds.Rows, ds.Columns)[:rows]


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


SOURCES = {
    "12 bit": lambda: film(),
    "MONOCHROME1": lambda: film(PhotometricInterpretation="MONOCHROME1"),
    "narrow window": lambda: film(WindowCenter=1200, WindowWidth=700),
    "sigmoid": lambda: film(VOILUTFunction="SIGMOID", WindowCenter=2000, WindowWidth=1500),
    "no window": lambda: film(WindowCenter=None, WindowWidth=None),
    "rescaled": lambda: film(
        RescaleSlope="0.33", RescaleIntercept="-77.5", WindowCenter=500, WindowWidth=900
    ),
    "signed": lambda: film(chest().astype(np.int16) - 2000, 16, WindowCenter=-5),
    "signed 12 bit": lambda: film((chest().astype(np.int16) - 2048) & 0xFFF, PixelRepresentation=1),
    "8 bit": lambda: film((chest() >> 4).astype(np.uint8), 8, WindowCenter=128, WindowWidth=256),
    "16 bit": lambda: film(chest(most=65535), 16, WindowCenter=30000, WindowWidth=50000),
    "table": lambda: film(VOILUTSequence=Sequence([table(0, range(0, 65536, 16))])),
    "modality table": lambda: film(ModalityLUTSequence=Sequence([table(0, range(4095, -1, -1))])),
    "signed, modality table": lambda: film(
        chest().astype(np.int16) - 2048,
        16,
        WindowCenter=500,
        WindowWidth=900,
        ModalityLUTSequence=Sequence([table(-2048 & 0xFFFF, range(4096))]),
    ),
    "signed, table": lambda: film(
        chest().astype(np.int16) - 2048,
        16,
        VOILUTSequence=Sequence([table(-2048 & 0xFFFF, range(0, 65536, 16))]),
    ),
    "12 bit table": lambda: film(VOILUTSequence=Sequence([table(0, range(0, 4096, 2), 12)])),
    "large": lambda: film(ImagerPixelSpacing=[0.2, 0.1]),
}


def table(first: int, entries, bits: int = 16) -> Dataset:
    item = Dataset()
    item.add_new(0x00283002, "US", [len(entries) % 65536, first, bits])
    item.add_new(0x00283006, "OW", np.array(entries, "<u2").tobytes())
    return item


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


# What others say of it


def dciodvfy() -> str:
    beside = Path(sys.executable).parent / "dciodvfy"
    found = str(beside) if beside.exists() else shutil.which("dciodvfy")
    if found is None:
        pytest.skip("dciodvfy of dicom3tools is not installed")
    return found


def verdict(data: bytes, folder: Path) -> list[str]:
    """Every line that the validator says, but the kind of object it found."""
    path = folder / "judged.dcm"
    path.write_bytes(data)
    done = subprocess.run([dciodvfy(), "-new", str(path)], capture_output=True, text=True)
    lines = (done.stderr + done.stdout).splitlines()
    if any("0008,001c" in line and "Unrecognized" in line for line in lines):
        pytest.skip("this dciodvfy is older than the attribute Synthetic Data (2024b)")
    assert {"SCImage", "Segmentation"} & set(lines)
    return [line for line in lines if line not in ("SCImage", "Segmentation")]


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


# The command line


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with a DICOM film, a mask and an organ map in it; the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XREAL_DATA", str(tmp_path / "data"))
    Path("film.dcm").write_bytes(film())
    write_png("mask.png", MASK, 8)
    write_organs("organs.png", ORGANS)
    return tmp_path


def run(*argv: str) -> int:
    return main(argv, lambda **options: FakeEngine(**options))


def test_a_dicom_film_is_erased_into_a_dicom_film(desk):
    assert run("erase", "film.dcm", "--mask", "mask.png", "--seed", "0", "-o", "out.dcm") == 0

    before, after = read_image("film.dcm"), read_image("out.dcm")
    outside = MASK == 0
    assert np.array_equal(after.film.stored[outside], before.film.stored[outside])
    assert not after.pixels[~outside].any()


def test_replay_makes_a_dicom_file_again(desk):
    run("erase", "film.dcm", "--mask", "mask.png", "--seed", "30000", "-o", "out.dcm")

    assert run("replay", "out.dcm", "-o", "again.dcm") == 0

    first, again = read_image("out.dcm"), read_image("again.dcm")
    assert np.array_equal(first.film.stored, again.film.stored)
    assert again.film.tones == first.film.tones


def test_masks_are_written_beside_the_picture(desk):
    pytest.importorskip("highdicom", reason="needs a Python for which it exists")
    status = run(
        "generate", "--organs", "organs.png", "--finding", "mass=mask.png", "--count", "2",
        "-o", "made.dcm", "--masks", "masks.dcm",
    )  # fmt: skip

    assert status == 0
    for number in (1, 2):
        picture, masks = (pydicom.dcmread(f"{n}-{number}.dcm") for n in ("made", "masks"))
        referenced = masks.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0]
        assert referenced.ReferencedSOPInstanceUID == picture.SOPInstanceUID


def test_organs_of_our_own_picture_are_written_as_dicom(desk, capsys):
    pytest.importorskip("highdicom", reason="needs a Python for which it exists")
    run("generate", "--organs", "organs.png", "--seed", "60000", "-o", "made.dcm")

    assert run("segment", "made.dcm", "-o", "seg.dcm") == 0
    assert run("segment", "film.dcm", "-o", "no.dcm") == 2

    assert pydicom.dcmread("seg.dcm").Modality == "SEG" and not Path("no.dcm").exists()
    assert "lead back to the patient" in capsys.readouterr().err


def test_words_that_name_the_patient_stop_the_export_until_a_person_has_looked(desk, capsys):
    Path("named.dcm").write_bytes(film(BurnedInAnnotation="YES"))
    words = ["erase", "named.dcm", "--mask", "mask.png", "-o"]

    assert run(*words, "out.dcm") == run(*words, "out.png") == 2
    assert "name the patient" in capsys.readouterr().err
    assert not Path("out.dcm").exists() and not Path("out.png").exists()
    assert run(*words, "out.dcm", "--words-checked") == 0
    assert run("erase", "out.dcm", "--mask", "mask.png", "-o", "next.dcm") == 0


def test_the_dicom_command_says_what_a_file_is(desk, capsys):
    ds = dataset(chest(), ImagerPixelSpacing=[0.2, 0.1], PatientName="DOE^JOHN")
    Path("doe.dcm").write_bytes(file(ds))
    run("generate", "--organs", "organs.png", "-o", "made.dcm")
    capsys.readouterr()

    assert run("dicom", "doe.dcm") == 0
    said = capsys.readouterr().out
    assert "computed radiography (CR), 40 x 48 px, 12 of 16 bits, uncompressed" in said
    assert "Tones: window 2048 / 4096, LINEAR." in said and "0.1 x 0.2 mm, at the detector" in said
    assert "DOE" not in said
    assert run("dicom", "made.dcm", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["synthetic"] and told["made_by"] == "generate"
    assert run("dicom", "mask.png") == 2


def test_a_note_on_how_the_film_was_read_reaches_the_person(desk, capsys):
    Path("odd.dcm").write_bytes(film(WindowCenter=None, WindowWidth=None))

    run("erase", "odd.dcm", "--mask", "mask.png", "-o", "out.png")

    assert "states no window" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-o", "o.png", "--masks", "m.dcm"], "both must end in .dcm"),
        (["-o", "o.dcm", "--masks", "m.png"], "both must end in .dcm"),
        (["-o", "o.dcm", "--masks", "o.dcm"], "name the same file"),
        (["-o", "o.dicom"], "does not end in .png or .dcm"),
        (["-o", "film.dcm"], "would be lost"),
    ],
)
def test_names_that_do_not_fit_are_refused_before_anything_runs(desk, capsys, words, sentence):
    assert run("erase", "film.dcm", "--mask", "mask.png", *words) == 2
    assert sentence in capsys.readouterr().err


def test_the_film_dataclass_names_nobody():
    """Everything that leaves the decoding process is a number, a truth, or a word of ours."""
    text = {"kind", "syntax", "spacing_of", "orientation", "notes"}
    kinds = {name: str(kind) for name, kind in Film.__annotations__.items()}

    assert {name for name, kind in kinds.items() if "str" in kind or "Literal" in kind} == text
