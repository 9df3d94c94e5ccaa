"""The canvas alone on a bare page, without Gradio, and what a test does with mouse and keys."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.canvas.component import STATIC, script
from app.canvas.demo import Demo
from app.canvas.drawing import Drawing, read_drawing

Point = tuple[float, float]
PAGE = """<!doctype html><html lang="en"><title>Canvas</title><style>
html, body { margin: 0; height: 100%%; overflow: hidden; font-family: sans-serif; }
#editor { position: fixed; inset: 40px 328px 0 0; %(css)s }
</style><div id="editor">%(html)s</div><textarea id="elsewhere" aria-label="Elsewhere"></textarea>
<script>
window.uploads = []; window.asks = [];
const element = document.querySelector("#editor"), props = {}, watch = () => {};
const upload = async (file) => {
  uploads.push(Array.from(new Uint8Array(await file.arrayBuffer())));
  return { path: String(uploads.length - 1) };
};
const trigger = (name, data) => asks.push(data);
(() => { %(script)s })();
</script>"""


class BareDemo(Demo):
    """The demo's document with everything inside its URLs, so that no server is needed."""

    def url(self, name: str, data: bytes | NDArray[Any]) -> str:
        if isinstance(data, bytes):
            return "data:application/json;base64," + base64.b64encode(data).decode()
        file = io.BytesIO()
        Image.fromarray(data).save(file, "png")
        return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def open_bare(page: Any) -> None:
    """Shows the canvas on an empty drawing of 256 x 256."""
    html, css = ((STATIC / name).read_text("utf-8") for name in ("canvas.html", "canvas.css"))
    page.set_content(PAGE % {"html": html, "css": css, "script": script()})
    show(page, BareDemo().opening().props())


def show(page: Any, view: dict[str, Any]) -> None:
    """Gives the canvas a view and waits until it is on screen."""
    page.evaluate("(view) => window.XREAL.canvas.apply(view)", view)


def flush(page: Any, folder: Path) -> Drawing:
    """The drawing as the server would read it after ``flush()``."""
    payload = page.evaluate("window.XREAL.canvas.flush()")
    index = payload["labels"]["path"]
    path = folder / f"{index}.gz"
    path.write_bytes(bytes(page.evaluate("(index) => uploads[index]", index)))
    payload["labels"]["path"] = str(path)
    return read_drawing(payload, folder)


def screen(page: Any, points: Sequence[Point]) -> list[tuple[int, int]]:
    """Where points of the picture lie in the window, on whole screen pixels."""
    code = """(ps) => { const v = window.XREAL.canvas.view, r = v.over.getBoundingClientRect();
        return ps.map((p) => v.toScreen(...p)).map(([x, y]) => [x + r.left, y + r.top]); }"""
    return [(round(x), round(y)) for x, y in page.evaluate(code, [list(p) for p in points])]


def reached(page: Any, places: Sequence[tuple[int, int]]) -> list[Point]:
    """The points of the picture under these places of the window."""
    code = """(ps) => ps.map((p) =>
        window.XREAL.canvas.view.point({clientX: p[0], clientY: p[1]}))"""
    return [(x, y) for x, y in page.evaluate(code, [list(p) for p in places])]


def drag(page: Any, points: Sequence[Point], button: str = "left") -> list[Point]:
    """Drags the mouse through points of the picture; gives the points really reached."""
    places = screen(page, points)
    page.mouse.move(*places[0])
    page.mouse.down(button=button)
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up(button=button)
    return reached(page, places)


def pointer(page: Any, kind: str, at: Point, event: str, **more: Any) -> list[Point]:
    """One pointer event of a "mouse", "pen" or "touch" at a point of the picture (on whole screen
    pixels, as a driver's mouse); ``event`` is down, move, up or cancel. Gives the point reached."""
    places = screen(page, [at])
    pressed = {"down": 1, "move": 1}.get(event, 0)
    given = {"pointerType": kind, "pointerId": 7, "button": -1 if event == "move" else 0}
    given |= {"buttons": pressed, "bubbles": True, "cancelable": True, "isPrimary": True}
    given |= {"clientX": places[0][0], "clientY": places[0][1]} | more
    page.evaluate(
        """([name, given]) => document.querySelector(".xc .over").dispatchEvent(
        new PointerEvent("pointer" + name, given))""",
        [event, given],
    )
    return reached(page, places)


def bits_of(page: Any) -> NDArray[np.uint32]:
    """The bit planes in the browser, (h, w)."""
    code = """() => { const d = window.XREAL.canvas.drawing;
        const bytes = new Uint8Array(d.bits.buffer.slice(0)), parts = [];
        for (let i = 0; i < bytes.length; i += 8192)
            parts.push(String.fromCharCode(...bytes.subarray(i, i + 8192)));
        return [d.h, d.w, btoa(parts.join(''))]; }"""
    height, width, packed = page.evaluate(code)
    return np.frombuffer(base64.b64decode(packed), "<u4").reshape(height, width)


def label(covered: NDArray[np.bool_], value: int) -> NDArray[np.uint32]:
    return np.where(covered, np.uint32(value), np.uint32(0))


def press(page: Any, *keys: str) -> None:
    """Keys, with the picture focused."""
    page.get_by_role("application").focus()
    for name in keys:
        page.keyboard.press(name)


def two_frames(page: Any) -> None:
    page.evaluate("new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")
