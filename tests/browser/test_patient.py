"""Whose film Generate gives next, as a person sees it: said before the run, and in their hands."""

from typing import Any

import pytest

from tests.app.served import Served
from tests.browser.test_documents import saved
from tests.browser.test_edit_page import READY, add_a_finding, drag, paint_a_chest, run, says

SAME = "Same patient: only the findings changed."
UNCHANGED = "New patient: nothing changed."


def line(page: Any, text: str) -> None:
    """Wait until the line beside the run button says this."""
    page.get_by_role("status", name="Patient").get_by_text(text, exact=True).wait_for()


def word(page: Any, words: str) -> None:
    box = page.get_by_role("combobox", name="Words of finding A")
    box.fill(words)
    box.press("Enter")


def seed(served: Served, page: Any) -> int:
    """Generate; the seed that the engine was given."""
    run(page)
    says(page, "Done")
    return served.engine.requests[-1].sampling.seed


@pytest.fixture
def first(served: Served, edit: Any) -> int:
    """The seed of a film with an effusion, which is on screen."""
    paint_a_chest(edit)
    add_a_finding(edit, "effusion")
    assert edit.locator("#patient").is_hidden()
    return seed(served, edit)


def test_a_changed_word_is_the_same_patient_and_no_change_another(
    served: Served, edit: Any, first: int
) -> None:
    line(edit, UNCHANGED)
    word(edit, "pneumothorax")
    line(edit, SAME)
    saved(edit)
    edit.reload()
    edit.wait_for_function(READY)
    line(edit, SAME)
    assert seed(served, edit) == first

    line(edit, UNCHANGED)
    assert seed(served, edit) != first


def test_a_new_patient_is_one_key_away_and_is_asked_for_once(
    served: Served, edit: Any, first: int
) -> None:
    edit.get_by_role("application").focus()
    drag(edit, (0.72, 0.55), (0.74, 0.6))  # A grows
    line(edit, SAME)
    button = edit.get_by_role("button", name="New patient")
    button.focus()
    edit.keyboard.press("Enter")
    line(edit, "New patient: another seed is drawn.")
    assert button.get_attribute("aria-pressed") == "true"
    second = seed(served, edit)
    assert second != first

    word(edit, "pneumothorax")
    line(edit, SAME)
    assert seed(served, edit) == second


def test_a_changed_heart_is_another_patient_unless_the_seed_is_kept(
    served: Served, edit: Any, first: int
) -> None:
    edit.get_by_role("application").focus()
    edit.keyboard.press("3")
    drag(edit, (0.4, 0.7), (0.5, 0.8))
    line(edit, "New patient: the anatomy changed.")
    edit.get_by_role("button", name="Same seed").click()
    line(edit, f"Seed {first} is kept.")
    saved(edit)
    edit.reload()
    edit.wait_for_function(READY)
    line(edit, f"Seed {first} is kept.")
    assert seed(served, edit) == first

    edit.get_by_role("button", name="New patient").click()
    line(edit, "New patient: another seed is drawn.")
    assert seed(served, edit) != first
    line(edit, UNCHANGED)
