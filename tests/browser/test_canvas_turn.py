"""Turning a label: by keys, by its handle, and with Shift to a whole multiple of 15 degrees."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.canvas import raster
from tests.browser.canvas_driver import bits_of, drag, press

HEART = 4
BOX = "window.XREAL.canvas.drawing.boxes[2]"
HANDLE_AWAY = "26 * window.XREAL.canvas.view.ratio / window.XREAL.canvas.view.zoom"
A_ROW_LESS = """() => { const d = window.XREAL.canvas.drawing, [x0, , x1, y1] = d.boxes[2];
    d.begin("a row less");
    const row = (y1 - 1) * d.w;
    for (let i = row + x0; i < row + x1; i++) d.put(i, (d.bits[i] & ~4) >>> 0);
    d.touched(); d.commit(); }"""


def heart(page: Any) -> NDArray[np.bool_]:
    return (bits_of(page) & np.uint32(HEART)) > 0


def quarters_on(before: NDArray[np.bool_], box: list[int], quarters: int) -> NDArray[np.bool_]:
    """Turned about the middle of the box in whole numbers of half pixels: each pixel takes the one
    under its centre, where two meet there the one to the right and below."""
    height, width = before.shape
    middle_x, middle_y = box[0] + box[2], box[1] + box[3]
    y, x = np.mgrid[0:height, 0:width]
    u, v = 2 * x + 1 - middle_x, 2 * y + 1 - middle_y
    for _ in range(quarters):
        u, v = v, -u
    column, row = (middle_x + u) // 2, (middle_y + v) // 2
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    return inside & before[np.where(inside, row, 0), np.where(inside, column, 0)]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turn_by_quarters_is_exact_where_centres_come_to_lie_between_pixels(
    filled: Any, quarters: int
) -> None:
    if sum(filled.evaluate(BOX)) % 2 == 0:
        filled.evaluate(A_ROW_LESS)
    box, before = filled.evaluate(BOX), heart(filled)
    assert sum(box) % 2 == 1  # width and height differ by an odd number: centres fall on edges

    press(filled, "3", "v", *["}"] * (90 * quarters), "Enter")

    assert np.array_equal(heart(filled), quarters_on(before, box, quarters))


@pytest.mark.parametrize(
    ("asked", "shift", "found"), [(50, True, 45), (-25, True, -30), (50, False, None)]
)
def test_shift_turns_by_multiples_of_15_degrees_and_nothing_else_does(
    filled: Any, asked: int, shift: bool, found: int | None
) -> None:
    box, before = filled.evaluate(BOX), heart(filled)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    arm = (box[3] - box[1]) / 2 + filled.evaluate(HANDLE_AWAY)
    goal = (x + arm * math.sin(math.radians(asked)), y - arm * math.cos(math.radians(asked)))
    press(filled, "3", "v")
    if shift:
        filled.keyboard.down("Shift")

    start, end = drag(filled, [(x, y - arm), goal])

    filled.keyboard.up("Shift")
    press(filled, "Enter")
    dragged = math.atan2(end[1] - y, end[0] - x) - math.atan2(start[1] - y, start[0] - x)
    angle = math.radians(found) if found else math.radians(round(2 * math.degrees(dragged)) / 2)
    cos, sin = math.cos(angle), math.sin(angle)
    inverse = [cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y]
    expected = raster.moved(before, inverse)
    assert np.count_nonzero(heart(filled) != expected) <= 4  # centres on an edge between pixels
    assert np.count_nonzero(expected != before) > 100
