"""The one writer: files whole or not at all, early refusals where there is no room, and what a
program that was killed left behind.

Everything the program keeps goes through here: documents, projects, users, models, pictures,
recipes, and (line by line, see ``ledger``) the ledger. What touches the disk is in :class:`Disk`,
so that the tests can let each single operation fail.
"""

import contextlib
import errno
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from engine.errors import DiskFull, EngineError, NoRoom

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SPARE = 64 << 20  # bytes that stay free, for what is written beside
TEMPORARY = re.compile(r"\.(\d+)-[0-9a-f]{32}\.part")  # files on their way: whose, and which
LONGEST = 86_400.0  # seconds; no file is on its way longer than that


class Disk:
    """The operations by which a file gets onto the disk."""

    def create(self, path: Path, mode: int) -> IO[bytes]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(path, flags, mode), "wb", buffering=0)

    def write(self, file: IO[bytes], data: bytes | memoryview) -> None:
        left = memoryview(data).cast("B")
        while left:
            left = left[file.write(left) :]

    def sync(self, file: IO[bytes]) -> None:
        os.fsync(file.fileno())

    def rename(self, path: Path, to: Path) -> None:
        path.replace(to)

    def sync_folder(self, folder: Path) -> None:
        if os.name == "nt":  # Windows cannot open a folder to flush it
            return
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


disk = Disk()


class Whole:
    """A file on its way; ``write`` as often as needed."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self.size = 0  # bytes so far

    def write(self, data: bytes | memoryview) -> None:
        self.size += memoryview(data).nbytes
        disk.write(self._file, data)


def data_folder() -> Path:
    """Where logs and a person's own files are kept: XREAL_DATA, or the user's data folder."""
    named = os.environ.get("XREAL_DATA")
    return Path(named) if named else Path.home() / ".local" / "share" / "xreal-studio"


@contextlib.contextmanager
def whole_file(path: str | Path, *, mode: int = 0o666) -> Iterator[Whole]:
    """A file that appears under its name when it is whole and on the disk, and not before.

    A temporary file beside it is flushed to the disk and then takes its name, so neither a full
    disk nor a power cut leaves half a file under the name asked for. Raises DiskFull or another
    EngineError with a sentence; then what was there before is there still. ``mode`` says who may
    read it, less what the person's umask takes away.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}-{uuid.uuid4().hex}.part")
    found: Whole | None = None
    try:
        with disk.create(temporary, mode) as file:
            found = Whole(file)
            yield found
            disk.sync(file)
        disk.rename(temporary, path)
        disk.sync_folder(path.parent)
    except OSError as error:
        raise sentence(error, path, found.size if found else 0) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_whole(path: str | Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write ``data`` to ``path``: afterwards the file is the old one or the new one.

    As :func:`whole_file`, of which this is the short form.
    """
    with whole_file(path, mode=mode) as file:
        file.write(data)


def check_room(
    path: str | Path,
    needed: int,
    what: str = "the result",
    then: str = "Free some space, or write to another disk.",
) -> None:
    """Raise :class:`NoRoom` if the disk of ``path`` has fewer than ``needed`` bytes free.

    ``what`` would be written, and ``then`` is what a person can do about it.
    """
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise EngineError(f"There is no folder '{folder.name}' to write into. Make it first.")
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoRoom(
            f"The disk has {free / 1e6:.{_decimals(free)}f} MB free and {what} needs about "
            f"{needed / 1e6:.{_decimals(needed)}f} MB. {then}"
        )


def _decimals(size: int) -> int:
    return 0 if size >= 10e6 else 1


@contextlib.contextmanager
def locked(file: Any) -> Iterator[None]:
    """Nobody else has the lock of ``file`` meanwhile. The system lets go when a program dies."""
    if os.name == "nt":
        import msvcrt  # of Windows only

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # pyright: ignore
        try:
            yield
        finally:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # pyright: ignore
    else:
        import fcntl  # of all others

        fcntl.flock(file, fcntl.LOCK_EX)
        yield  # closing the file lets go


def remove_leftovers(folder: Path) -> int:
    """Remove the temporary files that killed programs left in ``folder`` and below; their count.

    Those of a program that is running stay, unless they are a day old: numbers are given anew.
    To be called at the start, before this program writes.
    """
    count = 0
    for path in folder.rglob(".*.part") if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            named = TEMPORARY.fullmatch(path.name)
            if named is None or path.is_symlink() or not path.is_file():
                continue
            old = time.time() - path.stat().st_mtime > LONGEST
            if old or int(named[1]) == os.getpid() or not is_running(int(named[1])):
                path.unlink()
                count += 1
    return count


def is_running(pid: int) -> bool:
    """Whether there is a process of that number; on Windows that is not asked, so yes."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # somebody else's
    return True


def sentence(error: OSError, path: Path, size: int) -> EngineError:
    """What is said where ``path`` could not be written."""
    if error.errno in NO_ROOM:
        return DiskFull(
            f"The disk is full: '{path.name}' needs {size / 1e6:.1f} MB. What was there before "
            "is untouched. Free some space, or write to another disk."
        )
    if isinstance(error, FileNotFoundError):
        return EngineError(f"There is no folder '{path.parent.name}' to write into.")
    if isinstance(error, PermissionError):
        return EngineError(f"You may not write '{path.name}' there. Choose another folder.")
    if isinstance(error, IsADirectoryError):
        return EngineError(f"'{path.name}' is a folder. Name a file to write.")
    return EngineError(f"'{path.name}' could not be written: {error.strerror or 'disk error'}.")
