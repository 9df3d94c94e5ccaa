"""Nothing that names a patient leaves: a word in every place of a source is in no output."""

import logging
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from engine.cli.main import main
from engine.images import write_png
from tests.engine.cli.fake_engine import FakeEngine
from tests.engine.dicom.films import chest, dataset, file

CANARY = "KANARI"
DATE, UID = "19471103", "1.2.826.0.1.4715.8.15"
MARKS = (CANARY, DATE, UID)  # of whom nothing may leave
TEXTS = {"LO": 64, "SH": 16, "LT": 200, "ST": 200, "UT": 200, "UC": 200, "PN": 64, "AE": 16}
OTHERS = {"DA": DATE, "DT": DATE + "101112", "UI": UID}


def canary_film() -> bytes:
    """A film with the word in every text attribute of the dictionary that a file may hold: of
    the top level, in sequences, private, in overlays, in the header, in the preamble, behind."""
    ds = dataset(chest(), WindowCenterWidthExplanation=CANARY, RescaleType=CANARY)
    ds.SpecificCharacterSet = "ISO_IR 100"
    nested = Dataset()
    for tag, (vr, *_, keyword) in DicomDictionary.items():
        group = tag >> 16
        if vr not in TEXTS or not keyword or not 0x0008 <= group < 0x5000 or keyword in ds:
            continue
        value = CANARY if vr != "PN" else f"{CANARY}^JOHN"
        (ds if tag % 2 else nested).add_new(tag, vr, value)
    for tag, (vr, *_, keyword) in DicomDictionary.items():
        if vr in OTHERS and keyword and 0x0008 <= tag >> 16 < 0x5000 and keyword not in ds:
            (ds if tag % 2 else nested).add_new(tag, vr, OTHERS[vr])
    ds.SOPInstanceUID = ds.StudyInstanceUID = ds.SeriesInstanceUID = UID
    ds.PatientBirthDate = ds.StudyDate = DATE
    ds.PatientID, ds.PatientName = CANARY, f"{CANARY}^JOHN"
    ds.RequestAttributesSequence = Sequence([nested])
    inner = Dataset()
    inner.LUTDescriptor, inner.LUTExplanation = [4096, 0, 16], CANARY
    inner["LUTDescriptor"].VR = "US"
    inner.add_new(0x00283006, "OW", np.arange(0, 65536, 16, dtype="<u2").tobytes())
    ds.VOILUTSequence = Sequence([inner])
    block = ds.private_block(0x0009, CANARY, create=True)
    block.add_new(1, "LO", CANARY)
    block.add_new(2, "OB", CANARY.encode())
    block.add_new(3, "SQ", Sequence([nested]))
    ds.add_new(0x60000010, "US", 1)
    ds.add_new(0x60004000, "LT", CANARY)
    ds.add_new(0x60003000, "OW", CANARY.encode() * 40)
    data = bytearray(file(ds))
    data[: len(CANARY)] = CANARY.encode()
    assert data.count(CANARY.encode()) > 500
    header = data.index(b"\2\0\x10\0UI")
    private = b"\2\0\x16\0AE\6\0" + CANARY.encode()
    data[header:header] = private
    length = int.from_bytes(data[140:144], "little") + len(private)
    data[140:144] = length.to_bytes(4, "little")
    return bytes(data) + CANARY.encode() * 2


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the film in it, under a name that has the word in it, too."""
    for name in ("out", "tmp", "data"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("XREAL_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / f"{CANARY} 123.dcm").write_bytes(canary_film())
    mask = np.zeros((48, 40), np.float32)
    mask[20:30, 10:20] = 1
    write_png(tmp_path / "mask.png", mask, 8)
    return tmp_path


def left(folder: Path) -> list[str]:
    """Files below ``folder`` with the word in their bytes or their name."""
    found = []
    for path in folder.rglob("*"):
        told = str(path.relative_to(folder)).encode()
        if path.is_file():
            told += path.read_bytes()
        if marks_in(told):
            found.append(path.name)
    return found


def marks_in(data: bytes) -> list[str]:
    """Which of the marks are in these bytes, as they stand or as wide letters."""
    return [m for m in MARKS if m.encode() in data or m.encode("utf-16-le") in data]


EXPORTS = [
    ("erase", "out/a.dcm", ["--mask", "mask.png", "--recipe", "out/a.json"]),
    ("erase", "out/a.png", ["--mask", "mask.png"]),
    ("insert", "out/b.dcm", ["--finding", "mass=mask.png", "--masks", "out/m.dcm"]),
    ("outpaint", "out/c.dcm", ["--add", "top=8"]),
    ("upscale", "out/d.dcm", []),
    ("segment", "out/e.png", []),
]


@pytest.mark.case(45)
@pytest.mark.own_process
@pytest.mark.parametrize(("verb", "output", "words"), EXPORTS)
def test_no_word_of_the_source_is_in_any_byte_that_leaves(
    desk, verb, output, words, monkeypatch, caplog, capfd
):
    if "--masks" in words:
        pytest.importorskip("highdicom", reason="needs a Python for which it exists")
    monkeypatch.chdir(desk)
    caplog.set_level(logging.DEBUG)
    source = f"{CANARY} 123.dcm"

    assert main([verb, source, *words, "-o", output], lambda **o: FakeEngine(**o)) == 0

    assert (desk / output).exists()
    assert left(desk / "out") == left(desk / "tmp") == left(desk / "data") == []
    said = capfd.readouterr()
    assert marks_in((said.out + said.err + caplog.text).encode()) == []


@pytest.mark.own_process
def test_what_the_dicom_command_tells_names_nobody(desk, capfd):
    assert main(["dicom", str(desk / f"{CANARY} 123.dcm"), "--json"]) == 0

    said = capfd.readouterr()
    assert marks_in((said.out + said.err).encode()) == []


@pytest.mark.own_process
def test_a_fault_while_a_film_is_worked_on_leaves_no_word_of_it(desk, monkeypatch, capfd):
    monkeypatch.chdir(desk)
    engine = FakeEngine()
    engine.fails = RuntimeError(f"while reading '{CANARY} 123.dcm'")
    words = ["erase", f"{CANARY} 123.dcm", "--mask", "mask.png", "-o", "out/a.dcm"]

    assert main(words, lambda **_: engine) == 1

    assert list((desk / "data").rglob("*.log"))
    assert left(desk / "out") == left(desk / "tmp") == left(desk / "data") == []
    assert CANARY not in capfd.readouterr().err


def test_the_canary_would_be_found(desk):
    assert left(desk) == [f"{CANARY} 123.dcm"]
    assert marks_in(canary_film()) == list(MARKS)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux")
def test_the_decoding_process_is_not_told_the_files_name(desk, monkeypatch):
    """Neither its arguments nor its environment hold it: others on the computer see both."""
    seen = {}
    run = subprocess.run

    def spy(words, **options):
        seen["words"], seen["env"] = words, options["env"]
        return run(words, **options)

    from engine.dicom import reading
    from tests.engine.dicom.conftest import in_own_process

    monkeypatch.setattr(reading, "_answer", in_own_process)
    monkeypatch.setattr(subprocess, "run", spy)
    reading.read_film(canary_film())

    assert seen["words"][0] == sys.executable
    assert CANARY not in str(seen["words"]) and CANARY not in str(seen["env"])
