"""What was drawn can be taken back after a reload of the page and a restart of the program."""

from typing import Any

import numpy as np

from engine.images import write_png
from tests.browser.canvas_driver import bits_of
from tests.browser.program import Program
from tests.browser.test_documents import redo, saved, undo, visit
from tests.browser.test_edit_page import (
    add_a_finding,
    drag,
    open_file,
    paint_a_chest,
    run,
    says,
    states,
)

KEPT = """async () => { for (const end = Date.now() + 60000; Date.now() < end;) {
    const { doc, rev, packed } = await XREAL.canvas.steps();
    const kept = await (await fetch(`/api/steps?doc=${doc}&rev=${rev}`)).arrayBuffer();
    if (String(new Uint8Array(kept)) === String(packed)) return;
    await new Promise((later) => setTimeout(later, 50)); }
    throw new Error("The steps of this moment are not on the server."); }"""
HOLD = """() => { navigator.locks.request("xreal-studio-document",
    () => new Promise((done) => { window.go = done; })); }"""  # as a page just left does
STEPS = "XREAL.canvas.drawing.undoStack.map((step) => step.title)"


def kept(page: Any) -> None:
    """Wait until the drawing is saved, and with it all that can be taken back now."""
    saved(page)
    page.evaluate(KEPT)


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
    kept(page)
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


def test_a_report_and_a_run_hide_nothing_that_was_drawn_before_them(edit: Any) -> None:
    paint_a_chest(edit)
    drawn = bits_of(edit)
    add_a_finding(edit, "effusion")
    report = edit.locator("#report textarea")
    report.press_sequentially("PA view.")
    run(edit)
    says(edit, "Done")
    titles = edit.evaluate(STEPS)
    assert "report" in titles
    kept(edit)

    edit.reload()

    edit.wait_for_function(f"window.XREAL?.canvas?.drawing.undoStack.length === {len(titles)}")
    assert edit.evaluate(STEPS) == titles
    assert "Undo: report" in undo(edit)
    edit.wait_for_function("document.querySelector('#report textarea').value === ''")
    while len(edit.evaluate(STEPS)) > titles.index("add finding A"):
        undo(edit)
    assert np.array_equal(bits_of(edit), drawn)
    assert states(edit) == ["1 Anatomy", "2 Effusion"]  # a run is not taken back by drawing steps
    while edit.evaluate("XREAL.canvas.drawing.redoStack.length"):
        redo(edit)
    edit.wait_for_function("document.querySelector('#report textarea').value === 'PA view.'")


def test_a_picture_that_was_opened_goes_and_comes_with_its_step_after_a_reload(
    edit: Any, tmp_path: Any
) -> None:
    paint_a_chest(edit)
    write_png(tmp_path / "film.png", np.full((120, 160), 0.5, np.float32), 16)
    open_file(edit, tmp_path / "film.png")
    edit.get_by_role("button", name="Use as picture").click()
    edit.get_by_role("option", name="1 Opened").wait_for()
    edit.wait_for_function("XREAL.canvas.summary().w === 160")
    titles = edit.evaluate(STEPS)
    kept(edit)

    edit.reload()

    edit.wait_for_function(f"window.XREAL?.canvas?.drawing.undoStack.length === {len(titles)}")
    assert "open picture" in undo(edit)
    edit.wait_for_function("XREAL.canvas.summary().w === 256 && XREAL.canvas.summary().organs[0]")
    edit.get_by_role("option", name="1 Opened").wait_for(state="detached")
    assert states(edit) == []
    redo(edit)
    edit.get_by_role("option", name="1 Opened").wait_for()
    edit.wait_for_function("XREAL.canvas.summary().w === 160")


def test_a_page_that_waits_for_another_tab_has_its_steps_in_the_end(edit: Any) -> None:
    drawn, titles = draw(edit)
    other = edit.context.new_page()
    other.goto(edit.url + "api/about")
    other.evaluate(HOLD)

    edit.reload()
    edit.locator("body.read-only").wait_for(state="attached")
    edit.wait_for_function("XREAL.canvas.drawing.rev > 0")
    before = edit.evaluate("XREAL.canvas.drawing.restarts")
    other.evaluate("window.go()")
    edit.wait_for_function(f"XREAL.canvas.drawing.restarts > {before}")  # it is shown anew

    takes_back(edit, drawn, titles)


def test_steps_go_back_to_the_first_that_did_more_than_draw(edit: Any) -> None:
    paint_a_chest(edit)
    edit.evaluate("XREAL.canvas.remember({title: 'x', undo: () => {}, redo: () => {}})")
    edit.get_by_role("application").focus()
    drag(edit, (0.1, 0.1), (0.2, 0.1))
    kept(edit)

    edit.reload()

    edit.wait_for_function("window.XREAL?.canvas?.drawing.undoStack.length > 0")
    assert len(edit.evaluate(STEPS)) == 1
