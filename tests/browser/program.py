"""The program as a process that a test can kill and start again, on the same port and folder."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent


class Program:
    def __init__(self, data: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.data = data
        self.url = f"http://127.0.0.1:{self.port}/"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.app.served_alone", "--no-browser"]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)],
            cwd=PROJECT,
            env={**os.environ, "XREAL_DATA": str(self.data)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert f":{self.port}/" in self.process.stdout.readline()

    def kill(self) -> None:
        """As a power cut: no chance to tidy up."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.kill()
