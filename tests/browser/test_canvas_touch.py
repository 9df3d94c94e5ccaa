"""Fingers and pens: what draws, what moves the picture, and what is a palm."""

from typing import Any

import numpy as np

from app.canvas import raster
from tests.browser.canvas_driver import Point, bits_of, label, pointer, press, two_frames

HEART = 4


def stroke(page: Any, kind: str, points: list[Point], **more: Any) -> list[Point]:
    way = pointer(page, kind, points[0], "down", **more)
    for point in points[1:]:
        way += pointer(page, kind, point, "move", **more)
    pointer(page, kind, points[-1], "up", **more)
    return way


def zoom(page: Any) -> float:
    return page.evaluate("window.XREAL.canvas.view.zoom")


def steps(page: Any) -> list[str]:
    return page.evaluate("window.XREAL.canvas.drawing.undoStack.map((s) => s.title)")


def test_a_pen_draws_the_same_line_however_hard_it_is_pressed(canvas: Any) -> None:
    press(canvas, "3")
    line: list[Point] = [(60, 60), (120, 90), (160, 60)]
    way = pointer(canvas, "pen", line[0], "down", pressure=0.1)
    way += pointer(canvas, "pen", line[1], "move", pressure=1.0)
    way += pointer(canvas, "pen", line[2], "move", pressure=0.0)
    pointer(canvas, "pen", line[2], "up")

    assert np.array_equal(bits_of(canvas), label(raster.stroke((256, 256), way, 12), HEART))


def test_the_eraser_end_of_a_pen_takes_away_with_any_tool_that_paints(canvas: Any) -> None:
    press(canvas, "3")
    painted = raster.stroke((256, 256), stroke(canvas, "pen", [(60, 60), (160, 60)]), 12)
    pointer(canvas, "pen", (100, 40), "down", button=5, buttons=32)
    pointer(canvas, "pen", (100, 80), "move", buttons=32)
    pointer(canvas, "pen", (100, 80), "up", button=5)

    left = bits_of(canvas) > 0
    assert left.any() and not left[:, 100].any()
    assert not (left & ~painted).any()
    assert steps(canvas) == ["brush, heart", "eraser, heart"]


def test_the_barrel_button_of_a_pen_sets_window_and_level_and_draws_nothing(filled: Any) -> None:
    before = bits_of(filled)
    pointer(filled, "pen", (60, 60), "down", button=2, buttons=2)
    pointer(filled, "pen", (90, 60), "move", buttons=2)
    pointer(filled, "pen", (90, 60), "up", button=2)

    assert np.array_equal(bits_of(filled), before)
    assert filled.evaluate("window.XREAL.canvas.pictures.window") > 300


def test_two_fingers_zoom_and_never_draw(canvas: Any) -> None:
    press(canvas, "3")
    at_first = zoom(canvas)
    pointer(canvas, "touch", (100, 128), "down", pointerId=1)
    pointer(canvas, "touch", (104, 128), "move", pointerId=1)
    pointer(canvas, "touch", (150, 128), "down", pointerId=2)
    pointer(canvas, "touch", (70, 128), "move", pointerId=1)
    pointer(canvas, "touch", (180, 128), "move", pointerId=2)
    pointer(canvas, "touch", (180, 128), "up", pointerId=2)
    pointer(canvas, "touch", (90, 160), "move", pointerId=1)  # the finger that stays draws nothing
    pointer(canvas, "touch", (90, 160), "up", pointerId=1)

    assert zoom(canvas) > 1.5 * at_first
    assert not bits_of(canvas).any()
    assert steps(canvas) == []

    way = stroke(canvas, "touch", [(120, 120), (130, 130)])  # and then one finger draws again
    assert np.array_equal(bits_of(canvas), label(raster.stroke((256, 256), way, 12), HEART))


def test_two_fingers_with_fill_or_polygon_leave_the_drawing_alone(canvas: Any) -> None:
    press(canvas, "3", "p")
    stroke(canvas, "touch", [(60, 60)])
    stroke(canvas, "touch", [(120, 60)])
    for finger in (1, 2):
        pointer(canvas, "touch", (100 + 20 * finger, 150), "down", pointerId=finger)
    for finger in (1, 2):
        pointer(canvas, "touch", (100 + 20 * finger, 150), "up", pointerId=finger)
    assert canvas.evaluate("window.XREAL.canvas.ui.shape.points.length") == 2
    stroke(canvas, "touch", [(90, 120)])
    assert canvas.evaluate("window.XREAL.canvas.ui.shape.points.length") == 3
    stroke(canvas, "touch", [(64, 62)])  # a tap near the first corner closes it: no key is needed

    assert bits_of(canvas)[80, 90] and not bits_of(canvas)[150, 120]
    assert steps(canvas) == ["polygon, heart"]


def test_a_lasso_is_drawn_with_a_finger(canvas: Any) -> None:
    press(canvas, "3", "l")
    way = stroke(canvas, "touch", [(60, 60), (160, 70), (150, 160), (80, 140)])

    assert np.array_equal(bits_of(canvas), label(raster.polygon((256, 256), way), HEART))


def test_a_palm_is_ignored_while_a_pen_is_down(canvas: Any) -> None:
    press(canvas, "3")
    way = pointer(canvas, "pen", (60, 60), "down")
    pointer(canvas, "touch", (200, 200), "down", pointerId=3)
    pointer(canvas, "touch", (220, 180), "down", pointerId=4)  # the ball of the thumb, too
    pointer(canvas, "touch", (210, 220), "move", pointerId=3)
    way += pointer(canvas, "pen", (120, 60), "move")
    pointer(canvas, "touch", (210, 220), "up", pointerId=3)
    pointer(canvas, "touch", (220, 180), "up", pointerId=4)
    way += pointer(canvas, "pen", (120, 100), "move")
    pointer(canvas, "pen", (120, 100), "up")

    assert np.array_equal(bits_of(canvas), label(raster.stroke((256, 256), way, 12), HEART))
    assert steps(canvas) == ["brush, heart"]


def test_a_palm_that_came_before_the_pen_leaves_nothing(canvas: Any) -> None:
    press(canvas, "3")
    pointer(canvas, "touch", (200, 200), "down", pointerId=3)
    pointer(canvas, "touch", (205, 205), "move", pointerId=3)
    way = pointer(canvas, "pen", (60, 60), "down")
    pointer(canvas, "touch", (210, 220), "move", pointerId=3)
    pointer(canvas, "touch", (210, 220), "up", pointerId=3)
    way += pointer(canvas, "pen", (120, 60), "move")
    pointer(canvas, "pen", (120, 60), "up")

    assert np.array_equal(bits_of(canvas), label(raster.stroke((256, 256), way, 12), HEART))


def test_a_cancelled_pointer_takes_its_stroke_back(canvas: Any) -> None:
    press(canvas, "3")
    kept = stroke(canvas, "touch", [(60, 60), (80, 60)])
    pointer(canvas, "touch", (120, 120), "down")
    pointer(canvas, "touch", (160, 120), "move")
    pointer(canvas, "touch", (160, 120), "cancel")
    assert np.array_equal(bits_of(canvas), label(raster.stroke((256, 256), kept, 12), HEART))
    assert steps(canvas) == ["brush, heart"]

    pointer(canvas, "touch", (120, 120), "move")  # no finger is down any more
    two_frames(canvas)
    assert steps(canvas) == ["brush, heart"]
    more = stroke(canvas, "touch", [(120, 120), (140, 120)])
    both = raster.stroke((256, 256), kept, 12) | raster.stroke((256, 256), more, 12)
    assert np.array_equal(bits_of(canvas), label(both, HEART))


def test_a_cancelled_move_goes_back_to_where_the_drag_began(filled: Any) -> None:
    before = (bits_of(filled) & HEART) > 0
    press(filled, "3", "v", "ArrowRight")
    pointer(filled, "touch", (140, 166), "down")
    pointer(filled, "touch", (180, 100), "move")
    pointer(filled, "touch", (180, 100), "cancel")
    press(filled, "Enter")

    assert np.array_equal((bits_of(filled) & HEART) > 0, np.roll(before, 1, axis=1))
