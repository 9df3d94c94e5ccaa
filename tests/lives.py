"""One program after another on the same port and folder, each killed as by a power cut."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Lives:
    """``opener`` as in ``app.main.main``; ``start`` and ``kill`` as often as needed."""

    def __init__(self, data: Path, opener: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.data, self.url = data, f"http://127.0.0.1:{self.port}/"
        self.pid = 0
        words = ["--no-browser", "--port", str(self.port)]
        self.nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.app.nursery", opener, *words],
            cwd=ROOT,
            env={**os.environ, "XREAL_DATA": str(data)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self) -> None:
        assert self.nursery.stdin is not None
        self.nursery.stdin.write("start\n")
        self.nursery.stdin.flush()
        self.pid = int(self._line("life ").split()[1])
        self._line(f":{self.port}/")

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._line("ended")

    def end(self) -> None:
        """As a person ends it."""
        os.kill(self.pid, signal.SIGTERM)
        self._line("ended")

    def close(self) -> None:
        assert self.nursery.stdin is not None
        self.nursery.stdin.close()
        if self.pid and self.nursery.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it was killed already
                os.kill(self.pid, signal.SIGKILL)
        self.nursery.wait(timeout=60)

    def _line(self, wanted: str) -> str:
        assert self.nursery.stdout is not None
        while wanted not in (line := self.nursery.stdout.readline()):
            assert line, "the program has ended by itself"
        return line
