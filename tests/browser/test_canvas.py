"""The label canvas in a real browser, on its own demo page: real mouse, real keys, no model."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from app.canvas import raster

READY = "window.XREAL && window.XREAL.canvas && window.XREAL.canvas.drawing.doc !== null"
BITS = "() => Array.from(window.XREAL.canvas.drawing.bits)"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The demo page served from this process; ``received`` collects what the canvas sent."""
    before = os.environ.get("GRADIO_TEMP_DIR")
    os.environ["GRADIO_TEMP_DIR"] = str(tmp_path_factory.mktemp("uploads"))
    from app.canvas.demo import Demo, serve

    served = Demo()
    blocks, served.url_ = serve(served)  # type: ignore[attr-defined]
    yield served
    blocks.close(verbose=False)
    if before is None:
        del os.environ["GRADIO_TEMP_DIR"]
    else:
        os.environ["GRADIO_TEMP_DIR"] = before


@pytest.fixture
def canvas(demo: Any, page: Any) -> Any:
    """The opened demo page with an empty drawing of 256 x 256."""
    demo.received.clear()
    demo.asks.clear()
    page.goto(demo.url_)
    page.wait_for_function(READY)
    page.wait_for_function("window.XREAL.canvas.summary().doc === 'demo'")
    return page


def size_to(page: Any, width: int, height: int) -> None:
    """A new empty document of this size."""
    page.evaluate(
        "([w, h]) => window.XREAL.canvas.apply({doc: `blank${w}x${h}`, size: [w, h], nonce: w * h})",
        [width, height],
    )
    page.wait_for_function(f"window.XREAL.canvas.drawing.w === {width}")


def drag(page: Any, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Drags the mouse through these points of the picture; gives the points really reached."""
    where = "(p) => { const c = window.XREAL.canvas.view, r = c.over.getBoundingClientRect();"
    screen = [
        page.evaluate(
            where + "const s = c.toScreen(...p); return [s[0] + r.left, s[1] + r.top] }", p
        )
        for p in map(list, points)
    ]
    screen = [(round(x), round(y)) for x, y in screen]
    page.mouse.move(*screen[0])
    page.mouse.down()
    for x, y in screen[1:]:
        page.mouse.move(x, y)
    page.mouse.up()
    back = "(p) => window.XREAL.canvas.view.point({clientX: p[0], clientY: p[1]})"
    return [tuple(page.evaluate(back, list(p))) for p in screen]


def bits_of(page: Any) -> np.ndarray:
    height, width = page.evaluate("[window.XREAL.canvas.drawing.h, window.XREAL.canvas.drawing.w]")
    return np.array(page.evaluate(BITS), np.uint32).reshape(height, width)


def sent(demo: Any, page: Any) -> Any:
    """Presses Run and gives the Drawing that the handler received."""
    count = len(demo.received)
    page.click("#run")
    page.wait_for_function("(n) => document.querySelector('#received textarea').value", arg=0)
    page.wait_for_timeout(50)
    for _ in range(100):
        if len(demo.received) > count:
            return demo.received[-1]
        page.wait_for_timeout(50)
    raise AssertionError("the drawing did not arrive")


@pytest.mark.parametrize("width, height", [(256, 256), (1000, 811), (1024, 1024)])
def test_a_stroke_arrives_exactly_as_an_independent_raster_draws_it(
    demo: Any, canvas: Any, width: int, height: int
) -> None:
    size_to(canvas, width, height)
    line = [(0.3 * width, 0.3 * height), (0.5 * width, 0.6 * height), (0.62 * width, 0.35 * height)]

    canvas.get_by_role("option", name="Heart").click()
    reached = drag(canvas, line)
    drawing = sent(demo, canvas)

    expected = np.where(raster.stroke((height, width), reached, 12), np.uint32(4), np.uint32(0))
    assert drawing.bits.shape == (height, width)
    assert np.count_nonzero(drawing.bits != expected) == 0
    assert np.count_nonzero(bits_of(canvas) != expected) == 0
