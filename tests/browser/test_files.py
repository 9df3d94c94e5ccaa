"""Files dropped, chosen and exported in a real browser: each kind, wrong ones, several at once."""

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.api import GenerateRequest, Sampling
from engine.images import write_organs, write_png
from engine.provenance import recipe_of
from tests.app.fake_engine import HASHES
from tests.app.served import Served
from tests.browser.test_documents import (
    BITS,
    drawing_is,
    film,
    ready,
    saved,
    undo,
    work,
)
from tests.browser.test_edit_page import (
    choose,
    open_file,
    paint_a_chest,
    says_in_view,
    states,
)

DROP = """async ([names, contents]) => {
    const carried = new DataTransfer();
    names.forEach((name, k) => carried.items.add(
        new File([Uint8Array.from(atob(contents[k]), (c) => c.charCodeAt(0))], name)));
    const where = document.querySelector("#editor .over");
    for (const kind of ["dragenter", "dragover", "drop"]) where.dispatchEvent(
        new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
}"""


def drop(page: Any, *paths: Path) -> None:
    contents = [base64.b64encode(path.read_bytes()).decode() for path in paths]
    page.evaluate(DROP, [[path.name for path in paths], contents])


def asked(page: Any, way: str) -> None:
    page.get_by_role("dialog", name="Open file").get_by_role("button", name=way).click()


def region(
    path: Path, side: int = 256, where: tuple[int, int, int, int] = (20, 60, 30, 90)
) -> Path:
    mask = np.zeros((side, side), np.float32)
    top, bottom, left, right = where
    mask[top:bottom, left:right] = 1
    write_png(path, mask, bits=8)
    return path


def bits(page: Any) -> np.ndarray:
    size = page.evaluate("[XREAL.canvas.drawing.h, XREAL.canvas.drawing.w]")
    return np.array(page.evaluate(BITS), np.uint32).reshape(size)


@pytest.mark.parametrize("kind", ["png8", "png16", "tiff16", "jpeg"])
def test_each_kind_of_picture_opens_where_it_is_dropped(
    edit: Any, tmp_path: Path, kind: str
) -> None:
    codes = np.random.default_rng(3).integers(0, 65536, (96, 128)).astype(np.uint16)
    path = tmp_path / "a file without an ending"
    if kind == "png8":
        Image.fromarray((codes >> 8).astype(np.uint8)).save(path, "png")
    elif kind == "jpeg":
        Image.fromarray((codes >> 8).astype(np.uint8)).save(path, "jpeg", quality=100)
    else:
        Image.fromarray(codes).save(path, "png" if kind == "png16" else "tiff")

    drop(edit, path)

    edit.get_by_text("Real picture - not for diagnosis").wait_for()
    assert states(edit) == ["1 Opened"]
    shown = Image.open(io.BytesIO(edit.request.get(f"{edit.url}api/states/1.png").body()))
    assert shown.size == (128, 96)
    if kind.endswith("16"):
        assert len(np.unique(np.array(shown))) == 256  # not clipped to black and white


def test_a_drop_on_a_document_asks_and_cancel_changes_nothing(edit: Any, tmp_path: Path) -> None:
    drawn = work(edit)
    path = film(tmp_path / "film.png")
    drop(edit, path)
    asked(edit, "Cancel")
    assert states(edit) == ["1 Anatomy", "2 Effusion"]

    drop(edit, path)
    asked(edit, "Use as picture")
    edit.get_by_role("option", name="3 Opened").wait_for()
    assert "open picture" in undo(edit)
    edit.wait_for_function("document.querySelectorAll('#editor .th').length === 2")
    drawing_is(edit, drawn)

    drop(edit, path)
    asked(edit, "New document")
    edit.get_by_role("option", name="1 Opened").wait_for()
    assert states(edit) == ["1 Opened"]
    edit.wait_for_function("document.querySelector('#report textarea').value === ''")


def test_masks_leave_and_come_back_with_the_same_bits(edit: Any, tmp_path: Path) -> None:
    drawn = work(edit)
    edit.get_by_role("button", name="Export", exact=True).click()
    edit.locator("#export-format").get_by_text("Masks").click()
    with edit.expect_download() as waiting:
        edit.get_by_role("button", name="Download").click()
    path = tmp_path / "x"
    waiting.value.save_as(path)
    with zipfile.ZipFile(path) as archive:
        assert {"left_lung.png", "finding_A.png", "index.png"} <= set(archive.namelist())

    edit.get_by_role("button", name="New and recent").click()
    edit.get_by_role("menuitem", name="New document").click()
    edit.wait_for_function("XREAL.canvas.summary().empty")
    drop(edit, path)
    drawing_is(edit, drawn)
    assert edit.evaluate("XREAL.canvas.summary().findings[0].words") == "effusion"
    assert "add mask" in undo(edit)
    assert edit.evaluate("XREAL.canvas.summary().empty")


def test_a_mask_is_the_label_that_its_name_says_or_that_is_chosen(
    edit: Any, tmp_path: Path
) -> None:
    paint_a_chest(edit)
    before = bits(edit)
    drop(edit, region(tmp_path / "right lung.png"))
    asked(edit, "Add as mask")
    edit.wait_for_function(f"XREAL.canvas.summary().organs[1] === {40 * 60}")
    drop(edit, region(tmp_path / "unnamed.png"))
    edit.get_by_role("combobox", name="Label of unnamed.png").select_option("New finding")
    asked(edit, "Add as mask")
    edit.wait_for_function("XREAL.canvas.summary().findings.length === 1")
    after = bits(edit)
    assert (after >> 4 & 1).sum() == 40 * 60
    np.testing.assert_array_equal(after & ~np.uint32(0b10010), before & ~np.uint32(0b10))

    drop(edit, region(tmp_path / "heart.png"), region(tmp_path / "left_lung.png"))
    edit.wait_for_function(f"XREAL.canvas.summary().organs[0] === {40 * 60}")
    assert edit.evaluate("XREAL.canvas.summary().organs[2]") == 40 * 60
    assert "add 2 masks" in undo(edit)


def test_an_index_map_and_an_npz_are_organs(edit: Any, tmp_path: Path) -> None:
    organs = np.zeros((256, 256), np.uint8)
    organs[50:150, 150:200], organs[50:150, 40:90], organs[120:160, 100:150] = 1, 2, 3
    write_organs(tmp_path / "map.png", organs)
    drop(edit, tmp_path / "map.png")
    edit.wait_for_function("XREAL.canvas.summary().organs[0] === 5000")
    undo(edit)
    np.savez(tmp_path / "a.npz", organs=organs)
    drop(edit, tmp_path / "a.npz")
    edit.wait_for_function("XREAL.canvas.summary().organs[0] === 5000")
    assert edit.evaluate("XREAL.canvas.summary().organs[2]") == 40 * 50


def test_a_mask_of_another_size_is_brought_or_refused(edit: Any, tmp_path: Path) -> None:
    open_file(edit, film(tmp_path / "film.png"))
    edit.get_by_role("option", name="1 Opened").wait_for()
    drop(edit, region(tmp_path / "heart.png"))
    asked(edit, "Add as mask")
    says_in_view(edit, "brought to the size of the picture")
    edit.wait_for_function(f"XREAL.canvas.summary().organs[2] === {20 * 30}")
    mask = np.zeros((64, 256), np.float32)
    mask[3:9, 3:9] = 1
    write_png(tmp_path / "aorta.png", mask, bits=8)
    drop(edit, tmp_path / "aorta.png")
    asked(edit, "Add as mask")
    says_in_view(edit, "it belongs to another picture")
    assert edit.evaluate("XREAL.canvas.summary().organs[3]") == 0


def test_a_recipe_brings_words_verb_and_seed(edit: Any, tmp_path: Path) -> None:
    paint_a_chest(edit)
    drawn = edit.evaluate(BITS)
    request = GenerateRequest(report="Large heart.", sampling=Sampling(seed=41207))
    path = tmp_path / "recipe"
    path.write_text(json.dumps(recipe_of(request, "fake", HASHES)), "utf-8")
    choose(edit, "Erase")
    drop(edit, path)
    says_in_view(edit, "Words, seed and settings are those of the recipe")
    report = edit.get_by_role("textbox", name="Report")
    edit.wait_for_function("document.querySelector('#report textarea').value === 'Large heart.'")
    assert edit.evaluate(BITS) == drawn
    undo(edit)
    edit.wait_for_function("document.querySelector('#report textarea').value === ''")
    assert report.input_value() == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a text", "not a picture that can be read"),
        (b"%PDF-1.7", "a PDF document"),
        (b"", "The file is empty"),
        (b"\x89PNG\r\n\x1a\n broken", "damaged"),
        (bytes(128) + b"DICM" + bytes(99), "The DICOM file is damaged"),
        (b"PK\x03\x04 broken", "cut off or damaged"),
    ],
)
def test_a_wrong_file_is_one_sentence_and_nothing_is_lost(
    edit: Any, tmp_path: Path, content: bytes, said: str
) -> None:
    paint_a_chest(edit)
    drawn = edit.evaluate(BITS)
    (tmp_path / "film.png").write_bytes(content)
    drop(edit, tmp_path / "film.png")
    says_in_view(edit, said)
    assert edit.evaluate(BITS) == drawn and states(edit) == []


def test_files_that_do_not_go_together_are_a_sentence(edit: Any, tmp_path: Path) -> None:
    drop(edit, film(tmp_path / "a.png"), film(tmp_path / "b.png", seed=1))
    says_in_view(edit, "Open the others one at a time.")
    assert states(edit) == []


def test_the_panel_comes_back_as_it_was_left(served: Served, edit: Any) -> None:
    choose(edit, "Outpaint")
    edit.get_by_role("spinbutton", name="Add at top").fill("24")
    edit.get_by_role("spinbutton", name="Add at top").press("Tab")
    choose(edit, "Insert")
    paint_a_chest(edit)
    saved(edit)
    choose(edit, "Outpaint")
    (cookie,) = (c for c in edit.context.cookies() if c["name"].startswith("xreal_session"))
    session = served.desk.sessions.of(cookie["value"])
    for _ in range(600):  # until the server has heard of it
        if session.form is not None and session.form.verb == "Outpaint":
            break
        edit.wait_for_timeout(100)

    edit.reload()
    ready(edit)

    edit.wait_for_function("document.querySelector('#add-top input').value === '24'")
    verb = edit.locator("#verb").get_by_role("radio", name="Outpaint")
    edit.wait_for_function("document.querySelector('#verb input:checked').value === 'Outpaint'")
    assert verb.is_checked()
