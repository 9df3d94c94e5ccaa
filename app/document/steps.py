"""The newest steps of a drawing that can be taken back, kept beside the saves of its document.

They are the browser's own bytes, made for one revision of the drawing, and go with the document.
After a reload they are given back to the browser that shows that revision, and to no other.
"""

from pathlib import Path

from engine.files import write_whole

NAME = "steps"
MOST_BYTES = 5_000_000  # gzipped; the page sends far less
HEAD = 8  # bytes: the revision


def keep(home: Path, rev: int, packed: bytes) -> None:
    """Keep the steps of revision ``rev`` of the document in ``home`` in place of those before;
    raises EngineError with a sentence."""
    write_whole(home / NAME, rev.to_bytes(HEAD, "big") + packed)


def kept(home: Path, rev: int) -> bytes | None:
    """The steps of revision ``rev``; None where there are none, or those of another."""
    try:
        found = (home / NAME).read_bytes()
    except OSError:
        return None
    return found[HEAD:] if int.from_bytes(found[:HEAD], "big") == rev and rev >= 0 else None
