"""Several films at once in a real browser: listed without a name, chosen with the keyboard."""

import base64
from pathlib import Path
from typing import Any

from tests.app.served import Served
from tests.browser.test_edit_page import states
from tests.browser.test_files import drop
from tests.engine.dicom.films import chest, film

NAME = "DOE^JOHN"


def two_films_and_a_text(folder: Path) -> list[Path]:
    folder.mkdir()
    large = film(chest(96, 80), ViewPosition="PA", PatientName=NAME)
    contents = {"a": film(ViewPosition="LL", PatientName=NAME), "b": b"a text", "c": large}
    for name, content in contents.items():
        (folder / f"{NAME} {name}").write_bytes(content)
    return sorted(folder.iterdir())


def dialog(page: Any) -> Any:
    return page.get_by_role("dialog", name="Films found")


def test_of_three_files_the_second_film_is_opened_with_the_keyboard(
    served: Served, edit: Any, tmp_path: Path
) -> None:
    drop(edit, *two_films_and_a_text(tmp_path / "films"))
    dialog(edit).get_by_text("2 films found.").wait_for()
    found = dialog(edit)
    names = [row.get_attribute("aria-label") for row in found.locator(".films button").all()]
    assert names == ["Film 1: CR, LL, 40 x 48 px, 12 bits", "Film 2: CR, PA, 80 x 96 px, 12 bits"]
    said = found.inner_text()
    assert "1 file is not a film that can be opened: This is not a picture" in said
    assert NAME not in found.inner_html()
    assert not list(served.desk.uploads.folder.glob("*"))

    edit.keyboard.press("ArrowDown")
    edit.keyboard.press("Enter")

    edit.get_by_role("option", name="1 Opened").wait_for()
    edit.get_by_text("Real picture - not for diagnosis").wait_for()
    assert not found.is_visible()
    edit.get_by_role("button", name="Words in the film").wait_for()
    assert edit.evaluate("[XREAL.canvas.drawing.w, XREAL.canvas.drawing.h]") == [80, 96]


def test_a_folder_is_chosen_from_the_menu_and_escape_opens_nothing(
    edit: Any, tmp_path: Path
) -> None:
    two_films_and_a_text(tmp_path / "films")
    edit.get_by_role("button", name="New and recent").click()
    with edit.expect_file_chooser() as waiting:
        edit.get_by_role("menuitem", name="Open folder").click()
    waiting.value.set_files(tmp_path / "films")
    dialog(edit).get_by_text("2 films found.").wait_for()

    edit.keyboard.press("Escape")

    dialog(edit).wait_for(state="hidden")
    assert states(edit) == []


def test_a_folder_that_is_dropped_is_listed_with_what_lies_in_it(edit: Any, tmp_path: Path) -> None:
    """By the browser itself: a drop that a script makes has no folders."""
    two_films_and_a_text(tmp_path / "films")
    talk = edit.context.new_cdp_session(edit)
    carried = {"items": [], "files": [str(tmp_path / "films")], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        talk.send("Input.dispatchDragEvent", {"type": kind, "x": 500, "y": 450, "data": carried})

    dialog(edit).get_by_text("2 films found.").wait_for()
    assert dialog(edit).get_by_text("1 file is not a film").is_visible()


ENTRIES = """(contents) => {
    const file = (k) => ({ isFile: true, fullPath: `/f/${k}`, file: (done) => done(
        new File([Uint8Array.from(atob(contents), (c) => c.charCodeAt(0))], `${k}`)) });
    const reader = (left) => ({ readEntries: (done) => done(left.splice(0, 100)) });
    const folder = (count) => ({ isDirectory: true, createReader: () =>
        reader(Array.from({ length: count }, (_, k) => file(k))) });
    window.dropped = (count) => document.dispatchEvent(new CustomEvent("xreal", {
        cancelable: true, detail: { kind: "folder", entries: [folder(count)] } }));
}"""


def test_more_than_200_files_are_a_sentence(edit: Any) -> None:
    edit.evaluate(ENTRIES, base64.b64encode(film()).decode())
    edit.evaluate("dropped(201)")
    edit.get_by_text("More than 200 files cannot be listed together").first.wait_for()
    assert not dialog(edit).is_visible()

    edit.evaluate("dropped(2)")

    dialog(edit).get_by_text("2 films found.").wait_for()
    dialog(edit).get_by_role("button", name="Film 2: CR, view not stated").wait_for()
