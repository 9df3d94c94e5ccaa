"""The process of the models dies in the middle of a run: the page says so and goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_edit_page import READY, says, says_in_view
from tests.lives import Lives


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    found = Lives(tmp_path, "tests.app.fallible:opened")
    found.start()
    yield found
    found.close()


def test_a_lost_run_is_said_and_the_next_one_is_made_by_new_models(lives: Lives, page: Any) -> None:
    page.set_default_timeout(60_000)
    page.goto(lives.url)
    page.wait_for_function(READY)
    page.get_by_text("Fallible models").wait_for()
    report = page.get_by_role("textbox", name="Report")
    report.fill("die")
    page.get_by_role("button", name="Generate", exact=True).click()
    says_in_view(page, "ended in the middle of this run")
    page.get_by_text("Nothing else is lost").first.wait_for()
    assert report.input_value() == "die"

    report.fill("fine")
    page.get_by_role("button", name="Run again").click()
    says(page, "Done")
    page.get_by_role("option", name="1 Generated").wait_for()
    page.get_by_text("Fallible models").wait_for()
