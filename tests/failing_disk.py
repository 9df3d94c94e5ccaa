"""A disk of which one operation fails: the Nth, with the error of a full or a broken disk."""

import errno
import os

from engine.files import Disk

FULL, BROKEN = errno.ENOSPC, errno.EIO


class FailingDisk(Disk):
    """Counts its operations; ``failed`` says which one did not work. A write that fails has
    written half of what it should."""

    def __init__(self, nth: int, code: int):
        self.nth, self.code = nth, code
        self.count = 0
        self.failed = ""

    def _next(self, what: str) -> None:
        self.count += 1
        if self.count == self.nth:
            self.failed = what
            raise OSError(self.code, os.strerror(self.code))

    def create(self, path, mode):
        self._next("create")
        return super().create(path, mode)

    def write(self, file, data):
        try:
            self._next("write")
        except OSError:
            super().write(file, memoryview(data).cast("B")[: memoryview(data).nbytes // 2])
            raise
        super().write(file, data)

    def sync(self, file):
        self._next("sync")
        super().sync(file)

    def rename(self, path, to):
        self._next("rename")
        super().rename(path, to)

    def sync_folder(self, folder):
        self._next("sync of the folder")
        super().sync_folder(folder)
