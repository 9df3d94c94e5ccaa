"""A whole study from the investigator's side, in a real browser; readers answer by the store."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.studies.shelf import Shelf
from app.studies.simulation import Modelled, ModelledReaders
from tests.app.fake_engine import FakeEngine
from tests.app.served import Served, serving
from tests.browser.access import contrast, unnamed
from tests.studies.drawn import folder_of_pictures

TITLE = "Realism of model A"
STEPS = [
    *("Protocol", "Pictures", "Questions", "Size"),
    *("Readers, codes", "Preview, pilot", "Freeze", "Monitor"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def served(data) -> Iterator[Served]:
    with serving(FakeEngine(), data) as running:
        yield running


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> Path:
    return folder_of_pictures(tmp_path_factory.mktemp("films"), each=12, side=96)


@pytest.fixture
def studies(page: Any, served: Served) -> Any:
    page.set_default_timeout(60_000)
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(served.url + "studies")
    page.get_by_role("heading", name="Studies", exact=True).wait_for()
    return page


def step(page: Any, name: str) -> None:
    page.get_by_role("navigation", name="Study steps").get_by_role("link", name=name).click()
    page.get_by_role("heading", level=1, name=name).wait_for()


def begin(page: Any, title: str = TITLE, protocol: str = "Visual Turing test") -> str:
    """A new study; its name in the address."""
    page.get_by_label("Title, for investigators").fill(title)
    page.get_by_role("radio", name=protocol).check()
    page.get_by_role("button", name="Begin the study").click()
    page.get_by_role("heading", level=1, name="Protocol").wait_for()
    return page.url.split("#/")[1].split("/")[0]


def put(page: Any, label: str, text: str) -> None:
    """Write into a field, leave it, and wait until that is kept."""
    field = page.get_by_label(label)
    field.fill(text)
    with page.expect_response(re.compile("/draft$")) as answer:
        field.press("Tab")
    assert answer.value.ok
    page.get_by_role("status", name="Study state").get_by_text("Draft, saved").wait_for()


def add_folder(page: Any, films: Path) -> None:
    page.locator("#folder-files").set_input_files(str(films))
    page.get_by_label("Shown size").first.select_option("256")
    page.get_by_role("button", name="Add the pictures").click()
    page.get_by_role("table", name="Sources of pictures").wait_for()


def drafted(page: Any, films: Path, title: str = TITLE) -> str:
    name = begin(page, title)
    put(page, "Pictures of one scene at least", "6")
    step(page, "Pictures")
    add_folder(page, films)
    return name


def read_by_model(folder: Path, name: str, skill: float = 0.8) -> None:
    """All trials of all readers, answered beside the served program."""
    shelf = Shelf(folder / "studies")
    store = shelf.store(name)
    design = store.design()
    modelled = ModelledReaders(design.study, Modelled(skill), 2)
    trials = {trial.trial_id: trial for trial in design.trials}
    for reader in design.study.readers:
        while shown := store.for_reader(reader.reader_id):
            trial = trials[shown.trial_id]
            answers = modelled.answers(design.study.protocol.part(trial.part), trial)
            store.show(reader.reader_id, trial.trial_id)
            store.submit(reader.reader_id, trial.trial_id, answers, trial.trial_id)
    shelf.close()


def test_a_whole_study_from_its_protocol_to_a_report_that_comes_again(
    studies: Any, served: Served, data: Path, films: Path, quick_disk: None
) -> None:
    page = studies
    name = drafted(page, films)
    page.get_by_text("The checks found nothing grave.").or_(
        page.get_by_text("Clear this before the freeze")
    ).wait_for()

    step(page, "Readers, codes")
    page.get_by_role("button", name="Make codes and cards").click()
    page.get_by_text("These codes are shown now and never again.").wait_for()
    codes = page.locator("#cards .code").all_inner_texts()
    page.get_by_role("button", name="Make new codes for all").click()
    page.get_by_role("dialog").get_by_text("The cards that were given out end at once").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert page.locator("#cards .code").all_inner_texts() == codes  # still those that were shown
    assert page.get_by_role("table", name="Readers").get_by_text("issued").count() == 5
    assert len(codes) == 5 and all(re.fullmatch(r"R0\d-\w{4}-\w{4}", code) for code in codes)
    step(page, "Size")
    page.get_by_text("Not enough to call the sources indistinguishable").wait_for()
    step(page, "Readers, codes")
    assert page.locator("#cards .code").count() == 0  # shown once

    step(page, "Preview, pilot")
    for _ in range(12):
        page.get_by_role("button", name="Next").click()
    page.get_by_role("link", name="Preview, pilot (done)").wait_for()

    step(page, "Freeze")
    freeze = page.get_by_role("button", name="Freeze the design")
    assert freeze.get_attribute("aria-disabled") == "true"
    page.get_by_role("textbox", name="Study name to confirm").fill(TITLE)
    freeze.click()
    page.get_by_role("button", name="Open for reading").click()
    page.get_by_role("status", name="Study state").get_by_text("Open for reading").wait_for()
    assert page.get_by_text("12.5 %, a scene").is_visible()  # as it was set
    hash = page.locator("td .mono").inner_text()

    read_by_model(data, name)
    step(page, "Monitor")
    page.get_by_text(re.compile(r"^(\d+) of \1$")).first.wait_for()
    monitor = page.locator("main").inner_text().lower()
    assert "model-a" not in monitor and "hospital" not in monitor
    page.get_by_role("button", name="Verify chain").click()
    page.get_by_text("The study is as it was written.").wait_for()
    assert page.get_by_text("Chain intact").is_visible()  # not seconds later
    page.get_by_label("What is done differently").fill("One screen was changed")
    page.get_by_label("Reason").fill("It broke")
    page.get_by_role("button", name="Record the amendment").click()
    page.get_by_role("table", name="Amendments").wait_for()
    page.get_by_role("button", name="Close study").click()
    page.get_by_role("dialog").get_by_role("button", name="Close study").click()
    page.get_by_role("status", name="Study state").get_by_text("Closed").wait_for()

    to_the_report(page, data / "studies" / name / "exports" / "report-001", hash)
    assert all(url.startswith((served.url, "blob:", "data:")) for url in page.asked)


def to_the_report(page: Any, folder: Path, hash: str) -> None:
    """Unblind, make the report, compute it again, and read its headline."""
    step(page, "Close, unblind, results")
    page.get_by_role("button", name="Unblind").click()
    page.get_by_role("dialog").get_by_role("button", name="Unblind").click()
    page.get_by_role("button", name="Make the report").click()
    page.get_by_role("button", name="Verify result").click()
    page.get_by_text("Every number came again").wait_for()
    report = page.get_by_role("region", name="The report")
    report.get_by_text("Readers were right in").wait_for()
    assert report.get_by_text(hash).first.is_visible()
    results = json.loads((folder / "results.json").read_text("utf-8"))
    accuracy = results["parts"]["turing"]["source"]["accuracy"]["headline"]["value"]
    assert report.get_by_text(f"{100 * accuracy:.0f} % (95 % CI").first.is_visible()


@pytest.fixture
def quick_disk(monkeypatch) -> None:
    from app.studies import log

    monkeypatch.setattr(log, "SYNCHRONOUS", "OFF")
    monkeypatch.setattr(log.os, "fsync", lambda _: None)


def test_the_preview_of_pairs_has_the_words_of_the_reading_room(studies: Any, films: Path) -> None:
    begin(studies, "Pairs", "Which one is synthetic")
    put(studies, "Pictures of one scene at least", "2")
    step(studies, "Pictures")
    add_folder(studies, films)
    step(studies, "Preview, pilot")
    studies.get_by_role("button", name="Next").click()

    studies.get_by_text("Case 1 of").wait_for()
    asked = studies.get_by_role("group", name="Which picture is synthetic?").inner_text()
    assert "Picture 1" in asked and "Picture 2" in asked and "left" not in asked


def test_a_wrong_protocol_is_refused_at_its_line_and_the_form_keeps_what_was(studies: Any) -> None:
    page = studies
    begin(page, "Lines")
    page.get_by_role("button", name="YAML").click()
    text = page.get_by_role("textbox", name="Protocol as YAML")
    text.fill(text.input_value().replace("gap: 20", "gap: twenty"))
    line = text.input_value().splitlines().index("  gap: twenty") + 1
    page.get_by_role("button", name="Keep this protocol").click()

    page.get_by_role("alert").get_by_text(f"Line {line}:").wait_for()
    page.wait_for_function(
        "t => t.value.slice(t.selectionStart, t.selectionEnd).trim() === 'gap: twenty'",
        arg=text.element_handle(),
    )
    page.get_by_role("button", name="Form").click()
    assert page.get_by_label("Pictures of one scene at least").input_value() == "20"


def test_of_two_tabs_the_older_is_told_and_can_reload(studies: Any, served: Served) -> None:
    page = studies
    begin(page, "Two tabs")
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_label("Ethics approval or waiver").wait_for()
    put(page, "Ethics approval or waiver", "first")

    other.get_by_label("Ethics approval or waiver").fill("second")
    other.keyboard.press("Tab")
    other.get_by_role("alert").get_by_text("changed elsewhere").wait_for()
    other.get_by_role("button", name="Reload the study").click()
    other.wait_for_function("document.querySelector('main').innerText.includes('Ethics')")

    assert other.get_by_label("Ethics approval or waiver").input_value() == "first"


def test_a_question_is_added_moved_and_written_by_keyboard(studies: Any) -> None:
    page = studies
    begin(page, "Questions", "Rating of anatomy")
    step(page, "Questions")
    page.get_by_role("button", name="Add a question").press("Enter")
    page.get_by_role("group", name="5. Remark").wait_for()
    page.get_by_role("button", name="Move question-5 up").press("Enter")
    group = page.get_by_role("group", name="4. Remark")
    field = group.get_by_label("Words of the question")
    field.fill("What would you do next?")
    with page.expect_response(re.compile("/draft$")) as answer:
        field.press("Tab")

    part = answer.value.json()["study"]["protocol"]["parts"][0]
    names = [one["name"] for one in part["questions"]]
    assert names == ["anatomy", "pathology", "overall", "question-5", "remark"]


def test_a_table_that_is_wrong_is_told_with_its_row_and_nothing_is_added(
    studies: Any, films: Path, tmp_path: Path
) -> None:
    page = studies
    for path in films.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    table = tmp_path / "cases.csv"
    table.write_text(table.read_text("utf-8").replace("model-a-0.png,", "lost.png,", 1), "utf-8")
    begin(page, "Wrong table")
    step(page, "Pictures")
    page.locator("#folder-files").set_input_files(str(tmp_path))
    page.get_by_role("button", name="Add the pictures").click()

    page.get_by_role("alert").get_by_text("Row 3 of cases.csv").wait_for()
    assert page.get_by_role("table", name="Sources of pictures").count() == 0


def test_the_cards_alone_are_printed(studies: Any) -> None:
    page = studies
    begin(page, "Cards")
    step(page, "Readers, codes")
    page.get_by_role("button", name="Make codes and cards").click()
    page.get_by_role("button", name="Print the cards").wait_for()
    page.emulate_media(media="print")

    assert page.locator("#print .code").count() == 5
    assert page.locator("#print .code").first.is_visible()
    assert not page.locator("main").is_visible() and not page.locator("#bar").is_visible()


def test_the_editor_leads_here_and_back(studies: Any, served: Served) -> None:
    page = studies
    pages = page.get_by_role("navigation", name="Pages")
    assert pages.get_by_role("link").all_inner_texts() == ["Edit", "Studies", "Models"]
    pages.get_by_role("link", name="Edit").click()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Studies").click()
    page.get_by_role("heading", name="Studies", exact=True).wait_for()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_step_is_read_and_named_in_both_themes(studies: Any, films: Path, theme: str) -> None:
    page = studies
    page.evaluate(f"localStorage.setItem('xreal-theme', '{theme}')")
    page.reload()
    drafted(page, films, f"Access {theme}")
    for name in STEPS:
        step(page, name)
        if name == "Size":
            page.get_by_role("table", name="Power").wait_for()
        assert contrast(page) == [], name
        assert unnamed(page) == [], name


def test_at_the_width_of_half_a_screen_nothing_is_cut_off(studies: Any, films: Path) -> None:
    page = studies
    drafted(page, films, "Narrow")
    page.set_viewport_size({"width": 640, "height": 800})
    for name in STEPS[:-1]:
        step(page, name)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 641, name
