"""A project file: one ZIP with a manifest of what is in it, written whole and read strictly.

``manifest.json`` names the format, its version, the program, the title, and size and SHA-256 of
every other file. Nothing is unpacked before the names, the sizes and the manifest agree, and
nothing is ever written to the disk: a part is read into memory, no further than its stated size.
"""

import hashlib
import io
import json
import re
import stat
import struct
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from app.document.project import (
    FORMAT,
    SCHEMA,
    Document,
    MadeByNewer,
    ProjectUnreadable,
    all_bytes,
    damaged,
)
from app.document.project_reading import ProjectTooLarge, document_of, refuse_unreadable
from engine.version import VERSION

MANIFEST = "manifest.json"
MOST_BYTES = 500_000_000  # of a project file, and of what it unpacks to
MOST_PARTS, MOST_MANIFEST = 10_000, 4_000_000
NAMES = re.compile(
    r"document\.json|thumbnail\.png|pictures/\d{1,5}\.png|recipes/\d{1,5}\.json|"
    r"inputs/\d{1,5}\.bin|drawings/\d{1,5}\.gz|films/\d{1,5}\.bin"
)
LATEST = 253_402_300_800  # seconds since 1970: the year 10000, which no calendar of ours shows
ZIP_FAULTS = (OSError, EOFError, ValueError, NotImplementedError, OverflowError, struct.error)
PACKED = (".json",)  # the others are packed already


def manifest(
    document: Document, files: Iterable[dict[str, Any]], changed: float | None = None
) -> bytes:
    """The list of contents; times are seconds since 1970."""
    told = {
        "format": FORMAT,
        "schema": schema_of(document),
        "program": f"XReal Studio {VERSION}",
        "title": document.title,
        "created": document.created,
        "changed": time.time() if changed is None else changed,
        "note": "SYNTHETIC or edited pictures, not for diagnosis",
        "files": list(files),
    }
    return json.dumps(told, indent=1).encode()


def schema_of(document: Document) -> int:
    """Programs that know nothing of opened films and their words must not drop what was decided."""
    return SCHEMA if any(state.descent is not None for state in document.states) else 1


def entry(name: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def refuse_too_many(parts: int, size: int) -> None:
    """Raises :class:`ProjectTooLarge` where :func:`read_manifest` would refuse so many ``parts``
    of ``size`` bytes together."""
    if parts > MOST_PARTS or size > MOST_BYTES:
        raise ProjectTooLarge


def read_manifest(data: bytes) -> dict[str, Any]:
    """A list of contents of ours, checked; its files by name under ``"files"``."""
    try:
        told = json.loads(data)
        if told["format"] != FORMAT:
            raise ValueError("format")
        schema, program = told["schema"], str(told["program"])[:60]
        if type(schema) is not int or schema < 1:
            raise ValueError("schema")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProjectUnreadable(
            "This ZIP is not a project of XReal Studio: it has no list of contents of ours."
        ) from error
    if schema > SCHEMA:
        raise MadeByNewer(
            f"This project was made by a newer version of the program ({program}; its format is "
            f"{schema}, this version reads {SCHEMA}). Nothing was changed. Open it with that "
            "version."
        )
    try:
        files = {file["name"]: (file["size"], file["sha256"]) for file in told["files"]}
        if len(files) != len(told["files"]) or len(files) > MOST_PARTS:
            raise ValueError("files")
        for name, (size, digest) in files.items():
            if not NAMES.fullmatch(name) or type(size) is not int or size < 0:
                raise ValueError("files")
            if not re.fullmatch(r"[0-9a-f]{64}", digest):
                raise ValueError("files")
        if sum(size for size, _ in files.values()) > MOST_BYTES:
            raise ProjectUnreadable("This project is larger than this program can open.")
        created, changed = float(told["created"]), float(told["changed"])
        if not (0 <= created < LATEST and 0 <= changed < LATEST):
            raise ValueError("times")
        return {
            "title": str(told["title"])[:300],
            "created": created,
            "changed": changed,
            "files": files,
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged("its list of contents") from error


def checked(name: str, data: bytes, files: dict[str, tuple[int, str]]) -> bytes:
    """``data`` if it is what the list of contents says."""
    size, digest = files[name]
    if len(data) != size or hashlib.sha256(data).hexdigest() != digest:
        raise damaged(part_title(name))
    return data


def part_title(name: str) -> str:
    folder = name.partition("/")[0]
    named = {
        "pictures": "a picture",
        "recipes": "a recipe",
        "inputs": "an input of a picture",
        "drawings": "a drawing",
        "films": "a film",
    }
    return named.get(folder, "its list of contents") + f" ({name})"


def project_bytes(document: Document) -> bytes:
    """``document`` as a project file. Raises :class:`ProjectTooLarge`."""
    refuse_unreadable(document)
    out = io.BytesIO()
    files, total = [], 0
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in all_bytes(document):
            total += len(data)
            files.append(entry(name, data))
            refuse_too_many(len(files), total)
            _write(archive, name, data)
        _write(archive, MANIFEST, manifest(document, files))
    return out.getvalue()


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, time.localtime()[:6])
    packs = name.endswith(PACKED)
    info.compress_type = zipfile.ZIP_DEFLATED if packs else zipfile.ZIP_STORED
    info.external_attr = 0o600 << 16
    archive.writestr(info, data)


def open_zip(source: Path | IO[bytes]) -> zipfile.ZipFile:
    """A ZIP to read. Its list of contents fails in many ways; all are BadZipFile here."""
    try:
        return zipfile.ZipFile(source)
    except (
        OSError,
        EOFError,
        ValueError,
        NotImplementedError,
        OverflowError,
        struct.error,
    ) as error:
        raise zipfile.BadZipFile(str(error)) from error


def read_project(path: Path) -> Document:
    """The document in a project file; see :class:`ProjectUnreadable`."""
    try:
        with open_zip(path) as archive:
            return _document(archive)
    except zipfile.BadZipFile as error:
        raise ProjectUnreadable(
            "The project file was cut off or damaged while it was copied. Nothing was changed. "
            "Copy it again."
        ) from error


def has_manifest(path: Path) -> bool:
    """Whether the ZIP at ``path`` says that it is a project, whatever else is wrong with it."""
    try:
        with open_zip(path) as archive:
            return MANIFEST in archive.namelist()
    except zipfile.BadZipFile:
        return False


def _document(archive: zipfile.ZipFile) -> Document:
    infos = archive.infolist()
    if len(infos) > MOST_PARTS + 1:
        raise ProjectUnreadable("This ZIP holds more files than a project ever has.")
    by_name = {info.filename: info for info in infos}
    if len(by_name) != len(infos):
        raise damaged("its list of contents")
    if MANIFEST not in by_name:
        raise ProjectUnreadable(
            "This ZIP is not a project of XReal Studio: it has no list of contents of ours."
        )
    told = read_manifest(read_member(archive, by_name[MANIFEST], MOST_MANIFEST))
    files = told["files"]
    if set(by_name) != {*files, MANIFEST}:
        missing = sorted(set(files) - set(by_name))
        raise damaged(part_title(missing[0]) if missing else "its list of contents")
    for name, (size, _) in files.items():
        if by_name[name].file_size != size:
            raise damaged(part_title(name))

    def read(name: str) -> bytes:
        if name not in files:
            raise damaged("its list of contents")
        return checked(name, read_member(archive, by_name[name], files[name][0]), files)

    return document_of(read, told["title"], told["created"])


def length(archive: zipfile.ZipFile) -> int:
    """Bytes of the whole file."""
    assert archive.fp is not None
    return archive.fp.seek(0, 2)


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """One plain file of a ZIP, never unpacking more than ``most`` bytes and one."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    plain = kind in (0, stat.S_IFREG) and not info.is_dir() and not info.flag_bits & 1
    if not plain or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise damaged("its list of contents")
    if info.compress_size > length(archive):  # room for all that is stated would be reserved
        raise damaged(part_title(info.filename[:40]))
    try:
        with archive.open(info) as file:
            data = file.read(most + 1)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise damaged(part_title(info.filename[:40])) from error
    except Exception as error:  # zlib's own error, which has no common base
        raise damaged(part_title(info.filename[:40])) from error
    if len(data) > most:
        raise damaged(part_title(info.filename[:40]))
    return data
