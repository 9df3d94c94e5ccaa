"""How failures reach the screen: what a person can act on as it stands, the rest by a number.

The log holds places in our code and kinds of errors, never values: a file name, a report or a
path may name a patient.
"""

import errno
import logging
import os
import traceback
import uuid
from logging.handlers import RotatingFileHandler
from pathlib import Path

from engine.errors import EngineError

log = logging.getLogger(__name__)
PROJECT = Path(__file__).resolve().parent.parent
DISK_FULL = "The disk is full. Nothing is lost: free some space, then try again."
NO_MEMORY = (
    "There is not enough memory for this run. Nothing is lost. "
    "Close other programs, or ask for fewer variations or a smaller picture."
)


class Elsewhere(Exception):
    """A fault in the process of the models; ``trace`` is scrubbed already."""

    def __init__(self, trace: str):
        self.trace = trace
        super().__init__()


def sentence(error: BaseException) -> str:
    """What the screen says about ``error``. Faults of ours are logged under an incident."""
    if isinstance(error, EngineError):
        return str(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return NO_MEMORY
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DISK_FULL
    incident = uuid.uuid4().hex[:8].upper()
    log.error("incident %s\n%s", incident, scrubbed(error))
    return f"Something failed in the program. Nothing of yours was lost. Incident {incident}."


def scrubbed(error: BaseException) -> str:
    """The trace of ``error`` without anything that was typed, opened or drawn: places and its kind.

    Not its text, which may quote a file, a report or a name in any way.
    """
    if isinstance(error, Elsewhere):
        return error.trace
    lines = []
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        inside = path.is_relative_to(PROJECT)
        where = path.relative_to(PROJECT) if inside else Path(*path.parts[-2:])
        lines.append(f"  {where}:{frame.lineno} in {frame.name}")
    return "\n".join([*lines, type(error).__name__])


def log_to(path: Path) -> None:
    """Send warnings and incidents to a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_CREAT | os.O_APPEND, 0o600))
    path.chmod(0o600)
    handler = RotatingFileHandler(path, maxBytes=1_000_000, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    for name in ("app", "engine"):
        logging.getLogger(name).addHandler(handler)
