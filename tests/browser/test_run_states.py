"""What a run that waits, was stopped, failed or lacked memory looks like, kept as pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import OutOfMemory
from tests.app.fake_engine import FakeEngine
from tests.app.served import Served, serving
from tests.browser.pictures import folder_of, keep
from tests.browser.test_edit_page import add_a_finding, paint_a_chest, run, says, stop_heard
from tests.browser.test_request_panel import ready


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(FakeEngine(), tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of(tmp_path)


@pytest.fixture
def drawn(served: Served, page: Any) -> Iterator[Any]:
    """A page with a chest, a finding and one picture in its history."""
    page.emulate_media(reduced_motion="reduce")
    ready(page, served)
    paint_a_chest(page)
    add_a_finding(page, "effusion")
    run(page)
    page.get_by_role("option", name="2 Effusion").wait_for()
    says(page, "Done")
    yield page
    served.engine.fails_with = None
    served.engine.release()


def shows(page: Any, text: str) -> Any:
    """The note in the viewport that says it."""
    note = page.get_by_role("region", name="Viewport").get_by_text(text)
    note.first.wait_for()
    return note


def test_a_run_that_waits_says_for_whom_and_how_long(
    served: Served, drawn: Any, browser: Any, folder: Path
) -> None:
    served.engine.gate.clear()
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        other = context.new_page()
        ready(other, served)
        run(other)
        says(other, "Starting")
        run(drawn)
        says(drawn, "Waiting: 1 run ahead, about ")
        assert drawn.get_by_role("button", name="Stop", exact=True).is_enabled()
        keep(drawn, folder, "edit-queued")
    finally:
        served.engine.gate.set()
        context.close()


def test_a_run_that_was_stopped_says_where_and_offers_another(
    served: Served, drawn: Any, folder: Path
) -> None:
    served.engine.stop_at = ("effusion", 2)
    run(drawn)
    says(drawn, "step 2 of 4")
    with stop_heard(drawn):
        drawn.get_by_role("button", name="Stop", exact=True).click()
    served.engine.release()
    says(drawn, "Stopped at step 2 of 4.")
    shows(drawn, "Finished stages are in the history.")
    drawn.get_by_role("button", name="Run again").wait_for()
    drawn.get_by_role("option", name="3 Anatomy").wait_for()
    keep(drawn, folder, "edit-stopped")


def test_a_run_that_failed_says_so_without_a_word_of_what_was_looked_at(
    served: Served, drawn: Any, folder: Path
) -> None:
    served.engine.fails_with = ZeroDivisionError("nothing of Mr Doe")
    run(drawn)
    shows(drawn, "could not be made")
    drawn.get_by_role("button", name="Copy details").wait_for()
    assert "Doe" not in drawn.locator("body").inner_text()
    keep(drawn, folder, "edit-failed")


def test_too_little_memory_is_a_need_and_one_change_that_helps(
    served: Served, drawn: Any, folder: Path
) -> None:
    served.engine.fails_with = OutOfMemory("graphics card", 11.2, 7.9)
    run(drawn)
    shows(drawn, "Not enough graphics memory")
    drawn.get_by_role("button", name="Guidance 1").wait_for()
    keep(drawn, folder, "edit-out-of-memory")


def test_a_server_that_is_gone_is_said_and_the_run_is_found_again(
    served: Served, drawn: Any, folder: Path
) -> None:
    served.engine.gate.clear()
    run(drawn)
    says(drawn, "Starting")
    drawn.route("**/api/**", lambda route: route.abort())
    says(drawn, "Connection lost. Trying again.")
    keep(drawn, folder, "edit-connection-lost")
    drawn.unroute("**/api/**")
    served.engine.gate.set()
    says(drawn, "Done")
    drawn.get_by_role("option", name="4 Effusion").wait_for()
