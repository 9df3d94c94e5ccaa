"""Where a picture of a study was edited: kept beside it on the server, told to no reader.

A mask goes through the framing of its picture and lies in a folder of its own, under its own
checksum; no name under which a picture is shown leads there. Its checksum is part of the case, so
the freeze holds it and ``verify`` finds a changed one.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from app.studies.errors import StudyError
from app.studies.framing import Flags, framed_mask
from engine import png
from engine.errors import EngineError
from engine.files import write_whole
from engine.images import read_mask

MASKS = "masks"
PACKED = "masks.zip"  # of an export
LARGEST = 2048  # px of a side, as of a shown picture
MOST_BYTES = 20_000_000  # of one mask in an export, unpacked: many times what is ever written
FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the same masks make the same archive


def read_edited(path: Path, shape: tuple[int, ...]) -> Flags:
    """(H, W) of a PNG of the size of its picture: true where it is white.

    Raises ``StudyError`` for another size, and for a mask without any white.
    """
    if not png.is_png(path.read_bytes()[:8]):
        raise StudyError("A mask must be a PNG, so that its edges are as they were drawn.")
    flags = read_mask(path) >= 0.5
    if flags.shape != tuple(shape):
        raise StudyError(
            f"The mask is {flags.shape[1]} x {flags.shape[0]} px and its picture {shape[1]} x "
            f"{shape[0]}. A mask must have the size of the picture that it belongs to."
        )
    if not flags.any():
        raise StudyError(
            "The mask is black, so it says that nothing was edited. White is what was edited; "
            "leave the column empty where nothing was."
        )
    return flags


def framed(flags: Flags, crops: Iterable[float], side: int, case_id: str) -> Flags:
    """The mask as its picture is shown, (side, side), after every crop of its treatment.

    Raises ``StudyError`` where nothing of it, or nothing else, is left to be marked.
    """
    for crop in crops:
        flags = framed_mask(flags, crop, side)
    if not flags.any():
        raise StudyError(
            f"Nothing of the mask of {case_id} lies within the square that is shown, so no reader "
            "could mark what was edited. Leave the mask out, or cut less off."
        )
    if flags.all():
        raise StudyError(
            f"The mask of {case_id} covers all that is shown, so every mark would be a hit. Leave "
            "the mask out."
        )
    return flags


def keep_mask(folder: Path, flags: Flags) -> str:
    """Write a mask into the study's ``folder`` and return its checksum."""
    data = png.encode(flags.astype(np.uint8) * 255)
    sha256 = hashlib.sha256(data).hexdigest()
    path = path_of(folder, sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not (path.exists() and path.read_bytes() == data):
        write_whole(path, data)
    return sha256


def path_of(folder: Path, sha256: str) -> Path:
    return folder / MASKS / f"{sha256}.png"


def mask_of(folder: Path, sha256: str) -> Flags:
    """(side, side) of a mask of the study in ``folder``; raises ``StudyError`` for a lost one."""
    try:
        return _decoded(path_of(folder, sha256).read_bytes(), sha256)
    except OSError as error:
        raise StudyError(
            f"The mask {sha256[:12]} is gone from the disk. Put the folder {MASKS} of the study "
            "back from a copy."
        ) from error


def pack(folder: Path, checksums: Iterable[str], target: Path) -> None:
    """All masks of a study as one archive, each under its checksum; nothing where there is none."""
    wanted = sorted(set(checksums) - {""})
    if not wanted:
        return
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:  # stored: a PNG is compressed already
        for sha256 in wanted:
            mask_of(folder, sha256)  # refuses one that was changed
            data = path_of(folder, sha256).read_bytes()
            archive.writestr(zipfile.ZipInfo(f"{sha256}.png", FIRST_DAY), data)
    write_whole(target, out.getvalue())


def unpacked(archive: Path, checksums: Iterable[str]) -> Mapping[str, Flags]:
    """Masks of an export by checksum. Raises ``StudyError`` where one is missing or changed."""
    wanted = sorted(set(checksums) - {""})
    if not wanted:
        return {}
    try:
        with zipfile.ZipFile(archive) as packed:
            found = {}
            for sha256 in wanted:
                if packed.getinfo(f"{sha256}.png").file_size > MOST_BYTES:
                    raise KeyError(sha256)
                found[sha256] = _decoded(packed.read(f"{sha256}.png"), sha256)
            return found
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise StudyError(
            f"{archive.name} is missing, damaged or lacks a mask of the study. Make the export "
            "again, or put the file back."
        ) from error


def _decoded(data: bytes, sha256: str) -> Flags:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise StudyError(
            f"The mask {sha256[:12]} was changed after it was stored. Put it back from a copy."
        )
    damaged = f"The mask {sha256[:12]} is damaged, or no square of up to {LARGEST} px."
    try:
        width, height, *_ = png.header(data)
        if 0 < width == height <= LARGEST:
            return png.decode(data) >= 128
    except (EngineError, OSError) as error:
        raise StudyError(damaged) from error
    raise StudyError(damaged)
