"""What dciodvfy, the validator of David Clunie's dicom3tools, says of a file."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


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
