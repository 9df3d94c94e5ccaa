"""Which runs were accepted and have not ended, on the disk: a crash makes them lost, not unknown.

One small file a run, from the moment it is accepted until its end. It holds the verb and nothing of
the request, under a name from which nobody learns the session.
"""

import contextlib
import hashlib
import json
import time
from pathlib import Path

from engine.files import write_whole

KEPT = 86_400.0  # seconds that a lost run is remembered
MOST = 1000  # files


class Journal:
    """The runs of one program, in a folder of its own."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._lost = self._left()

    def begin(self, owner: str, id: str, verb: str) -> None:
        """Raises EngineError where it cannot be written: the run must not begin then."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(self._folder / name(owner, id), json.dumps({"verb": verb}).encode())

    def end(self, owner: str, id: str) -> None:
        with contextlib.suppress(OSError):
            (self._folder / name(owner, id)).unlink(missing_ok=True)

    def lost(self, owner: str, id: str) -> str | None:
        """The verb of a run that a former life of the program had accepted and did not end."""
        return self._lost.get(name(owner, id))

    def _left(self) -> dict[str, str]:
        """What a former life left. Old ones are removed, so that the folder does not grow."""
        found: dict[str, str] = {}
        paths = sorted(self._folder.glob("*.json")) if self._folder.is_dir() else []
        for path in paths:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                if time.time() - path.stat().st_mtime > KEPT or len(found) >= MOST:
                    path.unlink()
                else:
                    found[path.name] = str(json.loads(path.read_bytes())["verb"])[:20]
        return found


def name(owner: str, id: str) -> str:
    return hashlib.sha256(f"{owner} {id}".encode()).hexdigest()[:40] + ".json"
