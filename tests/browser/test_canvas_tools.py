"""Move and scale, grow from tone, and what is done to one label, against the twin in NumPy."""

import math
from typing import Any

import numpy as np
import pytest

from app.canvas import raster
from app.canvas.demo import phantom
from tests.browser.canvas_driver import bits_of, drag, press, reached, screen, two_frames

HEART, LEFT, RIGHT = 4, 1, 2
ILL = phantom(256, 0.25)  # the picture that ``filled`` shows


def plane(page: Any, mask: int) -> np.ndarray:
    return (bits_of(page) & np.uint32(mask)) > 0


def rule(page: Any, code: str, label: np.ndarray, *rest: Any) -> np.ndarray:
    """The pixels that a raster rule of the browser visits on ``label``, (h, w) bool."""
    height, width = label.shape
    found = page.evaluate(
        """([flat, w, h, code, rest]) => { const r = window.XREAL.canvas.raster, out = [];
        const bits = Uint32Array.from(flat), box = r.tightened(bits, w, 1, [0, 0, w, h]);
        new Function("r", "bits", "w", "h", "box", "visit", "rest", code)(
            r, bits, w, h, box, (i) => out.push(i), rest); return out; }""",
        [label.astype(int).ravel().tolist(), width, height, code, list(rest)],
    )
    covered = np.zeros(height * width, bool)
    covered[found] = True
    return covered.reshape(height, width)


def blob(seed: int, height: int = 61, width: int = 83) -> np.ndarray:
    """A ragged label with holes and crumbs."""
    rng = np.random.default_rng(seed)
    away = np.hypot(*(np.mgrid[0:height, 0:width] - np.array([[[30]], [[40]]])))
    return rng.random((height, width)) < 1.3 - away / 24


@pytest.mark.parametrize("seed", range(4))
def test_moving_scaling_and_turning_agree_with_the_twin_to_the_pixel(
    canvas: Any, seed: int
) -> None:
    label, rng = blob(seed), np.random.default_rng(seed)
    angle, (sx, sy) = rng.uniform(0, 2 * math.pi), rng.uniform(0.4, 1.8, 2)
    cos, sin = math.cos(angle), math.sin(angle)
    inverse = [cos / sx, sin / sx, 40 - 43 * cos / sx - 28 * sin / sx]
    inverse += [-sin / sy, cos / sy, 30 + 43 * sin / sy - 28 * cos / sy]

    there = rule(canvas, "r.moved(bits, w, h, 1, box, rest[0], visit)", label, inverse)

    assert 50 < there.sum() < label.size / 2
    assert np.array_equal(there, raster.moved(label, inverse))


@pytest.mark.parametrize("radius", [1, 2, 5, 7.5])
def test_growing_and_shrinking_by_a_radius_agree_with_the_twin(canvas: Any, radius: float) -> None:
    label = blob(9)

    more = rule(canvas, "r.rim(bits, w, h, 1, box, rest[0], visit)", label, radius)
    less = rule(canvas, "r.edge(bits, w, h, 1, box, rest[0], visit)", label, radius)

    assert np.array_equal(label | more, raster.grown(label, radius))
    assert np.array_equal(label & ~less, raster.shrunk(label, radius))
    assert not (label & more).any()


@pytest.mark.parametrize("connected", [True, False])
def test_like_tones_agree_with_the_twin(canvas: Any, connected: bool) -> None:
    grey = np.random.default_rng(3).integers(90, 130, (50, 70)).astype(np.uint8)
    grey[10:40, 20:60] //= 2
    allowed = blob(5, 50, 70)
    y, x = (int(v) for v in np.argwhere(allowed & (grey < 70))[5])

    name = "likeTone" if connected else "allLikeTone"
    code = f"""const found = r.{name}(rest[0], w, h, rest[1], 14, (i) => bits[i]);
        for (let i = 0; i < w * h; i++) if (found.on[i]) visit(i);"""
    there = rule(canvas, code, allowed, grey.ravel().tolist(), y * 70 + x)

    expected = raster.like_tone(grey, (x, y), 14, allowed, connected=connected)
    assert expected.sum() > 20
    assert np.array_equal(there, expected)


def test_a_dragged_label_moves_by_whole_pixels_and_is_one_step(filled: Any) -> None:
    before = bits_of(filled)
    press(filled, "3", "v")
    (ax, ay), (bx, by) = drag(filled, [(140, 166), (163, 149)])
    press(filled, "ArrowLeft", "Shift+ArrowUp")
    assert np.array_equal(bits_of(filled), before)  # nothing is resampled before Enter
    press(filled, "Enter")

    dx, dy = round(bx - ax) - 1, round(by - ay) - 10
    expected = np.roll((before & HEART) > 0, (dy, dx), axis=(0, 1))
    after = bits_of(filled)
    assert np.array_equal((after & HEART) > 0, expected)
    assert np.array_equal(after & ~np.uint32(HEART), before & ~np.uint32(HEART))
    press(filled, "Control+z")
    assert np.array_equal(bits_of(filled), before)


def test_many_drags_of_a_handle_resample_the_label_once(filled: Any) -> None:
    before = plane(filled, HEART)
    rows, columns = np.nonzero(before)
    x0, y0, x1, y1 = filled.evaluate("window.XREAL.canvas.drawing.boxes[2]")
    press(filled, "3", "v")
    for there, back in ((40, 3), (60, 2), (25, 1)):
        drag(filled, [(x1, y1), (x1 + there, y1 + there // 2)])
        drag(filled, [(x1 + there, y1 + there // 2), (x1 + back, y1 + back)])
        x1, y1 = x1 + back, y1 + back
    press(filled, "Enter")

    sx, sy = (x1 - x0) / (columns.max() + 1 - x0), (y1 - y0) / (rows.max() + 1 - y0)
    after = plane(filled, HEART)
    rows, columns = np.nonzero(after)
    assert (columns.min(), columns.max() + 1) == (x0, x1)
    assert (rows.min(), rows.max() + 1) == (y0, y1)
    expected = raster.moved(before, [1 / sx, 0, x0 - x0 / sx, 0, 1 / sy, y0 - y0 / sy])
    assert np.count_nonzero(after != expected) <= 4  # pixel centres exactly between two


def test_shift_keeps_the_proportion_of_a_scaled_label(filled: Any) -> None:
    box = filled.evaluate("window.XREAL.canvas.drawing.boxes[2]")
    press(filled, "3", "v")
    filled.keyboard.down("Shift")
    drag(filled, [(box[2], box[3]), (box[2] + 30, box[3] + 2)])
    filled.keyboard.up("Shift")
    press(filled, "Enter")

    new = filled.evaluate("window.XREAL.canvas.drawing.boxes[2]")
    assert new[2] - new[0] == box[2] - box[0] + 30
    wanted = (box[3] - box[1]) * (new[2] - new[0]) / (box[2] - box[0])
    assert abs(new[3] - new[1] - wanted) <= 1


def test_escape_and_undo_drop_a_move_and_a_click_outside_keeps_it(filled: Any) -> None:
    before = bits_of(filled)
    press(filled, "3", "v", "ArrowRight", "Escape")
    press(filled, "ArrowRight", "Control+z", "Enter")
    assert np.array_equal(bits_of(filled), before)
    assert filled.get_by_role("button", name="Undo").get_attribute("aria-disabled") == "true"

    press(filled, "ArrowRight")
    filled.mouse.click(*screen(filled, [(20, 20)])[0])
    assert np.array_equal(plane(filled, HEART), np.roll((before & HEART) > 0, 1, axis=1))
    press(filled, "ArrowDown")
    filled.get_by_role("button", name="Brush").click()
    assert np.array_equal(plane(filled, HEART), np.roll((before & HEART) > 0, (1, 1), axis=(0, 1)))


def test_a_locked_label_cannot_be_moved_and_says_so(filled: Any) -> None:
    before = bits_of(filled)
    filled.get_by_role("button", name="Heart: more").click()
    filled.get_by_role("menuitem", name="Lock").click()
    press(filled, "v", "ArrowRight", "Enter")
    drag(filled, [(140, 166), (160, 166)])
    press(filled, "Enter")

    assert np.array_equal(bits_of(filled), before)
    assert "The heart is locked" in filled.locator(".hud-label").inner_text()


def test_measures_follow_a_heart_while_it_is_scaled(filled: Any) -> None:
    box = filled.evaluate("window.XREAL.canvas.drawing.boxes[2]")
    thorax = filled.evaluate("window.XREAL.canvas.drawing.boxes[0][2]") - filled.evaluate(
        "window.XREAL.canvas.drawing.boxes[1][0]"
    )
    press(filled, "3", "v")
    x, y = screen(filled, [(box[2], (box[1] + box[3]) / 2)])[0]
    filled.mouse.move(x, y)
    filled.mouse.down()
    filled.mouse.move(*screen(filled, [(box[2] + 20, (box[1] + box[3]) / 2)])[0])
    wanted = f"{(box[2] - box[0] + 20) / thorax:.2f}"
    filled.wait_for_function(
        "(w) => document.querySelector('.meas td + td').textContent === w", arg=wanted
    )
    filled.mouse.up()


def test_growing_from_tone_takes_the_connected_pixels_of_like_brightness(filled: Any) -> None:
    before = bits_of(filled)
    press(filled, "6", "t")
    start, end = screen(filled, [(184, 100), (200, 100)])
    filled.mouse.move(*start)
    filled.mouse.down()
    filled.mouse.move(*end)
    two_frames(filled)
    tolerance = 12 + round((end[0] - start[0]) / 3)
    x, y = (int(v) for v in reached(filled, [start])[0])
    expected = raster.like_tone(ILL, (x, y), tolerance)
    said = filled.locator(".hud-label").inner_text()
    assert said == f"Tolerance {tolerance} of 255: {expected.sum():,} px"
    assert np.array_equal(bits_of(filled), before)  # shown, not painted yet

    filled.mouse.up()
    after = bits_of(filled)
    assert np.array_equal((after & 32) > 0, ((before & 32) > 0) | expected)
    press(filled, "Control+z")
    assert np.array_equal(bits_of(filled), before)


def test_growing_from_tone_stays_inside_the_lungs_and_escape_drops_it(filled: Any) -> None:
    before = bits_of(filled)
    filled.get_by_role("combobox", name="Paint where").select_option("Inside lungs")
    press(filled, "6", "t")
    start, end = screen(filled, [(184, 100), (230, 100)])
    filled.mouse.move(*start)
    filled.mouse.down()
    filled.mouse.move(*end)
    press(filled, "Escape")
    filled.mouse.up()
    assert np.array_equal(bits_of(filled), before)

    filled.mouse.click(*start)
    x, y = (int(v) for v in reached(filled, [start])[0])
    tolerance = int(filled.get_by_role("slider", name="Tolerance").input_value())
    lungs = (before & 3) > 0
    expected = raster.like_tone(ILL, (x, y), tolerance, lungs)
    assert expected.sum() > 500
    assert np.array_equal(plane(filled, 32), ((before & 32) > 0) | expected)


def test_growing_from_tone_without_a_picture_says_what_it_needs(canvas: Any) -> None:
    press(canvas, "t")
    canvas.mouse.click(*screen(canvas, [(128, 128)])[0])

    assert "needs a picture" in canvas.locator(".hud-label").inner_text()
    assert not bits_of(canvas).any()


def test_growing_from_tone_needs_no_mouse(filled: Any) -> None:
    press(filled, "6", "t", "Shift+ArrowRight", "k", "]", "]", "Enter")

    assert plane(filled, 32)[128, 138]
    tolerance = int(filled.get_by_role("slider", name="Tolerance").input_value())
    assert tolerance == 15
    expected = raster.like_tone(ILL, (138, 128), tolerance)
    assert np.array_equal(plane(filled, 32) & expected, expected)


def test_a_lung_mirrored_over_becomes_the_other_one_and_a_heart_is_flipped(filled: Any) -> None:
    before = bits_of(filled)
    filled.get_by_role("button", name="Left lung: more").click()
    filled.get_by_role("menuitem", name="Mirror to the other side").click()
    after = bits_of(filled)
    assert np.array_equal((after & RIGHT) > 0, raster.mirrored((before & LEFT) > 0))
    assert np.array_equal((after & LEFT) > 0, (before & LEFT) > 0)

    filled.get_by_role("button", name="Heart: more").click()
    filled.get_by_role("menuitem", name="Mirror to the other side").click()
    assert np.array_equal(plane(filled, HEART), raster.mirrored((before & HEART) > 0))
    press(filled, "Control+z", "Control+z")
    assert np.array_equal(bits_of(filled), before)


def test_shift_grows_and_shrinks_by_five_pixels_in_one_step(filled: Any) -> None:
    before = bits_of(filled)
    lung = (before & RIGHT) > 0
    filled.get_by_role("option", name="Right lung").click()
    filled.get_by_role("button", name="Grow", exact=True).click(modifiers=["Shift"])
    assert np.array_equal(plane(filled, RIGHT), raster.grown(lung, 5))
    press(filled, "Shift+_")
    assert np.array_equal(plane(filled, RIGHT), raster.shrunk(raster.grown(lung, 5), 5))
    press(filled, "Control+z", "Control+z")
    assert np.array_equal(bits_of(filled), before)


def test_keys_to_look_with_need_the_mouse_over_the_picture_and_nobody_typing(filled: Any) -> None:
    def magnified() -> bool:
        return filled.evaluate("window.XREAL.canvas.ui.loupe === true")

    fit = filled.get_by_role("button", name="Fit", exact=True)
    fit.focus()
    filled.mouse.move(*screen(filled, [(100, 100)])[0])
    filled.keyboard.down("g")
    assert magnified()
    filled.keyboard.up("g")
    assert not magnified()

    fit.focus()
    filled.mouse.move(2, 2)  # not over the picture
    filled.keyboard.down("g")
    assert not magnified()
    filled.keyboard.up("g")

    words = filled.get_by_role("combobox", name="Words of finding A")
    words.fill("")
    filled.mouse.move(*screen(filled, [(100, 100)])[0])
    filled.keyboard.type("gh0")
    assert words.input_value() == "gh0" and not magnified()
