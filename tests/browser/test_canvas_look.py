"""Looking at the picture: magnifier, grey levels, compare, scale, and the narrow window."""

from typing import Any

import numpy as np
import pytest

from app.canvas.demo import phantom
from tests.browser.canvas_driver import bits_of, press, screen, show, two_frames

PIXEL = """([layer, x, y]) => { const c = document.querySelector(layer),
    v = window.XREAL.canvas.view, r = c.getBoundingClientRect();
    const at = [(x - r.left) * v.ratio, (y - r.top) * v.ratio];
    return [...c.getContext('2d').getImageData(...at, 1, 1).data]; }"""


def pixel(page: Any, layer: str, at: tuple[float, float]) -> list[int]:
    """The colour (r, g, b, a) of a canvas where a point of the picture lies."""
    return page.evaluate(PIXEL, [layer, *screen(page, [at])[0]])


def bare_picture(page: Any) -> None:
    page.get_by_role("slider", name="Overlay opacity").fill("0")
    page.get_by_role("checkbox", name="Show outlines").uncheck()
    page.get_by_role("checkbox", name="Show measures on picture").uncheck()
    two_frames(page)


def test_holding_g_shows_a_round_magnifier_at_the_cursor(filled: Any) -> None:
    bare_picture(filled)
    x, y = screen(filled, [(200, 60)])[0]
    filled.mouse.move(x, y)
    filled.get_by_role("application").focus()
    filled.keyboard.down("g")
    two_frames(filled)
    zoomed = filled.evaluate("window.XREAL.canvas.view.zoom")

    # 60 screen px right of the cursor one sees what lies 15 screen px right of it
    seen = filled.evaluate(PIXEL, [".over", x + 60, y])
    expected = int(phantom(256, 0.25)[60, int(200 + 15 / zoomed)])
    assert seen[3] == 255
    assert abs(seen[0] - expected) <= 3
    assert filled.evaluate(PIXEL, [".over", x + 100, y])[3] == 0  # it is round, 92 px
    filled.keyboard.up("g")
    two_frames(filled)
    assert filled.evaluate(PIXEL, [".over", x + 60, y])[3] == 0


def test_window_and_level_have_sliders_that_need_no_mouse(filled: Any) -> None:
    filled.get_by_role("button", name="Grey levels").focus()
    filled.keyboard.press("Enter")
    window = filled.get_by_role("slider", name="Window", exact=True)
    assert window.evaluate("(e) => document.activeElement === e")
    window.fill("100")
    filled.get_by_role("slider", name="Level", exact=True).fill("90")
    two_frames(filled)
    assert filled.locator(".hud-window").inner_text() == "W 100 L 90"

    bare_picture(filled)
    grey = int(phantom(256, 0.25)[60, 128])
    wanted = min(255, max(0, (grey - 40) * 255 / 100))
    assert abs(pixel(filled, ".under", (128.5, 60.5))[0] - wanted) <= 3
    filled.keyboard.press("Escape")


def test_escape_closes_the_grey_levels_and_gives_the_focus_back(filled: Any) -> None:
    button = filled.get_by_role("button", name="Grey levels")
    button.click()
    filled.keyboard.press("Escape")

    assert filled.get_by_role("group", name="Grey levels").is_hidden()
    assert button.evaluate("(e) => document.activeElement === e")


def test_the_difference_of_two_states_is_four_times_theirs(filled: Any) -> None:
    press(filled, "Shift+C", "Shift+C")
    two_frames(filled)
    assert filled.get_by_role("button", name="Compare").inner_text() == "Difference"
    plain, ill = (phantom(256, o).astype(int) for o in (0.0, 0.25))
    expected = min(255, 4 * abs(int(ill[168, 184]) - int(plain[168, 184])))
    assert expected > 50
    assert abs(pixel(filled, ".under", (184.5, 168.5))[0] - expected) <= 4
    assert pixel(filled, ".under", (40.5, 40.5))[0] == 0


def test_the_swipe_shows_b_on_the_left_of_its_line(filled: Any) -> None:
    press(filled, "Shift+C")
    two_frames(filled)
    plain, ill = phantom(256, 0.0), phantom(256, 0.25)

    handle = filled.locator(".split").bounding_box()
    assert handle is not None
    x, y = screen(filled, [(230, 128)])[0]
    filled.mouse.move(handle["x"], y)
    filled.mouse.down()
    filled.mouse.move(x, y)
    filled.mouse.up()
    two_frames(filled)
    assert abs(pixel(filled, ".under", (184.5, 168.5))[0] - int(plain[168, 184])) <= 3
    press(filled, "Shift+C", "Shift+C")
    bare_picture(filled)
    assert abs(pixel(filled, ".under", (184.5, 168.5))[0] - int(ill[168, 184])) <= 3


def test_a_large_picture_looks_the_same_as_the_mean_of_its_pixels(canvas: Any) -> None:
    from tests.browser.canvas_driver import BareDemo

    rng = np.random.default_rng(1)
    coarse = rng.integers(40, 220, (32, 32)).astype(np.uint8)
    large = np.kron(coarse, np.ones((80, 64), np.uint8))  # 2560 x 2048
    large = np.clip(large + rng.integers(-20, 21, large.shape), 0, 255).astype(np.uint8)
    show(canvas, {"doc": "l", "nonce": 90, "image_url": BareDemo().url("", large)})
    two_frames(canvas)

    assert canvas.evaluate("window.XREAL.canvas.view.zoom") < 0.5
    for row, column in ((0, 0), (12, 20), (31, 8), (30, 31)):
        at = (64 * column + 32, 80 * row + 40)
        assert abs(pixel(canvas, ".under", at)[0] - int(coarse[row, column])) <= 14


def test_without_pixel_spacing_there_is_no_scale_and_the_measures_say_so(filled: Any) -> None:
    measures = filled.get_by_role("region", name="Measures")

    assert "no pixel spacing" in measures.inner_text()
    assert filled.locator(".scale").is_hidden()


def test_with_pixel_spacing_a_bar_is_as_long_as_it_says(filled: Any) -> None:
    show(filled, {"nonce": 91, "spacing_mm": 1.4})
    two_frames(filled)
    bar = filled.locator(".scale i").bounding_box()
    text = filled.locator(".scale span").inner_text()
    assert bar is not None
    zoom = filled.evaluate("window.XREAL.canvas.view.zoom")

    value, unit = text.split()
    millimetres = float(value) * {"cm": 10, "mm": 1}[unit]
    assert abs(bar["width"] * 1.4 / zoom - millimetres) < 0.02 * millimetres

    box = filled.evaluate("window.XREAL.canvas.drawing.boxes[2]")
    pixels = int(((bits_of(filled) & 2) > 0).sum())
    said = filled.get_by_role("region", name="Measures").inner_text()
    assert f"Heart {round((box[2] - box[0]) * 1.4)} mm" in said
    assert f"Right lung {round(pixels * 1.4**2 / 100)} cm\u00b2" in said


def test_with_pixel_spacing_and_nothing_drawn_no_empty_widths_are_listed(canvas: Any) -> None:
    show(canvas, {"nonce": 91, "spacing_mm": 1.4})
    canvas.get_by_text("1.40 mm a pixel").wait_for(state="attached")

    said = canvas.get_by_role("region", name="Measures").inner_text()
    assert "Cardiothoracic ratio" in said and "Heart -" not in said


def test_holding_h_hides_what_is_drawn(filled: Any) -> None:
    at = (128.5, 150.5)  # inside the heart
    two_frames(filled)
    shown = pixel(filled, ".under", at)
    filled.get_by_role("application").focus()
    filled.keyboard.down("h")
    two_frames(filled)
    hidden = pixel(filled, ".under", at)
    filled.keyboard.up("h")
    two_frames(filled)

    assert hidden[0] == hidden[1] == hidden[2]
    assert shown != hidden and pixel(filled, ".under", at) == shown


@pytest.mark.parametrize("width", [760, 1000])
def test_in_a_narrow_window_the_column_is_a_drawer_and_targets_are_large(
    filled: Any, width: int
) -> None:
    filled.add_style_tag(content="#editor { right: 0 !important }")
    filled.set_viewport_size({"width": width, "height": 800})
    column = filled.locator(".xc .draw")
    column.wait_for(state="hidden")
    filled.get_by_role("button", name="Show drawing column").click()
    column.wait_for(state="visible")

    small = filled.evaluate("""() => [...document.querySelectorAll('.xc button, .xc select')]
        .filter((e) => e.offsetParent).filter((e) => { const r = e.getBoundingClientRect();
            return r.width < 43.5 || r.height < 43.5; }).map((e) => e.getAttribute('aria-label')
            || e.textContent)""")
    assert small == []
    filled.get_by_role("option", name="Heart").click()
    press(filled, "\\")
    column.wait_for(state="hidden")
