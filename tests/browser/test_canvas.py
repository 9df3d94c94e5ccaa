"""The label canvas under a real mouse and real keys, against rasters drawn here in NumPy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.canvas import raster
from app.canvas.demo import anatomy
from app.canvas.drawing import ORGAN_BITS, labels_file
from tests.browser.canvas_driver import (
    BareDemo,
    bits_of,
    drag,
    flush,
    label,
    press,
    reached,
    screen,
    show,
    two_frames,
)

HEART = 4
ORGANS = BareDemo().url("", labels_file(anatomy(512), replaces=ORGAN_BITS))


@pytest.mark.parametrize("width, height", [(256, 256), (1000, 811), (1024, 1024)])
def test_a_stroke_arrives_exactly_as_an_independent_raster_draws_it(
    canvas: Any, tmp_path: Path, width: int, height: int
) -> None:
    show(canvas, {"doc": "sized", "size": [width, height], "nonce": 50})
    line = [(0.3 * width, 0.3 * height), (0.5 * width, 0.6 * height), (0.62 * width, 0.35 * height)]

    canvas.get_by_role("option", name="Heart").click()
    way = drag(canvas, line)
    drawing = flush(canvas, tmp_path)

    expected = label(raster.stroke((height, width), way, 12), HEART)
    assert drawing.bits.shape == (height, width)
    assert np.count_nonzero(drawing.bits != expected) == 0
    assert np.count_nonzero(bits_of(canvas) != expected) == 0


def test_a_zoomed_stroke_and_an_erased_one_are_exact(canvas: Any, tmp_path: Path) -> None:
    canvas.get_by_role("option", name="Left lung").click()
    x, y = screen(canvas, [(150, 110)])[0]
    canvas.mouse.move(x, y)
    canvas.mouse.wheel(0, -900)
    way = drag(canvas, [(140, 100), (165, 118)])
    canvas.get_by_role("button", name="Eraser").click()
    gone = drag(canvas, [(150, 100), (150, 125)])

    expected = raster.stroke((256, 256), way, 12) & ~raster.stroke((256, 256), gone, 12)
    assert expected.any()
    assert np.array_equal(flush(canvas, tmp_path).bits, label(expected, 1))


def test_shift_draws_a_straight_line_and_alt_takes_away(canvas: Any) -> None:
    canvas.get_by_role("option", name="Aorta").click()
    first = drag(canvas, [(60, 60)])
    canvas.keyboard.down("Shift")
    second = drag(canvas, [(180, 140)])
    canvas.keyboard.up("Shift")
    canvas.keyboard.down("Alt")
    third = drag(canvas, [(120, 100)])
    canvas.keyboard.up("Alt")

    shape = (256, 256)
    line = raster.capsule(shape, first[0], first[0], 12)
    line |= raster.capsule(shape, first[0], second[0], 12)
    line &= ~raster.capsule(shape, third[0], third[0], 12)
    assert np.array_equal(bits_of(canvas), label(line, 8))


def test_mirroring_paints_the_other_lung(canvas: Any) -> None:
    canvas.get_by_role("option", name="Left lung").click()
    canvas.get_by_role("button", name="Mirror").click()
    way = drag(canvas, [(180, 80), (190, 150)])

    other = [(256 - x, y) for x, y in way]
    expected = label(raster.stroke((256, 256), way, 12), 1)
    expected |= label(raster.stroke((256, 256), other, 12), 2)
    assert np.array_equal(bits_of(canvas), expected)


def test_polygon_lasso_ellipse_and_fill_agree_with_the_twin(canvas: Any) -> None:
    shape, corners = (256, 256), [(40, 40), (120, 60), (70, 130)]
    canvas.get_by_role("option", name="Heart").click()
    press(canvas, "p")
    places = screen(canvas, corners)
    for place in places:
        canvas.mouse.click(*place)
    press(canvas, "Enter")
    expected = raster.polygon(shape, reached(canvas, places))
    assert np.array_equal(bits_of(canvas), label(expected, HEART))

    press(canvas, "l")
    expected |= raster.polygon(shape, drag(canvas, [(150, 40), (210, 50), (200, 120), (160, 100)]))
    assert np.array_equal(bits_of(canvas), label(expected, HEART))

    press(canvas, "o")
    (ax, ay), (bx, by) = drag(canvas, [(100, 150), (180, 220)])
    middle = ((ax + bx) / 2, (ay + by) / 2)
    expected |= raster.ellipse(shape, middle, abs(bx - ax) / 2, abs(by - ay) / 2)
    assert np.array_equal(bits_of(canvas), label(expected, HEART))

    press(canvas, "e")
    drag(canvas, [(140, 185), (141, 185)])
    assert not bits_of(canvas)[185, 140]
    press(canvas, "f")
    canvas.mouse.click(*screen(canvas, [(140, 185)])[0])
    assert np.array_equal(bits_of(canvas), label(expected, HEART))


def test_grow_shrink_and_smooth_agree_with_the_twin(filled: Any) -> None:
    filled.get_by_role("option", name="Right lung").click()
    before = bits_of(filled)
    lung = (before & 2) > 0

    for name, rule in (
        ("Grow", raster.grown),
        ("Shrink", raster.shrunk),
        ("Smooth", raster.smoothed),
    ):
        filled.get_by_role("button", name=name, exact=True).click()
        lung = rule(lung)
        after = bits_of(filled)
        assert np.array_equal((after & 2) > 0, lung)
        assert np.array_equal(after & ~np.uint32(2), before & ~np.uint32(2))


def test_a_drawing_survives_the_way_from_the_server_and_back(filled: Any, tmp_path: Path) -> None:
    drawing = flush(filled, tmp_path)

    assert np.array_equal(drawing.bits & 15, anatomy(256))
    assert [f.words for f in drawing.findings] == ["moderate pleural effusion", "patchy opacity"]
    assert drawing.state == "s3"


def test_a_hundred_steps_can_be_undone_and_done_again(canvas: Any) -> None:
    dab = """(k) => { const c = window.XREAL.canvas, d = c.drawing; d.begin("dab");
        c.raster.capsule(256, 256, 20 + 2 * k, 40 + k, 21 + 2 * k, 40 + k, 5,
            (i) => d.put(i, (d.bits[i] | (1 << (k % 4))) >>> 0)); d.touched(); d.commit(); }"""
    for k in range(100):
        canvas.evaluate(dab, k)
    painted = bits_of(canvas)

    press(canvas, *["Control+z"] * 100)
    assert not bits_of(canvas).any()
    canvas.get_by_role("button", name="Redo").focus()  # anywhere but the picture
    for _ in range(100):
        canvas.keyboard.press("Control+y")

    assert np.array_equal(bits_of(canvas), painted)


def test_undo_covers_words_visibility_findings_and_loads(filled: Any, tmp_path: Path) -> None:
    def state() -> Any:
        return filled.evaluate("""() => { const d = window.XREAL.canvas.drawing;
            const sum = d.bits.reduce((s, b) => (s * 31 + b) % 1e9, 7);
            return [d.findings, d.hidden, d.locked, sum]; }""")

    seen = [state()]
    filled.get_by_role("button", name="Hide Heart").click()
    seen.append(state())
    filled.get_by_role("combobox", name="Words of finding A").fill("small effusion")
    filled.keyboard.press("Enter")
    seen.append(state())
    filled.get_by_role("button", name="Add", exact=True).click()
    seen.append(state())
    filled.get_by_role("button", name="Finding B: more").click()
    filled.get_by_role("menuitem", name="Delete finding B").click()
    seen.append(state())
    filled.get_by_role("button", name="Heart: more").click()
    filled.get_by_role("menuitem", name="Swap with left lung").click()
    seen.append(state())
    show(filled, {"nonce": 70, "labels_url": ORGANS, "title": "from picture"})
    seen.append(state())

    assert len({str(s) for s in seen}) == 7
    for before in reversed(seen[:-1]):
        filled.get_by_role("button", name="Undo").click()
        assert state() == before
    for after in seen[1:]:
        filled.get_by_role("button", name="Redo").click()
        assert state() == after


def test_an_anatomy_replaces_the_organs_and_leaves_findings(filled: Any) -> None:
    before = bits_of(filled)
    filled.get_by_role("button", name="Heart: more").click()
    filled.get_by_role("menuitem", name="Clear").click()
    assert not (bits_of(filled) & HEART).any()

    show(filled, {"nonce": 71, "labels_url": ORGANS})

    expected = (before & ~np.uint32(15)) | raster.resized(anatomy(512), 256, 256)
    assert np.array_equal(bits_of(filled), expected)


def test_loading_over_newer_strokes_asks_first(filled: Any) -> None:
    before = bits_of(filled)
    rev = filled.evaluate("window.XREAL.canvas.summary().rev")
    empty = BareDemo().url("", labels_file(np.zeros((256, 256), np.uint32)))
    view = {"nonce": 72, "base": rev - 1, "labels_url": empty}

    show(filled, view)
    filled.get_by_role("button", name="Keep mine").click()
    assert np.array_equal(bits_of(filled), before)

    show(filled, view | {"nonce": 73})
    filled.get_by_role("button", name="Load", exact=True).click()
    assert not bits_of(filled).any()
    press(filled, "Control+z")
    assert np.array_equal(bits_of(filled), before)


def test_a_view_is_shown_once(filled: Any) -> None:
    view = {"nonce": 74, "labels_url": ORGANS}
    show(filled, view)
    press(filled, "3", "Delete")
    cleared = bits_of(filled)

    show(filled, view)

    assert np.array_equal(bits_of(filled), cleared)


def test_a_damaged_drawing_is_not_loaded(filled: Any) -> None:
    before = bits_of(filled)
    whole = labels_file(anatomy(64))
    broken = whole.replace(b'"crc32": ', b'"crc32": 1')

    show(filled, {"nonce": 75, "labels_url": BareDemo().url("", broken)})

    filled.get_by_role("alert").get_by_text("Nothing of yours was changed").wait_for()
    assert np.array_equal(bits_of(filled), before)


def test_the_drawing_follows_a_picture_of_another_size_and_comes_back(filled: Any) -> None:
    before = bits_of(filled)

    filled.get_by_role("option", name="State 4 Upscaled").click()
    filled.wait_for_function("window.XREAL.canvas.drawing.w === 1024")
    assert np.array_equal(bits_of(filled), raster.resized(before, 1024, 1024))
    filled.get_by_role("option", name="State 2 Anatomy").click()
    filled.wait_for_function("window.XREAL.canvas.drawing.w === 256")

    assert np.array_equal(bits_of(filled), before)


def test_everything_can_be_painted_without_a_mouse(canvas: Any) -> None:
    press(canvas, "3", "b", "Shift+ArrowRight", "k", "Shift+ArrowDown", "ArrowRight", "k")
    heart = label(raster.stroke((256, 256), [(138, 128), (138, 138), (139, 138)], 12), HEART)
    assert np.array_equal(bits_of(canvas), heart)

    press(canvas, "n")
    canvas.get_by_role("combobox", name="Words of finding A").focus()
    canvas.keyboard.type("bank of fog")  # b, n, k, f, o are keys of the picture, not of this field
    canvas.keyboard.press("Enter")

    found = canvas.evaluate("window.XREAL.canvas.summary().findings")
    assert [f["words"] for f in found] == ["bank of fog"]
    assert np.array_equal(bits_of(canvas), heart)


def test_a_stroke_that_is_not_finished_is_sent_as_far_as_it_has_come(
    canvas: Any, tmp_path: Path
) -> None:
    canvas.get_by_role("option", name="Heart").click()
    places = screen(canvas, [(100, 100), (140, 120), (180, 60)])
    canvas.mouse.move(*places[0])
    canvas.mouse.down()
    canvas.mouse.move(*places[1])

    payload = canvas.evaluate("window.XREAL.canvas.flush()")
    canvas.mouse.move(*places[2])
    canvas.mouse.up()

    stroke = raster.stroke((256, 256), reached(canvas, places[:2]), 12)
    assert payload["rev"] == 1
    assert np.array_equal(bits_of(canvas), label(stroke, HEART))


def test_a_stroke_may_begin_on_the_cards_of_the_first_run(canvas: Any) -> None:
    canvas.get_by_text("Draw a chest, or drop one here").wait_for()

    way = drag(canvas, [(128, 140), (150, 150), (160, 90)])

    assert np.array_equal(bits_of(canvas), label(raster.stroke((256, 256), way, 12), 1))


def test_paint_sticks_where_it_is_allowed(filled: Any) -> None:
    before = bits_of(filled)
    filled.get_by_role("option", name="Finding B").click()
    filled.get_by_role("combobox", name="Paint where").select_option("Inside lungs")
    drag(filled, [(20, 100), (240, 100)])
    painted = bits_of(filled) & ~before
    assert painted.any()
    assert not (painted.astype(bool) & ((before & 3) == 0)).any()

    filled.get_by_role("option", name="Heart").click()
    filled.get_by_role("combobox", name="Paint where").select_option("Not over others")
    before = bits_of(filled)
    drag(filled, [(20, 60), (240, 60)])
    painted = bits_of(filled) & ~before
    assert painted.any()
    assert not (painted.astype(bool) & ((before & 0b1011) != 0)).any()


def test_a_locked_label_and_one_the_model_cannot_draw_stay_as_they_are(filled: Any) -> None:
    before = bits_of(filled)
    filled.get_by_role("button", name="Heart: more").click()
    filled.get_by_role("menuitem", name="Lock").click()
    drag(filled, [(20, 20), (60, 20)])
    assert np.array_equal(bits_of(filled), before)

    know = {"organs": [1, 2, 3], "findings": [], "verbs": []}
    filled.evaluate("(k) => window.XREAL.canvas.apply({know: k, nonce: 777})", know)
    aorta = filled.get_by_role("option", name="Aorta")
    aorta.click(force=True)  # the driver itself would not click a disabled control
    assert aorta.get_attribute("aria-disabled") == "true"
    assert aorta.get_attribute("title") == "The loaded model cannot draw the aorta"
    assert aorta.get_attribute("aria-selected") == "false"


def test_the_area_and_its_zone_follow_the_brush(filled: Any, tmp_path: Path) -> None:
    filled.evaluate("window.XREAL.canvas.area('erase')")
    way = drag(filled, [(40, 40), (60, 200)])
    inside = raster.stroke((256, 256), way, 12)

    zone = filled.evaluate("window.XREAL.canvas.zone({bits: [28], grow: 3})")
    drawing = flush(filled, tmp_path)

    assert np.array_equal(drawing.erase_mask() > 0, inside)
    assert inside.sum() < zone < raster.stroke((256, 256), way, 16).sum()
    filled.get_by_role("button", name="Clear area").click()
    assert not flush(filled, tmp_path).erase_mask().any()


def test_measures_are_counted_from_the_drawing(filled: Any) -> None:
    bits = bits_of(filled)
    columns = np.flatnonzero(((bits & 3) > 0).any(axis=0))
    heart = np.flatnonzero(((bits & 4) > 0).any(axis=0))
    ratio = np.ptp(heart) + 1, np.ptp(columns) + 1
    share = (bits & 2 > 0).sum() / ((bits & 1 > 0).sum() + (bits & 2 > 0).sum())

    shown = filled.get_by_role("region", name="Measures").inner_text()

    assert f"Cardiothoracic ratio\t{ratio[0] / ratio[1]:.2f}\t0.48" in shown
    assert f"Right lung\t{100 * share:.0f} %\t53 %" in shown


def test_window_and_level_change_what_is_seen_and_nothing_that_is_sent(
    filled: Any, tmp_path: Path
) -> None:
    first = flush(filled, tmp_path)
    line = [(128, 128), (150, 140)]
    (ax, ay), (bx, by) = screen(filled, line)
    drag(filled, line, button="right")
    dx, dy = bx - ax, by - ay

    assert filled.locator(".hud-window").inner_text() == f"W {255 + dx} L {128 + dy}"
    assert filled.get_by_role("combobox", name="Window preset").input_value() == "Custom"
    assert flush(filled, tmp_path).rev == first.rev


def test_holding_c_shows_the_state_before(filled: Any) -> None:
    pixel = """() => { const c = document.querySelector('.under'), v = window.XREAL.canvas.view;
        const [x, y] = [184 * v.zoom + v.px, 168 * v.zoom + v.py];
        return c.getContext('2d').getImageData(x, y, 1, 1).data[0]; }"""
    filled.get_by_role("slider", name="Overlay opacity").fill("0")
    filled.get_by_role("checkbox", name="Show outlines").uncheck()
    two_frames(filled)
    now = filled.evaluate(pixel)
    filled.get_by_role("application").focus()
    filled.keyboard.down("c")
    two_frames(filled)
    before = filled.evaluate(pixel)
    filled.keyboard.up("c")
    two_frames(filled)

    assert now - before > 20  # the demo's third state has a shadow there
    assert filled.evaluate(pixel) == now
