"""How fast one draws, in a real browser without a screen: ``python -m app.canvas.bench [--sizes ...]``.

Serves the demo page, opens it in headless Chromium (``$CHROMIUM`` or the first on the PATH) and draws
with pointer events. Prints one row a size. *Handler* is what one move of the pointer costs, *drawing*
what a frame costs in the script, *frame* the time from one frame to the next on screen (16.7 ms is
the most that a screen of 60 Hz shows), each median and worst of 90. *Commit* is the end of a stroke,
*flush* the way of the drawing to the server: checksum, gzip, upload.
"""

import argparse
import os
import shutil
import tempfile
from statistics import median
from typing import Any

import numpy as np

SIZES = ((256, 256), (512, 512), (1024, 1024), (2048, 2500))  # width, height
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
HEAD = (
    ("px", "handler, ms", "drawing, ms", "frame, ms", "commit, ms", "flush, ms")
    + ("window: drawing, ms", "window: frame, ms", "move: drawing, ms")
)  # fmt: skip

SCRIPT = """async () => {
  const { view, drawing, flush, ui } = window.XREAL.canvas, over = view.over;
  const box = over.getBoundingClientRect();
  const frame = () => new Promise((f) => requestAnimationFrame(f));
  const send = (type, x, y, button, buttons) => {
    const event = new PointerEvent(type, { clientX: box.left + x, clientY: box.top + y, pointerId: 1,
      pointerType: "mouse", button, buttons, bubbles: true, cancelable: true });
    const from = performance.now();
    over.dispatchEvent(event);
    return performance.now() - from;
  };
  const at = (k, n) => {                             // a winding way in and out of the patient's left lung
    const x = drawing.w * (0.80 + 0.14 * Math.sin(k / 5)), y = drawing.h * (0.25 + (0.4 * k) / n);
    return view.toScreen(x, y);
  };
  const dragged = async (button, n) => {
    const buttons = button === 2 ? 2 : 1, handler = [], frames = [];
    send("pointermove", ...at(0, n), -1, 0);
    await frame(); await frame();
    send("pointerdown", ...at(0, n), button, buttons);
    await frame(); await frame();
    view.frames.length = 0;
    let last = await frame();
    for (let k = 1; k <= n; k++) {
      handler.push(send("pointermove", ...at(k, n), -1, buttons));
      const now = await frame();
      frames.push(now - last);
      last = now;
    }
    const drawing_ = view.frames.slice(), from = performance.now();
    send("pointerup", ...at(n, n), button, 0);
    await null;
    const commit = performance.now() - from;
    await frame(); await frame();
    return { handler, drawing: drawing_, frames, commit };
  };
  const press = (key) => over.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const flushed = [];
  press("1"); press("b");
  window.XREAL.canvas.brush(Math.max(8, Math.round(drawing.w / 25)));
  const paint = await dragged(0, 90);
  drawing.undo();
  for (let k = 0; k < 5; k++) {
    await dragged(0, 2);
    const from = performance.now();
    await flush();
    flushed.push(performance.now() - from);
    drawing.undo();
  }
  const tone = await dragged(2, 90);
  press("v");
  const move = await dragged(0, 90);
  press("Escape"); press("b");
  return { paint, tone, move, flushed };
}"""


def chromium() -> str:
    """The path of a Chromium or Chrome; raises SystemExit with a sentence where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        raise SystemExit("No Chromium was found. Install one, or set CHROMIUM to its path.")
    return found


def shown_at(demo: Any, width: int, height: int) -> dict[str, Any]:
    """A view with a picture and a filled drawing of this size."""
    from app.canvas.demo import anatomy, phantom
    from app.canvas.drawing import FindingRegion, labels_file
    from app.canvas.raster import resized

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
    page.evaluate("(view) => window.XREAL.canvas.apply(view)", view)
    page.wait_for_timeout(300)
    page.evaluate(SCRIPT)  # once to warm up
    found = page.evaluate(SCRIPT)
    paint, tone, move = found["paint"], found["tone"], found["move"]
    return (
        pair(paint["handler"]), pair(paint["drawing"]), pair(paint["frames"]),
        f"{paint['commit']:.1f}", pair(found["flushed"], 0),
        pair(tone["drawing"]), pair(tone["frames"]), pair(move["drawing"]),
    )  # fmt: skip


def pair(values: list[float], digits: int = 1) -> str:
    return f"{median(values):.{digits}f} / {max(values):.{digits}f}" if values else "-"


def row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast one draws in the browser.")
    parser.add_argument("--sizes", nargs="*", metavar="WxH", help="such as 1024x1024")
    given = parser.parse_args().sizes
    sizes = [tuple(int(v) for v in s.split("x")) for s in given] if given else SIZES
    path = chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SystemExit("The benchmark needs playwright: python launch.py setup.") from None
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        from app.canvas.demo import Demo, serve

        demo = Demo()
        blocks, url = serve(demo)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(url)
            page.wait_for_function("window.XREAL?.canvas?.summary().doc.startsWith('demo-')")
            print(row(HEAD))
            print("| ---: " * len(HEAD) + "|")
            for width, height in sizes:
                cells = measured(page, shown_at(demo, width, height))
                print(row((f"{width} x {height}", *cells)), flush=True)
            browser.close()
        blocks.close(verbose=False)


if __name__ == "__main__":
    main()
