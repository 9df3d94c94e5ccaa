"""What is done with the folder of documents at the start, after the program may have been killed.

A document of which no save is whole any
more is set aside, in a folder beside the others: nothing of it is deleted, and its owner is told.
"""

import contextlib
import time
from pathlib import Path

from app.document import archive
from app.document.project import MadeByNewer, ProjectUnreadable
from app.document.saves import saves_of
from engine.files import write_whole

ASIDE = "set.aside"  # no document has a dot in its name
SAID = "said"


def recover(folder: Path) -> int:
    """Look through all documents; how many were set aside."""
    homes = [home for home in folder.glob("*/*") if home.is_dir() and home.name != ASIDE]
    return sum(set_aside(home) for home in homes if not readable(home))


def readable(home: Path) -> bool:
    """Whether a document has a save whose parts are all there, or is none yet."""
    saves = saves_of(home)
    if not saves and not any((home / "parts").glob("*")):
        return True
    return any(whole(home, save) for save in reversed(saves))


def whole(home: Path, save: Path) -> bool:
    """By names and sizes; the checksums are looked at when it is opened."""
    try:
        files = archive.read_manifest(save.read_bytes())["files"]
        parts = home / "parts"
        return all((parts / digest).stat().st_size == size for size, digest in files.values())
    except MadeByNewer:
        return True  # whole, but not for this version
    except (ProjectUnreadable, OSError):
        return False


def set_aside(home: Path) -> bool:
    aside = home.parent / ASIDE
    with contextlib.suppress(OSError):
        aside.mkdir(mode=0o700, exist_ok=True)
        home.rename(aside / f"{home.name}.{time.time_ns()}")
        (aside / SAID).unlink(missing_ok=True)
        return True
    return False


def notice(owner: Path) -> str | None:
    """What the owner of the folder is told once about what was set aside; None for nothing new."""
    aside = owner / ASIDE
    if not aside.is_dir() or (aside / SAID).exists():
        return None
    count = sum(path.is_dir() for path in aside.iterdir())
    with contextlib.suppress(Exception):  # then it is said once more
        write_whole(aside / SAID, b"")
    what = "One document was" if count == 1 else f"{count} documents were"
    return (
        f"{what} found half written, because the program was ended hard, and cannot be opened. "
        f"Nothing was deleted: the folder documents/{owner.name}/{ASIDE} in the data folder of "
        "XReal Studio has what is left."
    )
