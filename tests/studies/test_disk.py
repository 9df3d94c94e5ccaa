"""Killed, full, moved, shared: what is acknowledged is on the disk, and once."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from app.studies import drives, log, schema
from app.studies.errors import NotSaved, StudyError
from app.studies.exporting import export
from app.studies.replay import verify
from app.studies.store import create, open_store
from engine.errors import NoRoom
from tests.studies.small import opened, read_all, study

ROOT = Path(__file__).parents[2]
ANSWER = {"source": 2}


def submits(store):
    return [event.trial_id for event in store.log.events("kind = 'trial_submitted'")]


KILLED = """
import sys
from pathlib import Path
from app.studies.store import open_store
store = open_store(Path(sys.argv[1]))
while shown := store.for_reader("R01"):
    store.answer("R01", shown.trial_id, "source", 3, "c-" + shown.trial_id)
    saved = store.submit("R01", shown.trial_id, {"source": 3}, "s-" + shown.trial_id)
    sys.stdout.write(f"{shown.trial_id}\\n")
    sys.stdout.flush()
"""


@pytest.mark.case(53)
def test_no_acknowledged_answer_is_lost_when_the_process_is_killed(tmp_path):
    """Forty times, after an acknowledgement or three, at whatever point of the next answer."""
    store = opened(tmp_path, study(scenes=160, gap=4))
    stored = [trial.trial_id for trial in store.design().of_reader("R01")]
    store.close_file()
    told: list[str] = []
    for kill in range(40):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert process.stdout
        told += [process.stdout.readline().decode().strip() for _ in range(1 + kill % 3)]
        process.kill()
        told += process.stdout.read().decode().split()
        process.wait()

    store = open_store(tmp_path)

    kept = submits(store)
    assert len(told) >= 79 and "" not in told
    assert set(told) <= set(kept) and len(kept) == len(set(kept))
    assert kept == stored[: len(kept)]
    assert verify(tmp_path) == []


FORTY_LIVES = f"""
import os, random, select, signal, sys, time
chance = random.Random(53)
import app.studies.store
for _ in range(40):
    heard, told = os.pipe()
    life = os.fork()
    if life == 0:
        os.dup2(told, 1)
        exec({KILLED!r})
        os._exit(0)
    os.close(told)
    first = os.read(heard, 65536)
    time.sleep(chance.uniform(0, 0.03))
    os.kill(life, signal.SIGKILL)
    os.waitpid(life, 0)
    while first:
        sys.stdout.write(first.decode())
        first = os.read(heard, 65536)
    os.close(heard)
"""


@pytest.mark.case(53)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks the forty lives of the program")
def test_forty_kills_lose_no_acknowledged_answer_and_keep_none_twice(tmp_path):
    """Each some milliseconds after its first acknowledgement, so in the middle of the next ones."""
    store = opened(tmp_path, study(scenes=150, gap=4))
    stored = [trial.trial_id for trial in store.design().of_reader("R01")]
    store.close_file()

    done = subprocess.run(
        [sys.executable, "-c", FORTY_LIVES, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    told = done.stdout.split()
    assert done.returncode == 0 and len(told) >= 40, done.stderr

    store = open_store(tmp_path)
    kept = submits(store)
    assert set(told) <= set(kept) and len(kept) == len(set(kept))
    assert kept == stored[: len(kept)]
    assert len(kept) < len(stored), "the study was too short for forty lives"
    assert verify(tmp_path) == []
    assert store.log.rows("PRAGMA integrity_check")[0][0] == "ok"


def test_a_line_that_a_crash_cut_off_is_mended_at_the_next_opening(tmp_path):
    store = opened(tmp_path)
    store.submit("R01", "R01-001", ANSWER, "one")
    store.close_file()
    mirror = tmp_path / log.MIRROR
    whole = mirror.read_bytes()
    mirror.write_bytes(whole[:-40])
    assert verify(tmp_path) != []

    open_store(tmp_path)

    assert mirror.read_bytes() == whole
    assert verify(tmp_path) == []


def test_an_older_file_put_back_beside_a_newer_text_copy_is_not_gone_on_with(tmp_path):
    store = opened(tmp_path)
    older = store.back_up().read_bytes()
    store.submit("R01", "R01-001", ANSWER, "one")
    store.close_file()
    mirror = (tmp_path / log.MIRROR).read_bytes()
    (tmp_path / log.DATABASE).write_bytes(older)

    with pytest.raises(StudyError, match="does not hold"):
        open_store(tmp_path)
    assert (tmp_path / log.MIRROR).read_bytes() == mirror


def test_a_lost_text_copy_is_written_again_whole(tmp_path):
    store = opened(tmp_path)
    before = (tmp_path / log.MIRROR).read_bytes()
    (tmp_path / log.MIRROR).unlink()

    store.submit("R01", "R01-001", ANSWER, "one")

    assert (tmp_path / log.MIRROR).read_bytes().startswith(before)
    assert verify(tmp_path) == []


def test_a_creation_that_was_broken_off_is_told_and_can_be_done_again(tmp_path):
    log.Log(tmp_path).close()
    with pytest.raises(StudyError, match="never finished"):
        open_store(tmp_path)

    assert create(tmp_path, study()).phase == "draft"


@pytest.mark.case(52)
def test_a_full_disk_is_told_and_the_same_press_saves_it_later(tmp_path):
    store = opened(tmp_path)
    pages = store.log.rows("PRAGMA page_count")[0][0]
    store.log.rows(f"PRAGMA max_page_count = {pages}")
    remark = {"source": 2, "remark": "x" * 4000}
    with pytest.raises(NotSaved, match="disk is full"):
        for n in range(1, 20):
            store.submit("R01", f"R01-{n:03d}", remark, f"press {n}")
    trial = store.for_reader("R01").trial_id
    kept = submits(store)
    store.log.rows("PRAGMA max_page_count = 100000")

    store.submit("R01", trial, remark, f"press {int(trial[-3:])}")

    assert submits(store) == [*kept, trial]
    assert verify(tmp_path) == []


def test_a_second_copy_that_cannot_be_written_is_told_and_made_up_for(tmp_path, monkeypatch):
    store = opened(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log.os, "fsync", full)
    with pytest.raises(NotSaved, match="second copy"):
        store.submit("R01", "R01-001", ANSWER, "press")
    monkeypatch.undo()

    assert store.submit("R01", "R01-001", ANSWER, "press").again
    assert submits(store) == ["R01-001"]
    assert verify(tmp_path) == []


def test_a_clock_that_is_set_back_changes_no_order_and_no_time_taken(tmp_path):
    times = iter(datetime(2026, 1, 1, tzinfo=UTC) - timedelta(hours=n) for n in range(500))
    store = create(tmp_path, study(), clock=lambda: next(times))
    store.freeze()
    store.open_reading()
    order = read_all(store, "R01")
    store.close_reading("PI")

    assert order == submits(store)
    assert all(reading.seconds >= 0 for reading in store.readings())
    assert verify(tmp_path) == []


def test_thirty_readers_at_once_lose_nothing_and_mix_nothing(tmp_path):
    store = opened(tmp_path, study("turing", scenes=4, readers=30, gap=2))
    threads = [Thread(target=read_all, args=(store, f"R{n:02d}")) for n in range(1, 31)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for reader in range(1, 31):
        mine = [one for one in submits(store) if one.startswith(f"R{reader:02d}")]
        assert mine == [trial.trial_id for trial in store.design().of_reader(f"R{reader:02d}")]
    assert verify(tmp_path) == []


def test_two_processes_on_one_study_keep_one_chain_and_one_text_copy(tmp_path):
    first = opened(tmp_path)
    second = open_store(tmp_path)
    for n in range(1, 4):
        first.submit("R01", f"R01-{n:03d}", ANSWER, f"a{n}")
        second.submit("R02", f"R02-{n:03d}", ANSWER, f"b{n}")

    assert verify(tmp_path) == []
    assert len(submits(first)) == 6


def test_an_older_file_is_brought_up_and_a_newer_one_is_left_alone(tmp_path):
    store = opened(tmp_path)
    store.submit("R01", "R01-001", ANSWER, "one")
    store.close_file()
    raw = sqlite3.connect(tmp_path / log.DATABASE)
    indices = "SELECT name FROM sqlite_master WHERE name LIKE 'event_of_%'"
    for (name,) in raw.execute(indices).fetchall():
        raw.execute(f"DROP INDEX {name}")
    raw.execute("PRAGMA user_version = 1")
    raw.commit()

    store = open_store(tmp_path)
    assert store.log.rows("PRAGMA user_version") == [(schema.VERSION,)]
    assert submits(store) == ["R01-001"]
    store.close_file()
    raw.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    raw.commit()

    with pytest.raises(StudyError, match="newer version"):
        open_store(tmp_path)


@pytest.mark.parametrize("kind", ["nfs4", "cifs"])
def test_a_folder_on_a_network_drive_is_known_by_the_mount_it_lies_under(tmp_path, kind):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"disk / ext4 rw 0 0\nserver:/x /mnt/ward\\040two {kind} rw 0 0\n")

    assert drives.is_on_network(Path("/mnt/ward two/study"), mounts)
    assert not drives.is_on_network(Path("/mnt/other"), mounts)
    assert not drives.is_on_network(Path("/mnt/x"), tmp_path / "none")


def test_creating_on_a_network_drive_is_refused_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(drives, "is_on_network", lambda *_: True)

    with pytest.raises(StudyError, match="network drive"):
        create(tmp_path / "study", study())
    assert not (tmp_path / "study").exists()


def test_a_commit_waits_until_the_disk_has_it(tmp_path, real_disk, monkeypatch):
    flushed = []
    really = log.os.fsync
    store = opened(tmp_path)
    monkeypatch.setattr(log.os, "fsync", lambda fd: (flushed.append(fd), really(fd)))

    store.submit("R01", "R01-001", ANSWER, "one")

    assert store.log.rows("PRAGMA journal_mode") == [("delete",)]
    assert store.log.rows("PRAGMA synchronous") == [(3,)]  # EXTRA
    assert len(flushed) == 1


def nearly_full(monkeypatch, free: int) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))


def test_a_backup_without_room_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    store = opened(tmp_path)
    before = store.back_up()
    store.submit("R01", "R01-001", ANSWER, "press")
    nearly_full(monkeypatch, 1000)
    with pytest.raises(NoRoom, match=r"0\.0 MB free and this backup needs about .* No answer"):
        store.back_up()
    assert list((tmp_path / "backups").iterdir()) == [before]

    monkeypatch.undo()
    with closing(sqlite3.connect(store.back_up())) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert copy.execute("SELECT count(*) FROM event WHERE kind = 'trial_submitted'").fetchone()[
            0
        ]


def test_a_full_disk_refuses_neither_an_answer_nor_the_close(tmp_path, monkeypatch):
    store = opened(tmp_path)
    nearly_full(monkeypatch, 1000)
    read_all(store, "R01")  # a backup is due at the end of each session
    with pytest.raises(StudyError, match=r"closed and every answer is kept, but no backup"):
        store.close_reading("PI")
    assert store.phase == "closed"


def test_a_report_without_room_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    store = opened(tmp_path / "study")
    read_all(store, "R01")
    store.close_reading("PI")
    store.unblind("PI")
    nearly_full(monkeypatch, 1000)
    with pytest.raises(NoRoom, match=r"this report needs about 1.* MB. Nothing was written"):
        export(store, tmp_path / "study" / "exports" / "report-001", "PI")
    assert not (tmp_path / "study" / "exports" / "report-001").exists()
