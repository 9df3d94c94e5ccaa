"""The request panel in a real browser: what is read, proposed and counted before a run."""

from typing import Any

import numpy as np
import pytest

from tests.app.served import Served
from tests.browser.canvas_driver import bits_of
from tests.browser.test_edit_page import READY, choose, run, says

REPORT = (
    "Moderate left pleural effusion. No pneumothorax. Heart size normal. "
    "Fibrosis of the right apex."
)


def ready(page: Any, served: Served) -> None:
    """Opens the page and waits until everything of it answers."""
    page.set_default_timeout(60_000)  # a busy machine is slow, not wrong
    page.goto(served.url)
    page.wait_for_function(READY + " && XREAL.page.engine && XREAL.page.engine().state === 'ready'")
    page.get_by_role("option", name="Left lung").wait_for()


@pytest.fixture
def edit(served: Served, page: Any) -> Any:
    served.engine.release()
    ready(page, served)
    yield page
    served.engine.release()


def use_a_template(page: Any) -> None:
    page.get_by_role("button", name="Template", exact=True).click()
    page.get_by_role("dialog", name="Templates").get_by_role("option").first.click()
    page.get_by_role("button", name="Use template").click()
    page.wait_for_function("XREAL.canvas.summary().organs[0] > 0")


def rows(page: Any) -> list[str]:
    group = page.get_by_role("group", name="Read from the report")
    group.wait_for()
    return [" | ".join(row.inner_text().split("\n")) for row in group.get_by_role("listitem").all()]


def test_the_report_is_read_and_nothing_is_drawn_unasked(edit: Any) -> None:
    use_a_template(edit)
    before = bits_of(edit)
    edit.get_by_label("Report", exact=True).fill(REPORT)

    edit.get_by_role("button", name="Draw effusion, left").wait_for()
    said = rows(edit)
    assert any("no pneumothorax" in row and "nothing to draw" in row for row in said)
    assert any("normal heart" in row and "ratio" in row for row in said)
    assert any("fibrosis" in row and "not known to this model" in row for row in said)
    assert edit.get_by_role("button", name="Draw fibrosis").count() == 0
    np.testing.assert_array_equal(bits_of(edit), before)


@pytest.mark.parametrize("how", ["button", "key"])
def test_a_region_is_proposed_and_accepted_as_one_undo_step(edit: Any, how: str) -> None:
    use_a_template(edit)
    edit.get_by_label("Report", exact=True).fill(REPORT)
    edit.get_by_role("button", name="Draw effusion, left").click()
    edit.get_by_role("button", name="Accept").wait_for()
    before = bits_of(edit)
    assert not (before >> 4 & 1).any()

    if how == "button":
        edit.get_by_role("button", name="Accept").click()
    else:
        edit.keyboard.press("Enter")
    edit.get_by_text("drawn as A").wait_for()

    region = bits_of(edit) >> 4 & 1
    assert region.sum() > 50 and (before[region > 0] & 1).all()  # in the left lung
    words = edit.get_by_role("combobox", name="Words of finding A")
    assert words.input_value() == "moderate pleural effusion"
    edit.get_by_role("button", name="Undo", exact=True).click()
    np.testing.assert_array_equal(bits_of(edit), before)
    edit.get_by_role("button", name="Draw effusion, left").wait_for()


def test_a_discarded_region_leaves_nothing(edit: Any) -> None:
    use_a_template(edit)
    edit.get_by_label("Report", exact=True).fill(REPORT)
    before = bits_of(edit)
    edit.get_by_role("button", name="Draw effusion, left").click()
    edit.get_by_role("button", name="Accept").wait_for()
    edit.keyboard.press("Backspace")

    edit.get_by_role("button", name="Accept").wait_for(state="hidden")
    np.testing.assert_array_equal(bits_of(edit), before)
    assert edit.evaluate("XREAL.canvas.drawing.findings.length") == 0


def test_without_lungs_the_region_comes_from_the_template_and_says_so(edit: Any) -> None:
    edit.get_by_label("Report", exact=True).fill("Left effusion.")
    edit.get_by_role("button", name="Draw effusion, left").click()
    edit.get_by_text("computed from the template").wait_for()
    edit.keyboard.press("Enter")
    edit.get_by_text("drawn as A").wait_for()
    assert edit.evaluate("XREAL.canvas.summary().organs[0]") == 0


def test_the_words_box_is_about_the_finding_that_the_panel_names(edit: Any) -> None:
    use_a_template(edit)
    edit.get_by_label("Report", exact=True).fill("Left effusion.")
    edit.get_by_role("button", name="Draw effusion, left").click()
    edit.get_by_text("Region for effusion, left").wait_for()
    edit.keyboard.press("Enter")
    edit.wait_for_function("XREAL.canvas.summary().findings.length === 1")
    edit.get_by_role("option", name="Heart").click()  # an organ is chosen in the list
    run(edit)
    says(edit, "Done")
    choose(edit, "Insert")
    edit.get_by_text("Finding for A", exact=True).wait_for()
    words = edit.get_by_role("textbox", name="Words", exact=True)
    edit.wait_for_function("document.querySelector('#words textarea').value.includes('effusion')")
    words.fill("consolidation")

    assert edit.evaluate("XREAL.canvas.summary().findings[0].words") == "consolidation"
