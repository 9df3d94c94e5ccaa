"""Runs as a person sees them: zones counted, several pictures, proposals, the queue, failures."""

from typing import Any

import numpy as np
import pytest

from engine.api import InsertRequest
from engine.errors import OutOfMemory
from engine.images import write_png
from tests.app.served import Served
from tests.browser.canvas_driver import bits_of
from tests.browser.test_edit_page import (
    add_a_finding,
    choose,
    drag,
    open_file,
    picture,
    run,
    says,
    states,
)
from tests.browser.test_request_panel import ready


@pytest.fixture
def edit(served: Served, page: Any) -> Any:
    served.engine.release()
    served.engine.fails_with = None
    ready(page, served)
    yield page
    served.engine.release()
    served.engine.fails_with = None


@pytest.fixture
def film(edit: Any, tmp_path: Any) -> Any:
    """A picture of 128 px is open."""
    write_png(tmp_path / "film.png", np.full((128, 128), 0.5, np.float32), bits=8)
    open_file(edit, tmp_path / "film.png")
    edit.get_by_role("option", name="1 Opened").wait_for()
    edit.wait_for_function("XREAL.canvas.summary().w === 128")
    return edit


def counted(page: Any) -> int:
    """The pixels that may change, as the panel tells them."""
    size = page.get_by_role("status", name="Zone size")
    size.get_by_text("px").wait_for()
    return int(size.inner_text().split(" px")[0].replace(",", ""))


def set_slider(page: Any, name: str, value: int) -> None:
    box = page.get_by_role("spinbutton", name=name)
    box.fill(str(value))
    box.press("Enter")


def pick_variations(page: Any, text: str) -> None:
    page.get_by_role("listbox", name="Variations").or_(
        page.locator("#variations input")
    ).first.click()
    page.get_by_role("option", name=text).click()


def test_what_changes_is_what_was_counted_before_the_run(served: Served, film: Any) -> None:
    add_a_finding(film, "effusion")
    choose(film, "Insert")
    painted = counted(film)
    assert painted == (bits_of(film) >> 4 & 1).sum()
    set_slider(film, "Grow region", 4)
    film.wait_for_function(
        f"!document.querySelector('#insert-zone').innerText.includes('{painted} px')"
    )
    grown = counted(film)
    before = picture(film, 1)
    run(film, "Insert")
    says(film, f"{grown:,} px changed, none outside the zone")

    request = served.engine.requests[-1]
    assert isinstance(request, InsertRequest) and request.grow == 4
    film.get_by_role("option", name="2 Effusion").wait_for()
    assert (before != picture(film, 2)).sum() == grown > painted
    status = film.get_by_role("status", name="Run status")
    assert "px changed" in status.inner_text()
    choose(film, "Erase")
    assert status.inner_text() == ""  # what was inserted is no news of an erasure


def test_a_finding_has_a_strength_of_its_own(served: Served, film: Any) -> None:
    add_a_finding(film, "effusion")
    choose(film, "Insert")
    slider = film.get_by_role("slider", name="Strength")
    slider.wait_for()
    assert slider.input_value() == "1"
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    film.wait_for_function("XREAL.canvas.summary().findings[0].strength === 1.2")
    film.get_by_text("1.2 x", exact=True).wait_for()
    run(film, "Insert")
    film.get_by_role("option", name="2 Effusion").wait_for()

    request = served.engine.requests[-1]
    assert isinstance(request, InsertRequest) and request.findings[0].strength == 1.2
    film.get_by_role("button", name="Undo", exact=True).click()
    film.get_by_text("1.1 x", exact=True).wait_for()
    film.get_by_role("combobox", name="Words of finding A").fill("pneumothorax")
    slider.wait_for(state="hidden")  # the models know no usual density of it


def test_ignored_words_are_named_and_denied_findings_refused_before_the_run(film: Any) -> None:
    add_a_finding(film, "effusion with meniscus")
    choose(film, "Insert")
    film.get_by_text('Other words are ignored: "meniscus"').wait_for()
    box = film.get_by_role("textbox", name="Words", exact=True)
    box.fill("no effusion")
    film.get_by_role("status", name="Words read").get_by_text("says what is absent").wait_for()
    button = film.get_by_role("button", name="Insert", exact=True)
    film.wait_for_function(
        "document.querySelector('#run').getAttribute('aria-disabled') === 'true'"
    )
    assert "says what is absent" in (button.get_attribute("title") or "")


def test_a_side_against_the_drawing_is_warned_of(film: Any) -> None:
    film.get_by_role("application").focus()
    for key, x in (("1", 0.72), ("2", 0.28)):
        film.get_by_role("application").focus()
        film.keyboard.press(key)
        drag(film, (x, 0.3), (x, 0.7))
    add_a_finding(film, "effusion")
    choose(film, "Insert")
    side = film.get_by_role("combobox", name="Side")
    film.wait_for_function(
        "document.querySelector('#side').options[0].text === 'Left (from drawing)'"
    )
    side.select_option("right")
    film.get_by_text("The words say right, but the region lies left.").wait_for()
    assert film.get_by_role("textbox", name="Words", exact=True).input_value() == "effusion right"
    side.select_option("")
    film.wait_for_function("document.querySelector('#place-warning').textContent === ''")


def test_two_findings_are_two_states_and_their_order_can_be_changed(film: Any) -> None:
    add_a_finding(film, "effusion")
    film.get_by_role("button", name="Add", exact=True).click()
    drag(film, (0.3, 0.3), (0.32, 0.35))
    film.get_by_role("combobox", name="Words of finding B").fill("pneumothorax")
    film.get_by_role("combobox", name="Words of finding B").press("Enter")
    choose(film, "Insert")
    film.get_by_text("A, B in this order.").wait_for()
    film.get_by_role("button", name="Finding B: more").click()
    film.get_by_role("menuitem", name="Move up").click()
    film.get_by_text("B, A in this order.").wait_for()
    run(film, "Insert")
    says(film, "Done")
    film.get_by_role("option", name="3 Effusion").wait_for()
    film.get_by_role("option", name="3 Effusion").wait_for()
    assert states(film) == ["1 Opened", "2 Pneumothorax", "3 Effusion"]

    film.get_by_role("button", name="Finding A: more").click()
    film.get_by_role("menuitem", name="Make this one again").click()
    film.get_by_role("option", name="4 Effusion").wait_for()
    says(film, "Done")


@pytest.mark.parametrize(("how", "chosen"), [("2", "2"), ("click", "3"), ("Escape", "1")])
def test_one_of_several_pictures_is_chosen_and_all_are_kept(
    edit: Any, how: str, chosen: str
) -> None:
    pick_variations(edit, "x 4")
    run(edit)
    grid = edit.get_by_role("listbox", name="Variations", exact=True).filter(
        has=edit.locator("img")
    )
    says(edit, "Done")
    edit.wait_for_function("document.querySelectorAll('.grid button.done').length === 4")
    grid.get_by_role("option").nth(3).wait_for()
    assert grid.get_by_role("option").count() == 4
    seeds = [edit.request.get(f"{edit.url}api/states/{n}/recipe").json()["parameters"]["sampling"]
             ["seed"] for n in (1, 2, 3, 4)]  # fmt: skip
    assert grid.locator(".grid-seed").all_inner_texts() == [f"seed {seed}" for seed in seeds]
    if how == "click":
        edit.get_by_role("option", name="Picture 3").click()
    else:
        edit.keyboard.press(how)
    edit.wait_for_function(f"XREAL.canvas.summary().state === '{chosen}'")
    assert edit.locator(".grid-cover").is_hidden()
    assert len(states(edit)) == 4
    assert edit.locator("#editor .th em.r").all_inner_texts() == ["x4"] * 4


def test_the_grid_is_worked_by_arrows_and_enter(edit: Any) -> None:
    pick_variations(edit, "x 4")
    run(edit)
    edit.wait_for_function("document.querySelectorAll('.grid button.done').length === 4")
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        edit.keyboard.press(key)
    edit.wait_for_function("XREAL.canvas.summary().state === '4'")


def test_a_proposal_is_tried_again_in_place(film: Any) -> None:
    choose(film, "Erase")
    drag(film, (0.4, 0.4), (0.6, 0.5))
    run(film, "Erase")
    film.get_by_role("button", name="Try again").click()
    film.get_by_role("option", name="3 Erased").wait_for()
    film.get_by_role("button", name="Accept").click()
    film.wait_for_function("document.querySelectorAll('#editor .th').length === 2")
    assert states(film) == ["1 Opened", "3 Erased"]


def test_the_frame_of_outpainting_is_told_before_the_run(film: Any) -> None:
    choose(film, "Outpaint")
    film.get_by_text("Add at least one side.").first.wait_for()
    film.get_by_label("Add at patient's left").fill("64")
    film.get_by_label("Add at bottom").fill("32")
    film.get_by_text("128 x 128 → 192 x 160").wait_for()
    film.wait_for_function("XREAL.canvas.ui.frame && XREAL.canvas.ui.frame.left === 64")
    choose(film, "Generate")
    film.wait_for_function("XREAL.canvas.ui.frame === null")


def test_too_little_memory_names_the_need_and_the_one_change_that_helps(
    served: Served, edit: Any
) -> None:
    served.engine.fails_with = OutOfMemory("graphics card", 11.2, 7.9)
    run(edit)
    edit.get_by_text("Not enough graphics memory: 11.2 GiB needed, 7.9 GiB free.").wait_for()
    says(edit, "No picture was made.")
    assert edit.locator("body").inner_text().count("11.2 GiB") == 1  # said once
    served.engine.fails_with = None
    edit.get_by_role("button", name="Guidance 1").click()
    says(edit, "Done")
    assert served.engine.requests[-1].sampling.guidance == 1


def test_a_failure_is_an_alert_whose_details_can_be_copied(served: Served, edit: Any) -> None:
    served.engine.fails_with = ZeroDivisionError("nothing of Mr Doe")
    run(edit)
    alert = edit.get_by_role("alert").filter(has_text="could not be made")
    alert.wait_for()
    edit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    edit.get_by_role("button", name="Copy details").click()
    says(edit, "Details copied")
    copied = edit.evaluate("navigator.clipboard.readText()")
    assert '"software": "XReal Studio' in copied and "Doe" not in copied
    edit.keyboard.press("Escape")
    alert.wait_for(state="hidden")


def test_a_run_that_failed_brings_nothing_to_wait_for(served: Served, edit: Any) -> None:
    run(edit)
    says(edit, "Done")
    served.engine.fails_with = ZeroDivisionError("nothing of Mr Doe")
    run(edit)
    edit.get_by_role("alert").filter(has_text="could not be made").wait_for()

    assert edit.get_by_role("button", name="Export").get_attribute("aria-disabled") == "false"


def test_two_people_wait_for_one_worker_and_see_only_their_own(
    served: Served, edit: Any, browser: Any
) -> None:
    served.engine.gate.clear()
    run(edit)
    edit.wait_for_function(
        "document.querySelector('#run-status').textContent.includes('Starting') "
        "|| document.querySelector('#run-status').textContent.includes('step')"
    )
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    other = context.new_page()
    try:
        ready(other, served)
        run(other)
        other.get_by_role("status", name="Run status").get_by_text(
            "Waiting: 1 run ahead"
        ).wait_for()
        other.get_by_role("button", name="Stop").click()
        says(other, "Stopped before it began.")
        served.engine.gate.set()
        says(edit, "Done")
        edit.get_by_role("option", name="1 Generated").wait_for()
        assert states(other) == []
        edit.get_by_role("option", name="1 Generated").wait_for()
        assert states(edit) == ["1 Generated"]
    finally:
        served.engine.gate.set()
        context.close()
