"""After the program was killed: runs are lost and said to be, half documents are set aside."""

import time

import pytest

from app.document import saves
from app.document.archive import manifest
from app.document.autosave import Documents
from app.document.project import snapshot
from app.document.recovery import ASIDE, recover
from app.document.session import Sessions
from app.runs.jobs import Jobs
from app.runs.journal import KEPT, Journal
from app.runs.loading import Loading
from engine import files
from engine.api import GenerateRequest
from engine.errors import DiskFull, InvalidRequest
from tests.app.fake_engine import FakeEngine
from tests.app.test_project import ME, assert_same, worked_in
from tests.failing_disk import FULL, FailingDisk

OTHER = "other-01234567890123456"


def table(folder, engine=None):
    loading = Loading(lambda: engine or FakeEngine())
    jobs = Jobs(loading, Journal(folder))
    loading.start()
    jobs.start()
    return jobs


def send(jobs, id, owner=ME):
    jobs.submit(id, owner, "generate", (GenerateRequest(),), lambda result, request: 1)


@pytest.mark.case(50)
def test_runs_that_had_not_ended_are_lost_after_a_kill_and_never_run_again(tmp_path):
    engine = FakeEngine()
    engine.gate.clear()
    killed = table(tmp_path, engine)
    send(killed, "job-0001")
    send(killed, "job-0002")

    engine_after = FakeEngine()
    again = table(tmp_path, engine_after)  # a new life of the program, without an end of the old

    for id in ("job-0001", "job-0002"):
        view = again.view(id, ME)
        assert (view.state, view.verb) == ("lost", "generate")
        assert "XReal Studio ended while this run" in view.sentence
        assert again.view(id, OTHER).state == "unknown"
    with pytest.raises(InvalidRequest, match="already sent"):
        send(again, "job-0001")
    assert engine_after.requests == []
    send(again, "job-0003")
    assert again.wait("job-0003", ME).state == "done"
    engine.gate.set()
    killed.close()


def test_runs_that_ended_leave_nothing_behind(tmp_path):
    jobs = table(tmp_path)
    send(jobs, "job-0001")
    assert jobs.wait("job-0001", ME).state == "done"
    assert list(tmp_path.iterdir()) == []
    assert table(tmp_path).view("job-0001", ME).state == "unknown"


def test_what_was_lost_long_ago_is_forgotten(tmp_path, monkeypatch):
    Journal(tmp_path).begin(ME, "job-0001", "generate")
    assert Journal(tmp_path).lost(ME, "job-0001") == "generate"
    now = time.time()
    monkeypatch.setattr("app.runs.journal.time.time", lambda: now + KEPT + 1)
    assert Journal(tmp_path).lost(ME, "job-0001") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.case(52)
def test_a_run_that_cannot_be_noted_does_not_begin(tmp_path, monkeypatch):
    engine = FakeEngine()
    jobs = table(tmp_path, engine)
    monkeypatch.setattr(files, "disk", FailingDisk(1, FULL))
    with pytest.raises(DiskFull):
        send(jobs, "job-0001")
    monkeypatch.undo()

    assert jobs.view("job-0001", ME).state == "unknown" and engine.requests == []
    send(jobs, "job-0001")
    assert jobs.wait("job-0001", ME).state == "done"


def saved(folder, title="Fall 7"):
    session = worked_in()
    session.title = title
    Documents(folder).save(session)
    return session, folder / saves.owner(session.id) / session.doc


@pytest.mark.parametrize("harm", ["manifest", "part", "no save at all"])
def test_a_document_without_a_whole_save_is_set_aside_and_its_owner_is_told_once(tmp_path, harm):
    _, home = saved(tmp_path)
    whole, _ = saved(tmp_path, "Another")
    parts = sorted((home / "parts").iterdir())
    kept = {path.name: path.read_bytes() for path in parts[1:]}
    if harm == "manifest":
        saves.saves_of(home)[0].write_bytes(b'{"format":')
    elif harm == "part":
        parts[0].write_bytes(b"")
    else:
        saves.saves_of(home)[0].unlink()

    assert recover(tmp_path) == 1
    session = Sessions(Documents(tmp_path)).of(ME)

    assert_same(snapshot(whole), snapshot(session))
    assert "One document was found half written" in session.notice
    assert "Nothing was deleted" in session.notice
    (aside,) = [path for path in (home.parent / ASIDE).iterdir() if path.is_dir()]
    assert all((aside / "parts" / name).read_bytes() == data for name, data in kept.items())
    assert Sessions(Documents(tmp_path)).of(ME).notice is None, "it is said twice"
    assert recover(tmp_path) == 0


def test_whole_documents_and_those_of_a_newer_version_stay_where_they_are(tmp_path):
    _, home = saved(tmp_path)
    newer, other = saved(tmp_path)
    told = manifest(snapshot(newer), []).replace(b'"schema": ', b'"schema": 9')
    saves.saves_of(other)[0].write_bytes(told)

    assert recover(tmp_path) == 0
    assert home.is_dir() and other.is_dir()
