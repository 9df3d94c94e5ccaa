"""The program, many lives of it: ``python -m tests.app.nursery OPENER [options of the page]``.

Imports everything once; at each line on stdin it forks a process that is the program from its first
line on. So a test can kill it forty times without paying for forty imports. Linux and macOS.
"""

import os
import signal
import sys
import time

from app import server  # noqa: F401
from app.main import main, serve  # noqa: F401
from app.pages import edit  # noqa: F401, what the program imports as it starts


def live(words: list[str], opener: str) -> None:
    starter = os.getppid()
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            status = main(words, opener)
            sys.stdout.flush()
            os._exit(status)
        sys.stdout.write(f"life {pid}\n")
        sys.stdout.flush()
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            time.sleep(0.01)
            if os.getppid() != starter:  # the test is gone
                os.kill(pid, signal.SIGKILL)
        sys.stdout.write("ended\n")
        sys.stdout.flush()


if __name__ == "__main__":
    live(sys.argv[2:], sys.argv[1])
