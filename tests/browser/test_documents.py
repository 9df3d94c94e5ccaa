"""Nothing is lost: reloads, kills, lost connections, two tabs; files in and out; one undo stack."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.document.archive import read_project
from engine.images import write_png
from tests.app.served import Served
from tests.browser.program import Program
from tests.browser.test_edit_page import (
    READY,
    add_a_finding,
    choose,
    drag,
    holds,
    open_file,
    paint_a_chest,
    run,
    says,
    states,
)

BITS = "Array.from(XREAL.canvas.drawing.bits)"


def visit(page: Any, url: str) -> Any:
    page.set_default_timeout(60_000)
    page.goto(url)
    ready(page)
    return page


def ready(page: Any) -> None:
    page.wait_for_function(READY)
    page.get_by_text("Embedded models, 256 px").wait_for()
    page.get_by_role("option", name="Left lung").wait_for()


def state_of(page: Any) -> str:
    return page.get_by_role("status", name="Document state").inner_text()


def saved(page: Any) -> None:
    """Wait until all that was done is on the server's disk."""
    page.get_by_role("status", name="Document state").get_by_text(
        re.compile(r"Saved \d\d:\d\d:\d\d")
    ).wait_for()


def drawing_is(page: Any, drawn: list[int]) -> None:
    """Wait until this is drawn; a page that has just been loaded shows nothing at first."""
    wanted = json.dumps(drawn, separators=(",", ":"))
    page.wait_for_function(f"JSON.stringify({BITS}) === '{wanted}'")


def undo(page: Any) -> str:
    """One step back; what the button said it would be."""
    button = page.get_by_role("button", name="Undo", exact=True)
    title = button.get_attribute("title")
    button.click()
    return title


def redo(page: Any) -> None:
    page.get_by_role("button", name="Redo", exact=True).click()


def film(path: Path, side: tuple[int, int] = (128, 128), seed: int = 0) -> Path:
    codes = np.random.default_rng(seed).integers(0, 65536, side)
    write_png(path, (codes / np.float32(65535)).astype(np.float32), bits=16)
    return path


def browser_storage(page: Any) -> tuple[list[str], int]:
    """Keys of the local storage, and how many drawings the browser keeps."""
    return page.evaluate(
        """() => new Promise((done) => {
            const asked = indexedDB.open("xreal-studio", 1);
            asked.onupgradeneeded = () =>
                asked.result.createObjectStore("kept", { keyPath: "doc" });
            asked.onsuccess = () => {
                const count = asked.result.transaction("kept").objectStore("kept").count();
                count.onsuccess = () => {
                    asked.result.close();
                    done([Object.keys(localStorage), count.result]);
                };
            }; })"""
    )


def work(page: Any) -> list[int]:
    """A picture, a finding, a stroke after it, words; saved. The drawing."""
    paint_a_chest(page)
    add_a_finding(page, "effusion")
    run(page)
    says(page, "Done")
    page.get_by_role("option", name="2 Effusion").wait_for()
    page.get_by_role("application").focus()
    drag(page, (0.1, 0.1), (0.2, 0.1))
    page.get_by_role("textbox", name="Report").fill("Small effusion on the left.")
    saved(page)
    return page.evaluate(BITS)


def same_document(page: Any, drawn: list[int]) -> None:
    drawing_is(page, drawn)
    page.wait_for_function("XREAL.canvas.summary().state === '1'")
    page.get_by_role("option", name="2 Effusion").wait_for()
    assert states(page) == ["1 Anatomy", "2 Effusion"]
    assert page.evaluate("XREAL.canvas.summary().findings[0].words") == "effusion"
    holds(page, "#report textarea", "Small effusion on the left.")


def choose_the_first(page: Any) -> None:
    """Look at state 1, and wait until the server has written that down."""
    told = "async () => (await (await fetch('/api/desk')).json()).saved"
    before = page.evaluate(told)
    page.get_by_role("option", name="1 Anatomy").click()
    page.wait_for_function("XREAL.canvas.summary().state === '1'")
    for _ in range(600):
        if page.evaluate(told) != before:
            return
        page.wait_for_timeout(100)
    raise AssertionError("the choice was never written down")


def test_a_killed_program_brings_the_same_document_back(program: Program, page: Any) -> None:
    visit(page, program.url)
    drawn = work(page)
    choose_the_first(page)

    program.kill()
    program.start()
    page.reload()
    ready(page)

    same_document(page, drawn)
    saved(page)
    run(page)  # and it goes on
    says(page, "Done")
    page.get_by_role("option", name="2 Effusion").wait_for()
    assert states(page)[:2] == ["1 Anatomy", "2 Effusion"]


def test_a_closed_browser_finds_its_document_again(served: Served, browser: Any) -> None:
    context = browser.new_context()
    page = visit(context.new_page(), served.url)
    drawn = work(page)
    choose_the_first(page)
    cookies = context.cookies()
    context.close()
    assert all(cookie["expires"] > 0 and cookie["httpOnly"] for cookie in cookies)

    context = browser.new_context()
    context.add_cookies(cookies)
    page = visit(context.new_page(), served.url)
    same_document(page, drawn)
    context.close()


def test_window_zoom_and_what_is_hidden_come_back_too(edit: Any) -> None:
    paint_a_chest(edit)
    edit.get_by_role("combobox", name="Window preset").select_option("Lung")
    edit.get_by_role("button", name="One to one").click()
    edit.get_by_role("button", name="Hide Heart").click()
    saved(edit)
    zoom = edit.evaluate("[XREAL.canvas.view.zoom, XREAL.canvas.view.px, XREAL.canvas.view.py]")

    edit.reload()
    ready(edit)
    edit.wait_for_function("XREAL.canvas.summary().organs[2] > 0")

    edit.get_by_role("button", name="Show Heart").wait_for()
    assert edit.get_by_role("combobox", name="Window preset").input_value() == "Lung"
    again = edit.evaluate("[XREAL.canvas.view.zoom, XREAL.canvas.view.px, XREAL.canvas.view.py]")
    np.testing.assert_allclose(again, zoom, atol=1)


def test_saved_is_said_after_the_write_and_why_it_failed(
    served: Served, edit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from app.document import autosave
    from engine.errors import DiskFull

    assert state_of(edit) == "Empty"

    def full(path: Any, data: bytes) -> None:
        raise DiskFull("x") from OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as broken:
        broken.setattr(autosave, "write_whole", full)
        paint_a_chest(edit)
        assert not state_of(edit).startswith("Saved")
        edit.get_by_text("Not saved: the disk is full").wait_for()
        assert browser_storage(edit)[1] == 1

    saved(edit)
    keys, drawings = browser_storage(edit)
    assert set(keys) <= {"xreal-theme", "xreal-tour"} and drawings == 0


def test_drawing_goes_on_without_the_server_and_is_sent_when_it_returns(
    program: Program, page: Any
) -> None:
    visit(page, program.url)
    work(page)
    program.kill()

    page.get_by_role("application").focus()
    drag(page, (0.3, 0.8), (0.6, 0.8))
    says(page, "Connection lost. Trying again.")
    page.get_by_text("Kept in this browser").wait_for()
    drawn = page.evaluate(BITS)
    assert browser_storage(page)[1] == 1

    program.start()
    saved(page)
    drawing_is(page, drawn)  # Gradio may have loaded the page anew when the server was back
    saved(page)
    assert browser_storage(page)[1] == 0
    page.reload()
    ready(page)
    drawing_is(page, drawn)


def test_a_drawing_kept_in_the_browser_survives_a_reload_of_both(
    program: Program, page: Any
) -> None:
    visit(page, program.url)
    work(page)
    program.kill()
    page.get_by_role("application").focus()
    drag(page, (0.3, 0.8), (0.6, 0.8))
    page.get_by_text("Kept in this browser").wait_for()
    drawn = page.evaluate(BITS)

    page.goto("about:blank")  # the tab was closed meanwhile
    program.start()
    visit(page, program.url)

    drawing_is(page, drawn)
    assert page.evaluate("XREAL.canvas.drawing.undoStack.length") == 1
    saved(page)
    assert browser_storage(page)[1] == 0


def test_a_second_tab_is_read_only_until_it_takes_over(served: Served, edit: Any) -> None:
    drawn = work(edit)
    second = visit(edit.context.new_page(), served.url)
    second.get_by_text("This document is open in another tab.").wait_for()
    second.wait_for_function("XREAL.canvas.summary().organs[0] > 0")
    assert second.evaluate(BITS) == drawn
    assert second.evaluate("document.querySelector('#editor').inert")
    second.keyboard.press("Control+z")
    assert second.evaluate(BITS) == drawn

    edit.bring_to_front()
    edit.get_by_role("application").focus()
    drag(edit, (0.3, 0.8), (0.6, 0.8))
    newer = edit.evaluate(BITS)
    assert newer != drawn
    second.bring_to_front()
    second.get_by_role("button", name="Take over here").click()
    second.get_by_text("This document is open in another tab.").wait_for(state="hidden")
    edit.get_by_text("This document is open in another tab.").wait_for()
    drawing_is(second, newer)
    assert states(second) == ["1 Anatomy", "2 Effusion"]

    second.close()
    edit.get_by_text("This document is open in another tab.").wait_for(state="hidden")


def test_leaving_warns_only_of_what_is_not_kept(edit: Any) -> None:
    asked: list[str] = []
    edit.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    paint_a_chest(edit)
    saved(edit)
    edit.reload()
    ready(edit)
    assert asked == []
    edit.get_by_role("application").focus()
    drag(edit, (0.3, 0.8), (0.6, 0.8))
    edit.reload()
    assert asked == ["beforeunload"]


def downloaded(page: Any, path: Path) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save project").click()
    waiting.value.save_as(path)
    return path


def test_a_project_is_saved_and_opened_with_everything(edit: Any, tmp_path: Path) -> None:
    drawn = work(edit)
    path = downloaded(edit, tmp_path / "anything.bin")
    document = read_project(path)
    assert [state.name for state in document.states] == ["Anatomy", "Effusion"]

    edit.context.clear_cookies()
    edit.goto(edit.url)
    ready(edit)
    assert states(edit) == []
    open_file(edit, path)

    edit.get_by_role("option", name="2 Effusion").wait_for()
    drawing_is(edit, drawn)
    holds(edit, "#report textarea", "Small effusion on the left.")
    saved(edit)
    edit.reload()
    ready(edit)
    edit.get_by_role("option", name="2 Effusion").wait_for()


def test_a_damaged_project_is_a_sentence_and_the_document_stays(edit: Any, tmp_path: Path) -> None:
    drawn = work(edit)
    path = downloaded(edit, tmp_path / "p.zip")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    told = json.loads(members["manifest.json"])
    newer = {**members, "manifest.json": json.dumps({**told, "schema": 99}).encode()}
    broken = {**members, "pictures/1.png": members["pictures/2.png"]}
    for content, said in ((newer, "newer version"), (broken, "a picture (pictures/1.png)")):
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        open_file(edit, path)
        edit.get_by_role("dialog", name="Open file").get_by_role(
            "button", name="New document"
        ).click()
        edit.get_by_role("region", name="Viewport").get_by_text(said).first.wait_for()
        assert edit.evaluate(BITS) == drawn
        assert states(edit) == ["1 Anatomy", "2 Effusion"]


def test_recent_documents_are_restored_and_deleted(edit: Any) -> None:
    drawn = work(edit)
    edit.get_by_role("button", name="New and recent").click()
    edit.get_by_role("menuitem", name="New document").click()
    edit.wait_for_function("XREAL.canvas.summary().empty")
    edit.wait_for_function("document.querySelectorAll('#editor .th').length === 0")
    holds(edit, "#report textarea", "")
    paint_a_chest(edit)
    saved(edit)

    edit.get_by_role("button", name="New and recent").click()
    edit.get_by_role("menuitem", name="Recent projects").click()
    dialog = edit.get_by_role("dialog", name="Recent projects")
    dialog.get_by_role("listitem").nth(1).wait_for()
    assert dialog.get_by_role("listitem").count() == 2
    dialog.get_by_role("button", name="Restore").last.click()
    edit.get_by_role("option", name="2 Effusion").wait_for()
    edit.wait_for_function("XREAL.canvas.summary().findings.length === 1")
    assert edit.evaluate(BITS) == drawn

    edit.get_by_role("button", name="New and recent").click()
    edit.get_by_role("menuitem", name="Recent projects").click()
    delete = dialog.get_by_role("button", name="Delete").and_(edit.locator(":enabled"))
    delete.click()
    delete.click()
    edit.wait_for_function("document.querySelectorAll('#recent li').length === 1")


def test_a_deleted_state_comes_back_with_undo(edit: Any) -> None:
    work(edit)
    edit.get_by_role("option", name="2 Effusion").click()
    edit.get_by_role("button", name="Delete state").click()
    edit.wait_for_function("document.querySelectorAll('#editor .th').length === 1")

    assert "delete state 2" in undo(edit)
    edit.get_by_role("option", name="2 Effusion").wait_for()
    edit.wait_for_function("XREAL.canvas.summary().state === '2'")
    redo(edit)
    edit.wait_for_function("document.querySelectorAll('#editor .th').length === 1")
    undo(edit)
    edit.get_by_role("option", name="2 Effusion").wait_for()


def test_one_stack_takes_back_strokes_reports_and_files(edit: Any, tmp_path: Path) -> None:
    report = edit.get_by_role("textbox", name="Report")
    paint_a_chest(edit)
    chest = edit.evaluate(BITS)
    report.click()
    edit.keyboard.type("Effusion.")
    edit.get_by_role("application").focus()
    open_file(edit, film(tmp_path / "film.png", (128, 96)))
    edit.get_by_role("dialog").get_by_role("button", name="Use as picture").click()
    edit.get_by_role("option", name="1 Opened").wait_for()
    edit.wait_for_function("XREAL.canvas.drawing.w === 96")
    assert "open picture" in undo(edit)
    edit.wait_for_function("XREAL.canvas.drawing.w === 256")
    assert edit.evaluate(BITS) == chest
    edit.wait_for_function("!document.querySelector('#editor .th[aria-label=\"State 1 Opened\"]')")
    assert "report" in undo(edit)
    assert report.input_value() == ""
    for _ in range(3):
        undo(edit)
    assert edit.evaluate("XREAL.canvas.summary().empty")
    redo(edit)
    redo(edit)
    redo(edit)
    assert edit.evaluate(BITS) == chest
    redo(edit)
    assert report.input_value() == "Effusion."
    redo(edit)
    edit.get_by_role("option", name="1 Opened").wait_for()
    edit.wait_for_function("XREAL.canvas.drawing.w === 96")


def test_what_was_accepted_or_discarded_is_a_proposal_again(edit: Any, tmp_path: Path) -> None:
    open_file(edit, film(tmp_path / "film.png"))
    edit.get_by_role("option", name="1 Opened").wait_for()
    choose(edit, "Erase")
    edit.get_by_role("application").focus()
    drag(edit, (0.4, 0.4), (0.6, 0.5))
    area = edit.evaluate(BITS)
    run(edit, "Erase")
    edit.get_by_role("button", name="Accept").click()
    edit.wait_for_function("XREAL.canvas.summary().erase === 0")
    assert "accept state 2" in undo(edit)
    edit.get_by_role("button", name="Accept").wait_for()
    assert edit.evaluate(BITS) == area
    edit.get_by_role("button", name="Discard").click()
    edit.wait_for_function("document.querySelectorAll('#editor .th').length === 1")
    assert "discard state 2" in undo(edit)
    edit.get_by_role("button", name="Accept").wait_for()
    assert "area" in undo(edit)


def test_a_hundred_steps_and_the_keys_anywhere(edit: Any) -> None:
    edit.get_by_role("application").focus()
    for _ in range(60):
        edit.keyboard.press("n")
        edit.evaluate("XREAL.canvas.remember({title: 'x', undo: () => {}, redo: () => {}})")
        if edit.evaluate("XREAL.canvas.summary().findings.length") == 24:
            break
    for number in range(110):
        edit.evaluate(
            f"XREAL.canvas.remember({{ title: 'step {number}',"
            f" undo: () => {{ window.at = {number}; }}, redo: () => {{}} }})"
        )
    edit.get_by_role("button", name="Export", exact=True).focus()  # not the picture
    for _ in range(110):
        edit.keyboard.press("Control+z")
    assert edit.evaluate("window.at") == 0
    edit.keyboard.press("Control+y")
    assert edit.evaluate("XREAL.canvas.drawing.redoStack.length") == 109


def test_the_text_box_keeps_its_own_undo(edit: Any) -> None:
    paint_a_chest(edit)
    drawn = edit.evaluate(BITS)
    edit.get_by_role("textbox", name="Report").click()
    edit.keyboard.type("Effusion")
    edit.keyboard.press("Control+z")
    assert edit.get_by_role("textbox", name="Report").input_value() != "Effusion"
    assert edit.evaluate(BITS) == drawn
