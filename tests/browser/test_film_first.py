"""A new picture is looked at first: what was painted is an outline until one paints on."""

from typing import Any

import numpy as np
import pytest

from tests.browser.canvas_driver import bits_of, drag, press, two_frames
from tests.browser.test_canvas_look import pixel
from tests.browser.test_documents import saved
from tests.browser.test_edit_page import add_a_finding, paint_a_chest, run, says

FINDING = 1 << 4


@pytest.fixture
def made(edit: Any) -> Any:
    """A page whose newest picture holds a finding that was painted."""
    paint_a_chest(edit)
    add_a_finding(edit, "effusion")
    assert not grey(edit)
    run(edit)
    says(edit, "Done")
    edit.get_by_role("option", name="2 Effusion").wait_for()
    edit.wait_for_function("XREAL.canvas.drawing.state === '2'")
    two_frames(edit)
    return edit


def middle(page: Any) -> tuple[float, float]:
    """Of the finding, well inside its outline."""
    rows, columns = np.nonzero(bits_of(page) & np.uint32(FINDING))
    return float(columns.mean()), float(rows.mean())


def grey(page: Any) -> bool:
    """Whether nothing coloured lies on the middle of the finding."""
    two_frames(page)
    red, green, blue, _ = pixel(page, ".under", middle(page))
    return red == green == blue


def test_a_new_picture_shows_its_finding_and_the_letter_stands_beside_it(made: Any) -> None:
    assert grey(made)
    assert made.locator(".opacity-now").inner_text() == "off"


def test_a_reload_finds_the_drawing_as_an_outline_or_filled_as_it_was(made: Any) -> None:
    saved(made)
    made.reload()
    made.wait_for_function("window.XREAL?.canvas?.summary().findings.length === 1")
    assert made.locator(".opacity-now").inner_text() == "off"
    made.wait_for_function("XREAL.canvas.pictures.shown")
    assert grey(made)

    made.get_by_role("slider", name="Overlay opacity").fill("40")
    made.get_by_role("status", name="Document state").get_by_text("Changed").wait_for()
    saved(made)
    made.reload()
    made.wait_for_function("window.XREAL?.canvas?.summary().findings.length === 1")
    assert made.locator(".opacity-now").inner_text() == "40 %"


def test_the_letter_touches_its_finding(made: Any) -> None:
    rows, columns = np.nonzero(bits_of(made) & np.uint32(FINDING))
    corner = np.argmax(columns.astype(int) - rows.astype(int))  # farthest up and right
    across, up = columns[corner] + 1, rows[corner]
    zoom = made.evaluate("XREAL.canvas.view.zoom / XREAL.canvas.view.ratio")
    across, up = float(across), float(up)
    tag = pixel(made, ".under", (across + 3 / zoom, up - 3 / zoom))
    edge = pixel(made, ".under", (across + 18 / zoom, up - 12 / zoom))
    assert max(tag[:3]) < 80  # it is dark, from its lower left corner on
    assert edge[0] > edge[2] + 60  # and has a yellow edge
    red, green, blue, _ = pixel(
        made, ".under", (float(columns.max()) + 10 / zoom, float(rows.min()))
    )
    assert red == green == blue  # no letter at the corner of the box of a slanted finding


def test_painting_brings_the_fill_back(made: Any) -> None:
    press(made, "3")
    drag(made, [(20, 230), (40, 230)])

    assert not grey(made)
    assert made.locator(".opacity-now").inner_text() == "25 %"


def test_the_slider_of_the_fill_brings_it_back(made: Any) -> None:
    made.get_by_role("slider", name="Overlay opacity").fill("40")

    assert not grey(made)
    assert made.locator(".opacity-now").inner_text() == "40 %"


def test_looking_around_does_not_bring_the_fill_back(made: Any) -> None:
    made.get_by_role("button", name="Invert").click()
    made.get_by_role("button", name="Invert").click()
    drag(made, [(120, 120), (160, 90)], button="right")
    made.get_by_role("option", name="1 Anatomy").click()
    made.get_by_role("option", name="2 Effusion").click()
    made.wait_for_function("XREAL.canvas.drawing.state === '2'")

    assert grey(made)
