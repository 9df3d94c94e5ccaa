"""How soon one can work: ``python -m tests.browser.bench_start [--times N]``.

Starts the program as a person does, with an empty data folder, and opens it in headless Chromium
(``$CHROMIUM`` or the first on the PATH). Prints the seconds from the start of the program to the
page that can be used, to the first preview of a film, and to the film. Then the same of a second
film, whose networks are in memory. The operating system has read the files before, after the first
of several times.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import FLAGS, chromium_path
from tests.browser.test_edit_page import READY, run, says

PROJECT = Path(__file__).parent.parent.parent
MOST = 120_000  # ms
HEAD = ("time", "page, s", "first preview, s", "first film, s", "second: preview, s", "film, s")
PREVIEW = "document.querySelector('.hud-state').textContent.startsWith('Preview')"


def started(port: int, data: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "app", "--port", str(port), "--no-browser"]
    program = subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, "XREAL_DATA": data},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    program.stdout.readline()  # its address
    return program


def a_film(page: Any, start: float) -> tuple[float, float]:
    """Seconds since ``start`` to the first preview and to the film."""
    run(page)
    page.wait_for_function(PREVIEW)
    preview = time.perf_counter() - start
    says(page, "Done")
    return preview, time.perf_counter() - start


def measured(browser: Any) -> tuple[float, ...]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as data:
        start = time.perf_counter()
        program = started(port, data)
        try:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(MOST)
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_function(READY)
            ready = time.perf_counter() - start
            first = a_film(page, start)
            again = time.perf_counter()
            return ready, *first, *a_film(page, again)
        finally:
            program.terminate()
            program.wait(timeout=60)


def main() -> None:
    parser = argparse.ArgumentParser(description="How soon one can work.")
    parser.add_argument("--times", type=int, default=3, metavar="N")
    times = parser.parse_args().times
    path = chromium_path()
    if path is None:
        raise SystemExit("No Chromium was found. Install one, or set CHROMIUM to its path.")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        rows = [measured(browser) for _ in range(times)]
        browser.close()
    lines = ["| " + " | ".join(HEAD) + " |", "| --- " + "| ---: " * (len(HEAD) - 1) + "|"]
    named = [*((str(n + 1), row) for n, row in enumerate(rows))]
    named.append(("median", tuple(median(column) for column in zip(*rows, strict=True))))
    lines += [f"| {name} | " + " | ".join(f"{s:.1f}" for s in row) + " |" for name, row in named]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
