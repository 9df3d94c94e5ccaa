"""How fast one draws in a browser: ``python -m tests.browser.bench_drawing [--sizes ...]``.

Serves the demo page, opens it in headless Chromium (``$CHROMIUM`` or the first on the PATH) and
draws with pointer events. Prints one row a size. *Handler* is what one move of the pointer costs,
*drawing* what a frame costs in the script, *frame* the time from one frame to the next (16.7 ms at
60 Hz), each median and worst of 90. *Commit* is the end of a stroke, *flush* the way of the drawing
to the server: checksum, gzip, upload.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

from app.canvas.demo import Demo, anatomy, phantom, serve
from app.canvas.drawing import FindingRegion, labels_file
from app.canvas.raster import resized
from tests.browser.conftest import FLAGS, chromium_path

SIZES = ((256, 256), (512, 512), (1024, 1024), (2048, 2500))  # width, height
HEAD = (
    "px", "handler, ms", "drawing, ms", "frame, ms", "commit, ms", "flush, ms",
    "window: drawing, ms", "window: frame, ms", "move: drawing, ms",
)  # fmt: skip


def shown_at(demo: Any, width: int, height: int) -> dict[str, Any]:
    """A view with a picture and a filled drawing of this size."""
    side = max(width, height)
    bits = resized(anatomy(side), height, width)
    y, x = np.mgrid[0:height, 0:width] / np.array([[[height]], [[width]]])
    bits[np.hypot((x - 0.73) / 0.11, (y - 0.70) / 0.09) <= 1] |= np.uint32(16)
    grey = resized(phantom(side).astype(np.uint32), height, width).astype(np.uint8)
    name = f"bench{width}x{height}"
    labels = labels_file(bits, (FindingRegion(4, "A", "pleural effusion"),))
    return demo.view(
        doc=name, image_url=demo.url(name + ".png", grey), labels_url=demo.url(name, labels)
    ).props()


def measured(page: Any, view: dict[str, Any]) -> tuple[str, ...]:
    """One row of the table."""
    script = Path(__file__).with_suffix(".js").read_text("utf-8")
    page.evaluate("(view) => window.XREAL.canvas.apply(view)", view)
    page.wait_for_timeout(300)
    page.evaluate(script)  # once to warm up
    found = page.evaluate(script)
    paint, tone, move = found["paint"], found["tone"], found["move"]
    return (
        pair(paint["handler"]), pair(paint["drawing"]), pair(paint["frames"]),
        f"{paint['commit']:.1f}", pair(found["flushed"], 0),
        pair(tone["drawing"]), pair(tone["frames"]), pair(move["drawing"]),
    )  # fmt: skip


def pair(values: list[float], digits: int = 1) -> str:
    return f"{median(values):.{digits}f} / {max(values):.{digits}f}" if values else "-"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast one draws in the browser.")
    parser.add_argument("--sizes", nargs="*", metavar="WxH", help="such as 1024x1024")
    given = parser.parse_args().sizes
    sizes = [tuple(int(v) for v in s.split("x")) for s in given] if given else SIZES
    path = chromium_path()
    if path is None:
        raise SystemExit("No Chromium was found. Install one, or set CHROMIUM to its path.")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        demo = Demo()
        blocks, url = serve(demo)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=path, args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(url)
            page.wait_for_function("window.XREAL?.canvas?.summary().doc.startsWith('demo-')")
            say(row(HEAD))
            say("| ---: " * len(HEAD) + "|")
            for width, height in sizes:
                cells = measured(page, shown_at(demo, width, height))
                say(row((f"{width} x {height}", *cells)))
            browser.close()
        blocks.close(verbose=False)


if __name__ == "__main__":
    main()
