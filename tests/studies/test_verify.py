"""A study edited by hand is found out at the place, and made new from its text copy."""

import hashlib
import json
import sqlite3
from dataclasses import replace

import pytest

from app.studies.errors import StudyError
from app.studies.log import DATABASE, MIRROR
from app.studies.replay import rebuild, verify
from app.studies.store import open_store
from tests.studies.small import opened, read_all, study


@pytest.fixture
def read(tmp_path):
    """A study in which one reader has answered everything; its file is closed."""
    store = opened(tmp_path / "study")
    read_all(store, "R01")
    store.close_file()
    return tmp_path / "study"


def by_hand(folder, *statements):
    """Change the file as someone with a database program would, past its own guards."""
    raw = sqlite3.connect(folder / DATABASE)
    for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        raw.execute(statement)
    raw.commit()
    raw.close()


def told(folder):
    return [f"{fault.where}: {fault.what}" for fault in verify(folder)]


def test_an_untouched_study_has_no_fault(read):
    assert verify(read) == []


def test_a_changed_answer_is_named_with_its_trial_and_the_copy_that_is_whole(read):
    by_hand(
        read,
        "UPDATE event SET value = '6' WHERE kind = 'answer_set' AND trial_id = 'R01-005'",
    )
    found = told(read)

    assert "answer_set, R01-005, source" in found[0] and "content was changed" in found[0]
    assert "in value: the one in events.jsonl has its own checksum" in found[1]
    assert len(found) == 2


def test_a_removed_row_is_named_by_its_number(read):
    by_hand(read, "DELETE FROM event WHERE seq = 20")

    assert "Event 20 is missing" in told(read)[0]


def test_a_row_with_a_new_hash_breaks_the_chain_behind_it(read):
    raw = sqlite3.connect(read / DATABASE)
    from app.studies.log import COLUMNS, Event, hash_of

    row = raw.execute(f"SELECT {COLUMNS} FROM event WHERE seq = 20").fetchone()
    event = replace(Event(*_named(COLUMNS, row)), value="6")
    raw.close()
    by_hand(read, f"UPDATE event SET value = '6', hash = '{hash_of(event)}' WHERE seq = 20")

    assert any("event 21" in one and "does not follow" in one for one in told(read))


def _named(columns, row):
    from dataclasses import fields

    from app.studies.log import Event

    found = dict(zip((name.strip() for name in columns.split(",")), row, strict=True))
    return [found[field.name] for field in fields(Event)]


def test_a_changed_order_is_told_even_where_the_log_is_whole(read):
    by_hand(read, "UPDATE trial_truth SET left_case = 'ours-1' WHERE trial_id = 'R02-003'")

    assert "table trial_truth, row R02-003" in told(read)[0]


def test_a_line_of_the_text_copy_changed_by_hand_is_named(read):
    lines = (read / MIRROR).read_text("utf-8").splitlines()
    row = json.loads(lines[9])
    lines[9] = json.dumps({**row, "reader_id": "R02"})
    (read / MIRROR).write_text("\n".join(lines) + "\n", "utf-8")

    (fault,) = told(read)
    assert "line 10" in fault and "reader_id: the one in study.sqlite" in fault


def test_a_damaged_file_is_told_and_not_opened(read):
    (read / DATABASE).write_bytes(b"not a database at all" * 100)

    assert "cannot be read" in told(read)[0] or "damaged" in told(read)[0]


def test_a_picture_that_was_changed_or_lost_is_named(tmp_path):
    made = study()
    good, bad = b"a picture", b"another"
    checksums = [hashlib.sha256(one).hexdigest() for one in (good, bad)]
    cases = tuple(replace(case, sha256=checksums[n % 2]) for n, case in enumerate(made.cases))
    opened(tmp_path, replace(made, cases=cases)).close_file()
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / f"{checksums[0]}.png").write_bytes(good)
    assert [one.what for one in verify(tmp_path)] == ["The picture is missing."]

    (tmp_path / "pictures" / f"{checksums[1]}.png").write_bytes(good)
    assert [one.what for one in verify(tmp_path)] == ["The picture was changed."]


def test_a_study_is_made_new_from_its_text_copy_alone(read, tmp_path):
    before = open_store(read)
    events, design = before.log.events(), before.design()
    new = tmp_path / "new"

    assert rebuild(read / MIRROR, new) == len(events)

    store = open_store(new)
    assert store.log.events() == events and store.design() == design
    assert store.for_reader("R01") is None and store.for_reader("R02") == before.for_reader("R02")
    assert verify(new) == []
    store.submit("R02", "R02-001", {"source": 1}, "goes on")
    assert verify(new) == []


def test_a_lost_file_is_made_new_in_its_own_folder(read):
    (read / DATABASE).unlink()

    rebuild(read / MIRROR, read)

    assert verify(read) == []


def test_a_text_copy_with_a_changed_line_is_refused_with_the_line(read, tmp_path):
    lines = (read / MIRROR).read_text("utf-8").splitlines()
    row = json.loads(lines[9])
    lines[9] = json.dumps({**row, "reason": "because"})
    (read / MIRROR).write_text("\n".join(lines) + "\n", "utf-8")

    with pytest.raises(StudyError, match="Line 10"):
        rebuild(read / MIRROR, tmp_path / "new")
    assert not (tmp_path / "new").exists()
