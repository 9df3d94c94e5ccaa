"""Answers: each once, in the stored order, on the disk before they are acknowledged."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from app.studies import log
from app.studies.errors import StudyError
from app.studies.store import create, open_store
from tests.studies.small import opened, read_all, study

ROOT = Path(__file__).parents[2]
ANSWER = {"source": 2}


def submits(store):
    return [event.trial_id for event in store.log.events("kind = 'trial_submitted'")]


def test_a_trial_is_shown_until_it_is_submitted_and_then_the_next_in_the_stored_order(tmp_path):
    store = opened(tmp_path)
    stored = [trial.trial_id for trial in store.design().of_reader("R02")]

    assert store.for_reader("R02") == store.for_reader("R02")
    assert read_all(store, "R02") == stored
    assert store.for_reader("R02") is None


@pytest.mark.case(56)
def test_a_double_press_is_one_answer_with_the_same_acknowledgement(tmp_path):
    store = opened(tmp_path)
    first = store.submit("R01", "R01-001", ANSWER, "press")

    again = store.submit("R01", "R01-001", ANSWER, "press")
    other_tab = store.submit("R01", "R01-001", ANSWER, "another tab")

    assert (again.seq, other_tab.seq) == (first.seq, first.seq)
    assert again.again and other_tab.again and not first.again
    assert submits(store) == ["R01-001"]


@pytest.mark.case(56)
def test_a_second_tab_with_another_answer_is_refused_and_the_first_stands(tmp_path):
    store = opened(tmp_path)
    store.submit("R01", "R01-001", ANSWER, "one")

    with pytest.raises(StudyError, match="first answers stand"):
        store.submit("R01", "R01-001", {"source": 6}, "two")

    assert store.answers("R01-001") == ANSWER


def test_a_changed_answer_is_a_new_row_and_the_old_one_is_kept(tmp_path):
    store = opened(tmp_path)
    for n, value in enumerate((2, 5, 5)):
        store.answer("R01", "R01-001", "source", value, f"click {n}")
    rows = store.log.events("kind = 'answer_set'")

    assert [(row.old_value, row.value) for row in rows] == [("null", "2"), ("2", "5")]
    assert store.for_reader("R01").answers == {"source": 5}


@pytest.mark.parametrize(
    ("reader", "trial", "answers", "told"),
    [
        ("R01", "R01-002", ANSWER, "not the case that is open"),
        ("R02", "R01-001", ANSWER, "not the case that is open"),
        ("R09", "R01-001", ANSWER, "not the case that is open"),
        ("R01", "R01-001", {}, "Still to answer"),
        ("R01", "R01-001", {"source": 7}, "not an answer"),
        ("R01", "R01-001", {"source": 2, "colour": 1}, "no question 'colour'"),
    ],
)
def test_what_does_not_belong_is_refused_and_nothing_is_written(
    tmp_path, reader, trial, answers, told
):
    store = opened(tmp_path)
    before = store.log.events()

    with pytest.raises(StudyError, match=told):
        store.submit(reader, trial, answers, "request")

    assert store.log.events() == before


def test_phases_go_one_step_at_a_time_and_never_back(tmp_path):
    store = create(tmp_path, study())
    steps = {
        "frozen": store.freeze,
        "open": store.open_reading,
        "closed": lambda: store.close_reading("PI"),
        "unblinded": lambda: store.unblind("PI"),
    }
    seen = ["draft"]
    for phase in steps:
        for other, step in steps.items():
            if other != phase:
                with pytest.raises(StudyError):
                    step()
        steps[phase]()
        seen.append(store.phase)

    assert seen == ["draft", "frozen", "open", "closed", "unblinded"]


def test_a_frozen_design_cannot_be_saved_over_and_a_closed_study_takes_no_answer(tmp_path):
    store = opened(tmp_path)
    with pytest.raises(StudyError, match="Amend it"):
        store.save_draft(study(seed=8))
    store.close_reading("PI")

    with pytest.raises(StudyError, match="not open"):
        store.submit("R01", "R01-001", ANSWER, "late")


@pytest.mark.case(57)
def test_answers_are_given_to_nobody_before_the_close(tmp_path):
    store = opened(tmp_path)
    store.submit("R01", "R01-001", ANSWER, "one")
    with pytest.raises(StudyError, match="closed"):
        store.readings()

    store.close_reading("PI")

    assert [(one.trial_id, one.value) for one in store.readings()] == [("R01-001", 2)]


def test_an_amendment_keeps_the_frozen_design_and_needs_a_reason(tmp_path):
    store = opened(tmp_path)
    sha256 = store.design().sha256
    with pytest.raises(StudyError, match="reason"):
        store.amend(" ", {"margin": 0.2})

    store.amend("the ethics board asked for it", {"margin": 0.2})
    store.exclude_reader("R03", "left the hospital")

    assert open_store(tmp_path).design().sha256 == sha256
    assert store.log.events("kind = 'amended'")[0].data == {"margin": 0.2}
    assert store.excluded() == {"R03": "left the hospital"}


@pytest.mark.parametrize("table", ["event", "trial", "trial_truth"])
def test_the_file_itself_refuses_to_change_or_remove_rows(tmp_path, table):
    opened(tmp_path)
    raw = sqlite3.connect(tmp_path / log.DATABASE)

    for sql in (f"DELETE FROM {table}", f"UPDATE {table} SET trial_id = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="never"):
            raw.execute(sql)


def test_closing_makes_a_backup_that_holds_everything(tmp_path):
    store = opened(tmp_path)
    store.submit("R01", "R01-001", ANSWER, "one")
    store.close_reading("PI")
    (backup,) = (tmp_path / log.BACKUPS).iterdir()
    rows = sqlite3.connect(backup).execute("SELECT count(*) FROM event").fetchone()[0]

    assert rows == len(store.log.events())
    for _ in range(15):
        store.amend("again", {})
        store.log.back_up()
    assert len(list((tmp_path / log.BACKUPS).iterdir())) == log.BACKUPS_KEPT


def test_a_code_opens_its_reader_only_and_is_stored_nowhere(tmp_path):
    store = opened(tmp_path)
    codes = store.issue_codes()

    assert {store.sign_in(code.lower().replace("-", " ")) for code in codes.values()} == set(codes)
    for wrong in ("", "R01", codes["R01"][:-1], codes["R01"].replace("R01", "R02")):
        with pytest.raises(StudyError, match="not known"):
            store.sign_in(wrong)
    letters = codes["R01"][4:].encode()
    assert not any(letters in path.read_bytes() for path in tmp_path.glob("*.*"))


def test_new_codes_end_the_old_ones(tmp_path):
    store = opened(tmp_path)
    old = store.issue_codes()["R01"]
    store.issue_codes()

    with pytest.raises(StudyError, match="not known"):
        store.sign_in(old)


def test_the_monitor_counts_work_and_shows_no_accuracy(tmp_path):
    store = opened(tmp_path)
    read_all(store, "R01")
    store.note("R02", "signed_in", None)
    rows = {row.reader_id: row for row in store.progress()}

    assert (rows["R01"].done, rows["R01"].count) == (40, 40)
    assert (rows["R02"].done, rows["R02"].sessions) == (0, 1)
    assert not any("accura" in name or "correct" in name for name in vars(rows["R01"]))


def test_only_known_notes_of_known_readers_are_kept(tmp_path):
    store = opened(tmp_path)
    store.note("R01", "display_checked", {"squares": True, "width": 2560})

    with pytest.raises(StudyError, match="cannot be noted"):
        store.note("R01", "unblinded", {})
    with pytest.raises(StudyError, match="not part"):
        store.note("R77", "paused", None)


def test_time_away_from_the_page_is_not_time_for_the_case(tmp_path, monkeypatch):
    ticks = iter(range(0, 10**9, 10))
    monkeypatch.setattr(log.time, "monotonic_ns", lambda: next(ticks) * 10**9)
    store = opened(tmp_path)
    store.show("R01", "R01-001")
    store.note("R01", "hidden", None)
    store.note("R01", "resumed", None)
    store.submit("R01", "R01-001", ANSWER, "one")
    store.close_reading("PI")

    assert store.readings()[0].seconds == 30  # 40 from showing to submitting, 10 of them away


def test_a_study_is_not_begun_over_another_one(tmp_path):
    opened(tmp_path)

    with pytest.raises(StudyError, match="There is a study"):
        create(tmp_path, study())
    with pytest.raises(StudyError, match="no study"):
        open_store(tmp_path / "elsewhere")


def test_every_line_of_the_text_copy_is_the_row_of_the_file(tmp_path):
    store = opened(tmp_path)
    read_all(store, "R01")
    lines = [json.loads(line) for line in (tmp_path / log.MIRROR).read_text().splitlines()]

    assert [log.Event(**line) for line in lines] == store.log.events()


def test_a_draft_is_saved_and_found_again(tmp_path):
    store = create(tmp_path, study())
    changed = replace(study(), title="Another title")
    store.save_draft(changed)
    store.close_file()

    assert open_store(tmp_path).study() == changed


def test_the_end_of_a_session_makes_a_backup_with_its_last_answer(tmp_path):
    made = study(scenes=12)
    order = replace(made.protocol.order, session=20)
    store = opened(tmp_path, replace(made, protocol=replace(made.protocol, order=order)))
    sessions = {t.session for t in store.design().of_reader("R01")}
    read = read_all(store, "R01")

    backups = sorted((tmp_path / "backups").glob("*.sqlite"))
    assert len(backups) == len(sessions) > 1
    with sqlite3.connect(backups[-1]) as copy:
        kept = copy.execute("SELECT trial_id FROM event WHERE kind = 'trial_submitted'").fetchall()
    copy.close()
    assert [row[0] for row in kept] == read


def test_a_backup_that_fails_refuses_no_answer(tmp_path, monkeypatch):
    store = opened(tmp_path)

    def full(self):
        raise OSError("no room")

    monkeypatch.setattr(log.Log, "back_up", full)
    read = read_all(store, "R01")

    assert store.for_reader("R01") is None and len(read) > 0
