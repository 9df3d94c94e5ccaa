"""The reading room in a real browser: nothing that was answered is lost, counted twice or out of
place, whatever happens to the page, the tab, the server and the clock."""

import os
from pathlib import Path
from typing import Any

import pytest

from app.studies import protocols
from app.studies.shelf import Shelf
from app.studies.store import Store
from tests.browser.reading_driver import ReaderAt
from tests.studies.reading_rooms import Opened, opened
from tests.studies.served_room import Served
from tests.studies.small import SOURCES

# What answers every required question of a protocol's first case by keyboard.
KEYS = {
    "rating": ["3", "4", "2"],
    "turing": ["5"],
    "pair": ["5"],
    "preference": ["2"],
    "edit": ["4", "2", "1"],
    "two-phase": ["3", "4"],
}


def kept(page: Any, name: str) -> None:
    folder = os.environ.get("XREAL_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("data") / "studies")


@pytest.fixture(scope="module")
def served(shelf: Shelf):
    with Served(shelf.folder.parent) as running:
        yield running


@pytest.fixture
def turing(shelf: Shelf) -> Opened:
    return opened(shelf, "turing", count=3, readers=2)


@pytest.fixture
def reader(page: Any, served: Served):
    found = ReaderAt(page, served.url)
    yield found
    assert found.faults == []


def submitted(store: Store, reader_id: str = "R01") -> list[str]:
    events = store.log.events("kind = 'trial_submitted' AND reader_id = ?", (reader_id,))
    return [event.trial_id for event in events]


@pytest.mark.parametrize("protocol", protocols.names())
def test_every_protocol_is_read_from_the_code_to_the_last_case_by_keyboard(
    shelf: Shelf, reader: ReaderAt, protocol: str
) -> None:
    sources = SOURCES if protocol == "preference" else SOURCES[:2]
    study = opened(shelf, protocol, count=3, readers=1, sources=sources)
    store, count = study.store, len(study.store.design().trials)
    reader.begin(study.codes["R01"])
    kept(reader.page, f"reading-{protocol}")
    part = 1
    for number in range(1, count + 1):
        shown = store.for_reader("R01")
        assert shown is not None and shown.number == number
        if shown.part != part:
            reader.says("The next part")
            reader.press("Enter")
            part = shown.part
        reader.at(f"Case {number} of {count}")
        reader.case()
        reader.press(*(KEYS[protocol] if shown.part == 1 else ["2"]))
        if protocol == "two-phase" and shown.part == 1:
            reader.page.get_by_role("textbox", name="What do you see?").fill("a chest")
            reader.press("Escape")
        reader.press("Enter")
        if number < count:
            reader.at(f"Case {number + 1}")
    reader.says("That was the last case")

    assert submitted(store) == [trial.trial_id for trial in store.design().trials]
    kept(reader.page, "reading-finished")


def test_answers_are_kept_under_the_names_of_the_protocol(shelf: Shelf, reader: ReaderAt) -> None:
    study = opened(shelf, "pair", count=3, readers=1)
    reader.begin(study.codes["R01"])
    reader.press("4", "Enter")
    reader.at("Case 2")
    reader.case()
    reader.press("1", "Enter")
    reader.at("Case 3")

    found = [study.store.answers(f"R01-00{n}") for n in (1, 2)]
    assert found == [
        {"synthetic": "right", "confidence": 1},
        {"synthetic": "left", "confidence": 3},
    ]


@pytest.mark.case(56)
def test_a_reload_in_the_middle_of_a_case_keeps_what_was_answered(
    turing: Opened, reader: ReaderAt
) -> None:
    reader.begin(turing.codes["R01"])
    reader.press("4")
    reader.page.get_by_role("textbox", name="Remark").fill("odd ribs")
    reader.page.reload()
    reader.case()

    assert reader.position.startswith("Case 1 ")
    assert reader.chosen() == ["Leaning to synthetic"]
    assert reader.page.get_by_role("textbox", name="Remark").input_value() == "odd ribs"
    reader.press("Enter")
    reader.at("Case 2")
    assert turing.store.answers("R01-001") == {"source": 4, "remark": "odd ribs"}


@pytest.mark.case(56)
def test_a_reader_goes_on_at_the_same_case_on_another_computer(
    turing: Opened, reader: ReaderAt, browser: Any
) -> None:
    reader.begin(turing.codes["R01"])
    reader.press("2", "Enter")
    reader.at("Case 2")
    reader.case()
    reader.press("6")
    reader.saved()
    reader.page.get_by_role("button", name="Leave").click()
    reader.says("You have left")

    context = browser.new_context()
    other = ReaderAt(context.new_page(), reader.url)
    other.open()
    other.enter(turing.codes["R01"])
    other.page.locator("#squares").wait_for()  # another screen is checked again
    other.press("Space", "Enter")
    other.page.get_by_role("heading", name="How to read").first.wait_for()
    other.press("Enter")
    other.case()

    assert other.position.startswith("Case 2 ") and other.chosen() == ["Definitely synthetic"]
    context.close()


@pytest.mark.case(56)
def test_of_two_tabs_one_reads_only_until_it_takes_over(turing: Opened, reader: ReaderAt) -> None:
    reader.begin(turing.codes["R01"])
    second = ReaderAt(reader.page.context.new_page(), reader.url)
    second.open()
    second.says("open in another tab")
    kept(second.page, "reading-two-tabs")
    second.press("2", "Enter")
    assert second.page.locator("fieldset:enabled").count() == 0
    reader.press("1", "Enter")  # the first one goes on
    reader.at("Case 2")

    second.page.get_by_role("button", name="Go on here").click()
    second.at("Case 2")
    second.press("Enter")  # how to read, in this tab for the first time
    second.case()
    second.press("5", "Enter")
    second.at("Case 3")
    reader.press("3")  # and the first one hears of it with its next answer
    reader.says("open in another tab")

    assert submitted(turing.store) == ["R01-001", "R01-002"]
    assert turing.store.answers("R01-002") == {"source": 5}
    assert turing.store.answers("R01-003") == {}


@pytest.mark.case(56)
def test_a_key_pressed_many_times_submits_one_case(turing: Opened, reader: ReaderAt) -> None:
    reader.begin(turing.codes["R01"])
    reader.press("3")
    for _ in range(5):
        reader.page.keyboard.down("Enter")  # as a key that is held down repeats
    reader.page.keyboard.up("Enter")
    reader.page.locator("#go").dblclick(force=True)
    reader.at("Case 2")
    reader.case()

    assert submitted(turing.store) == ["R01-001"]


def test_while_the_server_is_down_the_page_says_so_and_nothing_is_lost(
    turing: Opened, reader: ReaderAt, served: Served
) -> None:
    reader.begin(turing.codes["R01"])
    served.kill()
    reader.press("6", "Enter")
    reader.not_saved()
    reader.says("Your answers are kept on this computer and sent again")
    kept(reader.page, "reading-server-down")
    assert reader.position.startswith("Case 1 ")  # not taken, so not shown as taken

    served.start()
    reader.at("Case 2")
    reader.case()

    assert submitted(turing.store) == ["R01-001"]
    assert turing.store.answers("R01-001") == {"source": 6}


def test_what_was_not_sent_before_the_tab_was_closed_is_sent_by_the_next_one(
    turing: Opened, reader: ReaderAt, served: Served
) -> None:
    reader.begin(turing.codes["R01"])
    served.kill()
    reader.press("5", "Enter")
    reader.not_saved()
    context = reader.page.context
    reader.page.close()

    served.start()
    reader.page = context.new_page()
    later = ReaderAt(reader.page, reader.url)
    later.open()
    later.at("Case 2")

    assert submitted(turing.store) == ["R01-001"]
    assert turing.store.answers("R01-001") == {"source": 5}


def test_a_clock_that_is_set_back_changes_nothing(turing: Opened, reader: ReaderAt) -> None:
    reader.page.clock.install()
    reader.begin(turing.codes["R01"])
    reader.press("2", "Enter")
    reader.at("Case 2")
    reader.case()
    reader.page.clock.set_system_time("2001-01-01T00:00:00Z")
    reader.page.get_by_role("textbox", name="Remark").fill("the clock was wrong")
    reader.press("Escape", "1")
    reader.press("3", "Enter")
    reader.at("Case 3")

    assert submitted(turing.store) == ["R01-001", "R01-002"]
    assert turing.store.answers("R01-002")["remark"] == "the clock was wrong"


def test_the_last_answer_is_taken_back_by_u_and_the_change_is_kept(
    turing: Opened, reader: ReaderAt
) -> None:
    reader.begin(turing.codes["R01"])
    reader.press("2")
    reader.saved()
    reader.press("6")
    reader.saved()
    reader.press("u")
    assert reader.chosen() == ["Probably real"]
    reader.press("Enter")
    reader.at("Case 2")

    rows = turing.store.log.events("trial_id = 'R01-001' AND question = 'source'")
    assert [row.data for row in rows] == [2, 6, 2]


def test_a_wrong_code_is_told_and_breaks_are_offered(shelf: Shelf, reader: ReaderAt) -> None:
    study = opened(shelf, "turing", count=3, readers=1, block=4)
    reader.open()
    reader.enter("R01-AAAA-AAAA")
    reader.says("This code is not known")
    kept(reader.page, "reading-code")
    reader.page.locator("#code").fill("")
    reader.begin(study.codes["R01"])
    for number in range(1, 5):
        reader.at(f"Case {number}")
        reader.case()
        reader.press("3", "Enter")
    reader.says("Time for a break")
    reader.says("4 of 10 cases are done")
    kept(reader.page, "reading-break")
    reader.press("Enter")
    reader.case()

    assert reader.position.startswith("Case 5 ")
