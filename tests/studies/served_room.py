"""The reading room behind the program's own guard, as a process that a test can kill.

``python -m tests.studies.served_room --data FOLDER --port N`` serves it alone, without the editor,
so that it starts in a second. ``Served`` starts, kills and starts it again on the same port.
"""

import argparse
import contextlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent


def serve(data: Path, port: int) -> None:
    import uvicorn
    from fastapi import FastAPI

    from app.access.door import Door
    from app.access.guard import Guard
    from app.routes.reading import add_reading_routes
    from app.settings import Settings
    from app.studies.reading import ReadingRoom
    from app.studies.shelf import Shelf

    settings = Settings(port=port, data=data, browser=False)
    app = FastAPI(openapi_url=None)
    add_reading_routes(app, ReadingRoom(Shelf(settings.studies)), port)
    guarded = Guard(app, settings, Door(settings))
    uvicorn.run(guarded, host="127.0.0.1", port=port, log_level="error", server_header=False)


class Served:
    """The room as a process; use as a context."""

    def __init__(self, data: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.data = data
        self.url = f"http://127.0.0.1:{self.port}/read"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["--data", str(self.data), "--port", str(self.port)]
        command = [sys.executable, "-m", "tests.studies.served_room", *words]
        self.process = subprocess.Popen(command, cwd=PROJECT)
        until = time.monotonic() + 120
        while not self._answers():
            assert self.process.poll() is None and time.monotonic() < until, "it does not start"
            time.sleep(0.05)

    def kill(self) -> None:
        """As a power cut: no chance to tidy up."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(timeout=60)
            self.process = None

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, urllib.error.URLError):
            return urllib.request.urlopen(self.url, timeout=5).status == 200
        return False

    def __enter__(self) -> "Served":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    told = parser.parse_args()
    serve(told.data, told.port)
