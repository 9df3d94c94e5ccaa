"""What was drawn can be taken back after a reload of the page and a restart of the program."""

from typing import Any

import numpy as np

from tests.browser.canvas_driver import bits_of
from tests.browser.program import Program
from tests.browser.test_documents import redo, saved, undo, visit
from tests.browser.test_edit_page import add_a_finding, drag, paint_a_chest

KEPT = """async () => { const { doc, rev } = XREAL.canvas.summary();
    return (await fetch(`/api/steps?doc=${doc}&rev=${rev}`)).status === 200; }"""
STEPS = "XREAL.canvas.drawing.undoStack.map((step) => step.title)"


def draw(page: Any) -> tuple[list[np.ndarray], list[str]]:
    """A chest and two strokes; the drawing after each, and the titles of all steps."""
    paint_a_chest(page)
    add_a_finding(page, "effusion")
    drawn = [bits_of(page)]
    for x in (0.1, 0.3):
        page.get_by_role("application").focus()
        drag(page, (x, 0.1), (x + 0.1, 0.1))
        drawn.append(bits_of(page))
    titles = page.evaluate(STEPS)
    saved(page)
    page.wait_for_function(KEPT)
    return drawn, titles


def takes_back(page: Any, drawn: list[np.ndarray], titles: list[str]) -> None:
    page.wait_for_function(f"window.XREAL?.canvas?.drawing.undoStack.length === {len(titles)}")
    assert page.evaluate(STEPS) == titles
    assert np.array_equal(bits_of(page), drawn[2])
    assert "Undo: brush, finding A" in undo(page)
    assert np.array_equal(bits_of(page), drawn[1])
    undo(page)
    assert np.array_equal(bits_of(page), drawn[0])
    redo(page)
    redo(page)
    assert np.array_equal(bits_of(page), drawn[2])
    for _ in titles:
        undo(page)
    assert not bits_of(page).any() and page.evaluate("XREAL.canvas.summary().findings") == []


def test_a_reload_keeps_what_can_be_taken_back(edit: Any) -> None:
    drawn, titles = draw(edit)

    edit.reload()

    takes_back(edit, drawn, titles)


def test_a_restart_of_the_program_keeps_what_can_be_taken_back(program: Program, page: Any) -> None:
    visit(page, program.url)
    drawn, titles = draw(page)

    program.kill()
    program.start()
    page.reload()

    takes_back(page, drawn, titles)


def test_steps_go_back_to_the_first_that_did_more_than_draw(edit: Any) -> None:
    paint_a_chest(edit)
    edit.evaluate("XREAL.canvas.remember({title: 'x', undo: () => {}, redo: () => {}})")
    edit.get_by_role("application").focus()
    drag(edit, (0.1, 0.1), (0.2, 0.1))
    saved(edit)
    edit.wait_for_function(KEPT)

    edit.reload()

    edit.wait_for_function("window.XREAL?.canvas?.drawing.undoStack.length > 0")
    assert len(edit.evaluate(STEPS)) == 1
