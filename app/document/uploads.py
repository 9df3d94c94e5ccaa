"""Files on their way from a browser into a document: kept by a token until they are opened."""

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import InvalidRequest

WAITING = 64  # files of each owner
LONGEST = 3600.0  # seconds that a file waits to be opened


@dataclass(frozen=True)
class Upload:
    """A file that arrived whole. ``name`` is what it was called there, never used as a path."""

    path: Path
    name: str
    owner: str
    since: float = field(default_factory=lambda: time.monotonic())


class Uploads:
    def __init__(self, folder: Path):
        self.folder = folder
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Upload] = OrderedDict()

    def place(self) -> Path:
        """A path for a new file, which belongs to nobody yet."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.folder / secrets.token_hex(16)

    def keep(self, path: Path, name: str, owner: str) -> str:
        """Take the file that was written to ``path``; its token."""
        with self._lock:
            self._known[path.name] = Upload(path, Path(name).name[:200] or "file", owner)
            mine = [token for token, upload in self._known.items() if upload.owner == owner]
            for token in {*mine[:-WAITING], *self._old()}:
                self._known.pop(token).path.unlink(missing_ok=True)
            return path.name

    def _old(self) -> list[str]:
        before = time.monotonic() - LONGEST
        return [token for token, upload in self._known.items() if upload.since < before]

    def find(self, token: str, owner: str) -> Upload:
        with self._lock:
            found = self._known.get(token)
        if found is None or found.owner != owner:
            raise InvalidRequest("This file is not here any more. Open it again.")
        return found

    def drop(self, token: str, owner: str) -> None:
        with self._lock:
            found = self._known.get(token)
            if found is not None and found.owner == owner:
                del self._known[token]
                found.path.unlink(missing_ok=True)
