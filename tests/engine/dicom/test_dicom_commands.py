"""The command line with DICOM in and out."""

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest

from engine.cli.main import main
from engine.images import read_image, write_organs, write_png
from tests.engine.cli.fake_engine import FakeEngine
from tests.engine.dicom.exports import (
    MASK,
    ORGANS,
)
from tests.engine.dicom.films import chest, dataset, file, film


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
