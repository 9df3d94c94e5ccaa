"""Words in a film, in a real browser: seen, blacked out, and only then does anything leave."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from engine.images import read_image
from tests.app.test_words import lettered
from tests.browser.test_edit_page import READY, choose, drag, open_file, run
from tests.browser.test_files import drop
from tests.engine.dicom.films import film

LOOKED = "XREAL.page.look().then(() => XREAL.page.engine().look === 0)"


def opened(edit: Any, tmp_path: Path, **changes: Any) -> Any:
    (tmp_path / "film").write_bytes(film(lettered(), **changes))
    drop(edit, tmp_path / "film")
    edit.get_by_text("Real picture - not for diagnosis").wait_for()
    return edit.get_by_role("dialog", name="Words in the film")


def shown(edit: Any, number: int) -> np.ndarray:
    data = edit.request.get(f"{edit.url}api/states/{number}.png").body()
    return read_image(data).pixels


@pytest.mark.case(46)
def test_words_are_blacked_out_before_an_edited_film_leaves_as_dicom(
    edit: Any, tmp_path: Path
) -> None:
    dialog = opened(edit, tmp_path, BurnedInAnnotation="YES")
    choose(edit, "Erase")
    edit.get_by_role("application").focus()
    drag(edit, (0.4, 0.6), (0.6, 0.7))
    run(edit, "Erase")
    edit.get_by_role("button", name="Accept").click()
    edit.get_by_role("button", name="Accept").wait_for(state="hidden")

    edit.get_by_role("button", name="Export", exact=True).click()
    edit.locator("#export-format").get_by_text("DICOM").click()
    edit.wait_for_function("!document.querySelector('#export-look').hidden")
    assert edit.locator("#export-download").get_attribute("aria-disabled") == "true"
    edit.get_by_role("button", name="Look at the film").click()
    done = edit.locator("#words-done")
    edit.wait_for_function("document.querySelectorAll('#words-places input').length > 0")
    assert done.get_attribute("aria-disabled") == "true"  # the file says that there are words
    for box in dialog.get_by_role("checkbox").all():
        box.check()
    done.click()

    export = edit.get_by_role("dialog", name="Export")
    export.get_by_text("Words in the film: blacked out").wait_for()
    export.get_by_text("12 bits a pixel").wait_for()
    export.get_by_role("checkbox", name="Masks").check()
    edit.wait_for_function("document.querySelector('#export-name').textContent.endsWith('.zip')")
    with edit.expect_download() as waiting:
        edit.get_by_role("button", name="Download").click()
    waiting.value.save_as(tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        picture, masks = (archive.read(name) for name in archive.namelist())
    assert (read_image(picture).pixels[26:36, 20:100] == 0).all()
    assert pydicom.dcmread(io.BytesIO(masks)).Modality == "SEG"
    assert (shown(edit, 1)[26:36, 20:100] == 0).all()


@pytest.mark.case(46)
def test_a_place_of_ones_own_is_drawn_moved_by_keys_and_blacked_out(
    edit: Any, tmp_path: Path
) -> None:
    dialog = opened(edit, tmp_path)
    edit.get_by_role("button", name="Words in the film").click()
    edit.wait_for_function("document.querySelectorAll('#words-film button.place').length > 0")
    before = edit.locator("#words-film button.place").count()
    sheet = edit.locator("#words-picture").bounding_box()

    def at(across: float, down: float) -> tuple[float, float]:
        return sheet["x"] + across * sheet["width"], sheet["y"] + down * sheet["height"]

    edit.mouse.move(*at(0.25, 0.5))
    edit.mouse.down()
    edit.mouse.move(*at(0.75, 0.75), steps=4)
    edit.mouse.up()
    assert edit.locator("#words-film button.place").count() == before + 1
    edit.keyboard.press("ArrowDown")
    dialog.get_by_role("button", name="Black out 1 place").click()
    dialog.wait_for(state="hidden")
    edit.wait_for_function(LOOKED)

    dark = shown(edit, 1) == 0
    rows, columns = np.flatnonzero(dark.all(1)), dark[100:140]
    assert rows.size == 0  # not whole rows, and about the half of the width that was drawn
    width = columns.any(0).sum()
    assert abs(width - 80) <= 3 and dark[110, 80] and dark[140, 80]


@pytest.mark.case(46)
def test_a_project_waits_for_the_look_and_then_leaves_by_itself(edit: Any, tmp_path: Path) -> None:
    opened(edit, tmp_path)
    edit.get_by_role("button", name="Save project").click()
    with edit.expect_download() as waiting:
        edit.get_by_role("button", name="Nothing names anybody").click()
    waiting.value.save_as(tmp_path / "project.zip")

    edit.get_by_role("button", name="Words in the film").wait_for(state="hidden")
    edit.context.clear_cookies()
    edit.goto(edit.url)
    edit.wait_for_function(READY)  # before that nothing hears that a file was chosen
    open_file(edit, tmp_path / "project.zip")
    edit.get_by_text("Real picture - not for diagnosis").wait_for()
    edit.wait_for_function(LOOKED)  # the decision came along


def test_the_message_that_asks_for_a_look_goes_with_the_look_or_a_click(
    edit: Any, tmp_path: Path
) -> None:
    dialog = opened(edit, tmp_path)
    asks = edit.get_by_text("Before anything is exported, look")
    asks.wait_for()
    edit.get_by_role("button", name="Words in the film").click()
    dialog.get_by_role("button", name="Later").click()
    asks.wait_for(state="hidden")
    edit.get_by_role("button", name="Words in the film").wait_for()  # the bar still says so

    edit.get_by_role("button", name="Export", exact=True).click()
    assert edit.get_by_role("radio", name="PNG, 16 bit").is_disabled()
    edit.get_by_text("opened and not changed yet: PNG, DICOM and recipe").wait_for()  # and why
    edit.keyboard.press("Escape")
    edit.evaluate("XREAL.canvas.note({ title: 'Something else.' })")
    edit.get_by_role("button", name="Close message").click()
    edit.get_by_text("Something else.").wait_for(state="hidden")
