"""The ledger of everything that was exported: one JSON line for each file, only ever added to.

A line holds when, what kind, and the SHA-256 of the file and of its recipe. It holds no name, no
path and no word of a request, so it can be kept where patients' names must not be. Each line also
holds the hash of the line before, so that a line that was changed or taken out is noticed.

Lines are added under a lock and are on the disk before :func:`enter` returns. A program killed
in the middle of a line leaves a piece without an end; whoever adds next cuts it off. That line had
not been acknowledged, and its file, which is written afterwards, does not exist.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import DiskFull, EngineError
from engine.files import NO_ROOM, disk, locked
from engine.origin import recipe_digest
from engine.provenance import Recipe

NAME = "ledger.jsonl"
FIRST = "0" * 64  # what the first line holds in place of the hash of the line before
LONGEST_LINE = 4096  # bytes; ours have some 350
Entry = dict[str, Any]


def enter(
    ledger: str | Path,
    data: bytes,
    kind: str,
    recipe: Recipe | None,
    said: Mapping[str, str] | None = None,
) -> Entry:
    """Add the file ``data`` of ``kind`` ("png", "organs", "recipe", "dicom", "project", "masks")
    to the ledger. ``said`` adds words of ours: which visible mark ("mark"), what a person decided
    on words in the film ("words"), how it was sent ("sent").

    Call it before the file is written: then no file exists that is not in the ledger. Raises
    EngineError where the ledger cannot be written; nothing is added then.
    """
    ledger = Path(ledger)
    try:
        ledger.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(ledger, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "r+b", buffering=0) as file, locked(file):
            before = _mend(file)
            entry = {
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
                "kind": kind,
                "file": hashlib.sha256(data).hexdigest(),
                "recipe": None if recipe is None else recipe_digest(recipe),
                **(said or {}),
                "before": before,
            }
            _add(file, json.dumps(entry).encode() + b"\n")
    except OSError as error:
        if error.errno in NO_ROOM:
            raise DiskFull(
                "The disk is full: the ledger of exports cannot be written. Its lines are "
                "untouched. Free some space, then export again."
            ) from error
        raise EngineError(
            f"The ledger of exports cannot be written: {error.strerror or 'disk error'}. "
            f"Look after the file '{ledger.name}' in the data folder of XReal Studio."
        ) from error
    return entry


def entries(ledger: str | Path) -> list[Entry]:
    """All lines of the ledger, oldest first; raises EngineError where one was tampered with.

    A last line without an end is that of a program that was killed, and is passed over.
    """
    try:
        lines = Path(ledger).read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise EngineError(f"The ledger of exports cannot be read: {error.strerror}.") from error
    found, before = [], FIRST
    for number, line in enumerate(lines, 1):
        entry = _parsed(line)
        if entry is None or entry.get("before") != before:
            raise EngineError(
                f"Line {number} of the ledger of exports, or the one before it, was changed after "
                "it was written, or a line was taken out. Compare it with a backup."
            )
        found.append(entry)
        before = _hash(line)
    return found


def _mend(file: Any) -> str:
    """Cut off a piece of a line at the end; the hash of the last whole line."""
    size = file.seek(0, os.SEEK_END)
    start = max(size - 2 * LONGEST_LINE, 0)
    file.seek(start)
    tail = _read(file, size - start)
    whole = tail[: tail.rfind(b"\n") + 1]
    if not whole and start:
        raise OSError(None, "its end is no ledger")
    if len(whole) < len(tail):
        file.truncate(start + len(whole))
    file.seek(0, os.SEEK_END)
    return _hash(whole[:-1].rpartition(b"\n")[2]) if whole else FIRST


def _read(file: Any, size: int) -> bytes:
    parts = []
    while size > 0 and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _add(file: Any, line: bytes) -> None:
    """Write the line to the disk; a disk that fills up in the middle leaves no piece behind."""
    start = file.tell()
    try:
        disk.write(file, line)
        disk.sync(file)
    except OSError:
        with contextlib.suppress(OSError):
            file.truncate(start)
        raise


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _parsed(line: bytes) -> Entry | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None
