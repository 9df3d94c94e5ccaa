"""Writing files whole or not at all, and refusing early where there is no room."""

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.errors import DiskFull, EngineError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def data_folder() -> Path:
    """Where logs and a person's own files are kept: XREAL_DATA, or the user's data folder."""
    named = os.environ.get("XREAL_DATA")
    return Path(named) if named else Path.home() / ".local" / "share" / "xreal-studio"


def write_whole(path: str | Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write ``data`` to ``path``: afterwards the file is the old one or the new one.

    ``mode`` says who may read it, less what the person's umask takes away.

    A temporary file beside it is flushed to the disk and then takes its name, so neither a
    full disk nor a power cut leaves a half-written picture under the name asked for.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        _write_and_flush(temporary, data, mode)
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise _sentence(error, path, len(data)) from error
    finally:
        temporary.unlink(missing_ok=True)


def check_room(path: str | Path, needed: int) -> None:
    """Raise :class:`DiskFull` if the disk of ``path`` has fewer than ``needed`` bytes free."""
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise EngineError(f"There is no folder '{folder.name}' to write into. Make it first.")
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFull(
            f"The disk has {free / 1e6:.0f} MB free and the result needs about "
            f"{needed / 1e6:.0f} MB. Free some space, or write to another disk."
        )


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


def _write_and_flush(path: Path, data: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder to flush it
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sentence(error: OSError, path: Path, size: int) -> EngineError:
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
