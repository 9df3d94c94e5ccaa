"""Faults of ours: a number for the screen, a trace without anybody's words in the log."""

import logging
import os
import re
import traceback
import uuid
from pathlib import Path

from engine.files import data_folder

PROJECT = Path(__file__).resolve().parents[2]
log = logging.getLogger(__name__)


def record(error: BaseException) -> str:
    """Write the trace of ``error`` to its own log file (0600); the sentence for the screen."""
    incident = uuid.uuid4().hex[:8].upper()
    sentence = f"Something failed in the program: incident {incident}. Nothing was changed."
    path = data_folder() / "logs" / f"incident-{incident}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(trace(error))
    except OSError as reason:
        log.warning("the log could not be written: %s", reason.strerror)
        return sentence
    return f"{sentence} The trace is in '{path.name}', in the log folder of XReal Studio."


def trace(error: BaseException) -> str:
    """Where ``error`` came from and what kind it is; quoted values and paths are left out,
    because a file name or a report may name a patient."""
    lines = []
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        known = path.is_relative_to(PROJECT)
        where = path.relative_to(PROJECT) if known else Path(*path.parts[-2:])
        lines.append(f"{where.as_posix()}:{frame.lineno} in {frame.name}")
    said = re.sub(r"(['\"]).*?\1|(?:/[^\s:]+)+|[A-Za-z]:\\\S+", "...", str(error), flags=re.S)
    said = re.sub(r"\S*[^a-z\s.,:;()-]\S*", "...", said)  # names and numbers are no small letters
    return "\n".join([*lines, f"{type(error).__name__}: {said[:300]}", ""])
