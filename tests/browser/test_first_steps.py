"""First steps in a real browser: the gallery of templates, the tour, the help card."""

from typing import Any

import pytest

from tests.app.fake_engine import FakeEngine
from tests.app.served import Served, serving
from tests.browser.test_edit_page import READY, drag


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serving(FakeEngine(), tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
def edit(served: Served, page: Any) -> Any:
    page.set_default_timeout(60_000)
    page.goto(served.url)
    page.wait_for_function(READY)
    page.get_by_text("Embedded models, 256 px").wait_for()
    return page


def gallery(page: Any) -> Any:
    page.get_by_role("button", name="Template", exact=True).click()
    dialog = page.get_by_role("dialog", name="Templates")
    dialog.get_by_role("option", selected=True).wait_for()
    return dialog


def preview(page: Any) -> str:
    """Address of the large picture in the gallery; another one for every preview."""
    return page.evaluate("document.querySelector('#template-shown').src")


def heart(page: Any) -> int:
    return page.evaluate("XREAL.canvas.summary().organs[2]")


def tour(page: Any) -> Any:
    return page.get_by_role("region", name="First steps")


def test_the_large_preview_follows_the_sliders_and_so_does_the_drawing(edit: Any) -> None:
    dialog = gallery(edit)
    dialog.get_by_role("button", name="Use template").click()
    edit.wait_for_function("XREAL.canvas.summary().organs[2] > 0")
    usual = heart(edit)

    gallery(edit)
    edit.wait_for_function("document.querySelector('#template-shown').src.startsWith('blob:')")
    before = preview(edit)
    slider = dialog.get_by_role("slider", name="Heart size")
    slider.focus()
    for _ in range(8):
        edit.keyboard.press("ArrowRight")
    edit.wait_for_function(f"document.querySelector('#template-shown').src !== '{before}'")
    assert heart(edit) == usual, "the drawing changed before it was asked to"
    dialog.get_by_role("button", name="Use template").click()
    edit.wait_for_function(f"XREAL.canvas.summary().organs[2] > {usual}")
    edit.get_by_role("button", name="Anatomy: average, heart").wait_for()

    edit.get_by_role("button", name="Undo").click()
    edit.wait_for_function(f"XREAL.canvas.summary().organs[2] === {usual}")


def test_the_gallery_is_walked_by_keys_and_gives_the_focus_back(edit: Any) -> None:
    dialog = gallery(edit)

    edit.keyboard.press("ArrowRight")
    assert dialog.get_by_role("option", selected=True).inner_text() == "Large heart"
    edit.keyboard.press("End")
    assert dialog.get_by_role("option", selected=True).inner_text() == "Low volumes"
    edit.keyboard.press("ArrowRight")
    assert dialog.get_by_role("option", selected=True).inner_text() == "Low volumes"
    edit.keyboard.press("Escape")
    focused = "document.activeElement.textContent"
    assert edit.evaluate(focused) == "Template"

    edit.keyboard.press("Enter")
    edit.keyboard.press("Home")
    edit.keyboard.press("Enter")
    edit.wait_for_function("XREAL.canvas.summary().organs[2] > 0")
    assert edit.evaluate("document.activeElement.getAttribute('role')") == "application"


def test_sliders_that_make_no_chest_say_so_and_cannot_be_used(edit: Any) -> None:
    dialog = gallery(edit)
    edit.route(
        "**/api/templates/*ratio*", lambda route: route.fulfill(status=400, body="No chest.")
    )

    dialog.get_by_role("slider", name="Rotation").focus()
    edit.keyboard.press("End")

    dialog.get_by_role("alert").get_by_text("No chest.").wait_for()
    use = dialog.get_by_role("button", name="Use template")
    assert use.get_attribute("aria-disabled") == "true"
    use.evaluate("button => button.click()")
    assert dialog.is_visible()


def test_the_tour_comes_once_and_stays_away(edit: Any) -> None:
    tour(edit).get_by_text("1 of 6").wait_for()
    for number in range(2, 7):
        tour(edit).get_by_role("button", name="Next", exact=True).click()
        tour(edit).get_by_text(f"{number} of 6").wait_for()
    tour(edit).get_by_role("button", name="Done").click()

    edit.reload()
    edit.wait_for_function(READY)
    assert edit.evaluate("localStorage.getItem('xreal-tour')") == "seen"
    edit.wait_for_timeout(1000)  # it would begin within 300 ms
    assert tour(edit).count() == 0


def test_the_tour_is_in_nobodys_way(edit: Any) -> None:
    """A drag through the card paints, and whoever begins to work has seen enough."""
    tour(edit).wait_for()

    edit.get_by_role("application").focus()
    drag(edit, (0.3, 0.3), (0.3, 0.6))

    assert edit.evaluate("XREAL.canvas.summary().organs[0]") > 0
    assert tour(edit).count() == 0


def test_the_help_card_shows_the_tour_again_and_says_what_the_models_cannot_do(edit: Any) -> None:
    tour(edit).get_by_role("button", name="Skip the tour").click()
    assert tour(edit).count() == 0

    edit.get_by_role("button", name="Keys and help").click()
    card = edit.get_by_role("dialog", name="Keys and help")
    card.get_by_text("no lateral films").wait_for()
    card.get_by_text("Not for diagnosis.").wait_for()
    card.get_by_role("button", name="Show the tour").click()

    tour(edit).get_by_text("1 of 6").wait_for()
    assert edit.evaluate("document.activeElement.textContent") == "Next"
    edit.keyboard.press("ArrowRight")
    tour(edit).get_by_text("2 of 6").wait_for()
    edit.keyboard.press("Escape")
    assert tour(edit).count() == 0
    assert edit.evaluate("document.activeElement.getAttribute('role')") == "application"


def test_an_example_opens_with_its_pictures_and_the_verb_to_go_on_with(edit: Any) -> None:
    examples = edit.get_by_role("group", name="Examples")

    examples.get_by_role("button", name="Pacemaker to erase").click()
    edit.wait_for_function("XREAL.canvas.summary().erase > 0")
    assert edit.get_by_role("radio", name="Erase").is_checked()
    edit.get_by_text("Synthetic - not for diagnosis").wait_for()
    edit.get_by_role("option", name="1 Pacemaker").wait_for()

    gallery(edit)
    edit.get_by_role("group", name="Example projects").get_by_role(
        "button", name="Cardiomegaly in three degrees"
    ).click()
    edit.get_by_role("option", name="3 Very large heart").wait_for()
    edit.wait_for_function("document.querySelector('#shape-ratio input').value === '0.63'")
