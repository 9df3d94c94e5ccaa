"""The talk with the process that reads a stranger's file of weights: :mod:`.child`."""

import contextlib
import json
import logging
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from engine import jail
from engine.checkpoints.child import SPOOL, seconds_for

MODULE = "engine.checkpoints.child"
TICK = 0.2  # seconds between two looks at Stop
MOST_ANSWER = 32 << 20  # bytes of all lines together

OnBytes = Callable[[int, int], None]  # (bytes done, bytes in all); may raise Cancelled

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What the process said. ``reason`` is why it refused the file, "" for none; ``told`` is the
    index; ``enforced`` names the walls that stood (:mod:`engine.jail`)."""

    reason: str = ""
    names: tuple[str, ...] = ()
    top: str = ""
    told: list[Any] = field(default_factory=list)
    enforced: tuple[str, ...] = ()


@contextlib.contextmanager
def asked(path: Path, form: str, on_bytes: OnBytes | None = None) -> Iterator[tuple[Answer, Path]]:
    """The answer on the file at ``path``, and the file that its places are of.

    That is the file itself, or for an old pickle one in a private folder, which lasts as long as
    the context. ``on_bytes`` may raise Cancelled at any time, which ends the process.
    """
    folder = Path(tempfile.mkdtemp(prefix="xreal-jail-"))
    try:
        if form == "pickle":
            (folder / SPOOL).touch(mode=0o600)
        answer = _answer(path, form, folder, on_bytes)
        yield answer, folder / SPOOL if form == "pickle" else path
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _answer(path: Path, form: str, folder: Path, on_bytes: OnBytes | None) -> Answer:
    size = path.stat().st_size
    lines: queue.Queue[bytes | None] = queue.Queue()
    with path.open("rb") as file:
        process = jail.start(MODULE, [form, str(size)], file, folder)
    assert process.stdout is not None
    reader = threading.Thread(target=_pump, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        return _listen(lines, time.monotonic() + 2 * seconds_for(size), size, on_bytes)
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def _pump(out: IO[bytes], lines: "queue.Queue[bytes | None]") -> None:
    """Pass on line by line, no more than an answer can have."""
    left = MOST_ANSWER
    while line := out.readline(left):
        left -= len(line)
        lines.put(line)
        if left <= 0:
            break
    lines.put(None)


def _listen(
    lines: "queue.Queue[bytes | None]", end: float, size: int, on_bytes: OnBytes | None
) -> Answer:
    done, enforced = 0, ()
    while True:
        try:
            line = lines.get(timeout=TICK)
        except queue.Empty:
            line = b"{}"
        if line is None:  # it died of the file
            return Answer("broken", enforced=enforced)
        if time.monotonic() > end:
            return Answer("slow", enforced=enforced)
        told = _told(line)
        if "enforced" in told:
            enforced = tuple(str(name) for name in told["enforced"])
            log.info("reading weights behind: %s", ", ".join(enforced))
        elif "refused" in told:
            names = tuple(str(name) for name in told.get("names", ()))
            return Answer(str(told["refused"]), names, enforced=enforced)
        elif "tensors" in told:
            top = str(told.get("top", ""))
            return Answer(top=top, told=told["tensors"], enforced=enforced)
        elif type(told.get("done")) is int:
            done = max(done, min(told["done"], size))
        if on_bytes is not None:
            on_bytes(done, size)


def _told(line: bytes) -> dict[str, Any]:
    """A line of the answer; one that is none of ours ends the talk."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return {"refused": "broken"}
    fits = isinstance(told, dict) and all(
        isinstance(told.get(name, []), list) for name in ("enforced", "names", "tensors")
    )
    return told if fits else {"refused": "broken"}
