"""What was saved is there after the program is gone; what could not be saved is said."""

import errno
import gc
import os
import threading
import weakref

import numpy as np
import pytest

from app.document import archive, autosave, project_reading
from app.document.autosave import Documents
from app.document.opening import open_picture
from app.document.project import become, empty, snapshot
from app.document.session import Session, Sessions
from engine.errors import EngineError
from engine.files import write_whole
from tests.app.test_project import ME, assert_same, worked_in
from tests.app.test_session import opened
from tests.engine.dicom.films import chest, film


def reopened(folder, id=ME):
    """The session as a program that was started anew finds it."""
    return Sessions(Documents(folder)).of(id)


def home(folder, session):
    return folder / autosave.owner(session.id) / session.doc


def test_a_program_started_anew_finds_the_document_as_it_was(tmp_path):
    session = worked_in()
    Documents(tmp_path).save(session)

    again = reopened(tmp_path)

    assert_same(snapshot(session), snapshot(again))
    assert again.notice is None and again.saved is not None


def test_the_name_of_a_document_is_inside_its_files_only(tmp_path):
    session = worked_in()
    session.title = "DOE^JOHN"
    Documents(tmp_path).save(session)

    names = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")]
    assert not any("DOE" in name or ME in name for name in names)


def test_only_what_changed_is_written(tmp_path):
    session, documents = worked_in(), Documents(tmp_path)
    documents.save(session)
    parts = home(tmp_path, session) / "parts"
    before = {path.name: path.stat().st_mtime_ns for path in parts.iterdir()}

    session.report = "Other words."
    documents.save(session)

    after = {path.name: path.stat().st_mtime_ns for path in parts.iterdir()}
    assert len(set(after) - set(before)) == 1  # the list of contents
    assert all(after[name] == time for name, time in before.items())


def test_the_newest_twenty_saves_are_kept_with_their_parts(tmp_path):
    session, documents = worked_in(), Documents(tmp_path)
    for number in range(25):
        session.report = f"Version {number}."
        documents.save(session)

    folder = home(tmp_path, session)
    saves = autosave.saves_of(folder)
    assert len(saves) == 20
    assert [autosave.read_save(folder, s)[0].report for s in saves] == [
        f"Version {n}." for n in range(5, 25)
    ]


@pytest.mark.parametrize("harm", ["manifest", "part"])
def test_a_damaged_save_falls_back_to_the_one_before_and_says_so(tmp_path, harm):
    session, documents = worked_in(), Documents(tmp_path)
    documents.save(session)
    whole = snapshot(session)
    opened(session)
    documents.save(session)
    folder = home(tmp_path, session)
    if harm == "manifest":
        autosave.saves_of(folder)[-1].write_bytes(b"{")
    else:
        newest = max((folder / "parts").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        newest.write_bytes(b"")

    again = reopened(tmp_path)

    assert_same(whole, snapshot(again))
    assert again.notice is not None and "was damaged" in again.notice


def test_a_document_without_a_whole_save_is_empty_and_says_so(tmp_path):
    session = worked_in()
    Documents(tmp_path).save(session)
    for save in autosave.saves_of(home(tmp_path, session)):
        save.write_bytes(b"")

    again = reopened(tmp_path)

    assert again.empty and again.notice is not None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_write_that_fails_is_said_and_leaves_the_save_before(tmp_path, monkeypatch, nth, code):
    session, sessions = worked_in(), Sessions(Documents(tmp_path))
    documents = sessions.keeper
    documents.save(session)
    whole = snapshot(session)
    opened(session)
    session.report = "Newer."
    count = 0

    def failing(path, data):
        nonlocal count
        count += 1
        if count == nth:
            raise EngineError("x") from OSError(code, os.strerror(code))
        write_whole(path, data)

    monkeypatch.setattr(autosave, "write_whole", failing)
    sessions.save(session)
    assert session.fault is not None
    assert ("disk is full" in session.fault) == (code == errno.ENOSPC)
    assert_same(whole, snapshot(reopened(tmp_path)))

    monkeypatch.undo()
    sessions.save(session)
    assert session.fault is None
    assert_same(snapshot(session), snapshot(reopened(tmp_path)))


def test_nobody_finds_the_documents_of_another_browser(tmp_path):
    session, documents = worked_in(), Documents(tmp_path)
    documents.save(session)
    other = "other-01234567890123456"

    assert documents.recent(other) == []
    assert documents.thumbnail(other, session.doc) is None
    assert not documents.open(Session(other), session.doc)
    documents.delete(other, session.doc)
    assert [saved.title for saved in documents.recent(ME)] == ["Fall 7"]


@pytest.mark.parametrize("doc", ["..", "../..", "/etc", "", ".", "a/b"])
def test_a_document_is_asked_for_by_a_plain_name(tmp_path, doc):
    documents = Documents(tmp_path)
    documents.save(worked_in())

    assert documents.thumbnail(ME, doc) is None
    documents.delete(ME, doc)
    assert len(documents.recent(ME)) == 1


def test_recent_documents_can_be_opened_and_deleted(tmp_path):
    first, documents = worked_in(), Documents(tmp_path)
    documents.save(first)
    second = worked_in()
    second.title = "Second"
    documents.save(second)

    assert [saved.title for saved in documents.recent(ME)] == ["Second", "Fall 7"]
    assert documents.thumbnail(ME, first.doc).startswith(b"\x89PNG")
    session = reopened(tmp_path)
    assert session.title == "Second"
    assert documents.open(session, first.doc) and session.title == "Fall 7"
    assert reopened(tmp_path).title == "Fall 7"  # it is the one at work now
    documents.delete(ME, first.doc)
    assert [saved.title for saved in documents.recent(ME)] == ["Second"]


def test_the_oldest_documents_give_way_where_the_folder_is_full(tmp_path):
    random = np.random.default_rng(0)
    documents = Documents(tmp_path, most_bytes=30_000)
    titles = []
    for number in range(4):
        session = Session(ME)
        session.title = f"Case {number}"
        opened(session)
        session.drawing = None
        session.states[1].image[:] = random.random((64, 64)).astype(np.float32).round(2)
        codes = np.round(session.states[1].image * 65535)
        session.states[1].image[:] = (codes / np.float32(65535)).astype(np.float32)
        documents.save(session)
        titles.append(session.title)
    kept = [saved.title for saved in documents.recent(ME)]
    assert kept and kept[0] == "Case 3" and "Case 0" not in kept


def test_a_film_of_twelve_bits_is_there_again(tmp_path):
    (tmp_path / "film").write_bytes(film(chest(64, 48)))
    session = Session(ME)
    open_picture(session, tmp_path / "film")
    assert session.states[1].bits == 12
    Documents(tmp_path / "documents").save(session)

    assert_same(snapshot(session), snapshot(reopened(tmp_path / "documents")))


@pytest.mark.parametrize("limit", ["states", "bytes"])
def test_what_could_not_be_read_again_is_said_and_leaves_the_save_before(
    tmp_path, monkeypatch, limit
):
    session, sessions = worked_in(), Sessions(Documents(tmp_path))
    sessions.save(session)
    whole = snapshot(session)
    if limit == "states":
        monkeypatch.setattr(project_reading, "MOST_STATES", len(session.states))
    else:
        monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    opened(session)
    sessions.save(session)
    assert session.fault is not None and "larger than can be opened again" in session.fault

    monkeypatch.undo()
    assert_same(whole, snapshot(reopened(tmp_path)))


@pytest.mark.parametrize("doc", ["../../evil", "/evil", "a/b", "", "x" * 65])
def test_nothing_is_written_beside_the_folder(tmp_path, doc):
    session = worked_in()
    session.doc = doc
    with pytest.raises(EngineError):
        Documents(tmp_path / "documents").save(session)
    assert list(tmp_path.iterdir()) == []


def test_the_pictures_of_a_document_that_was_left_do_not_stay_in_memory(tmp_path):
    session, documents = worked_in(), Documents(tmp_path)
    documents.save(session)
    image = weakref.ref(session.states[1].image)
    become(session, empty())
    documents.save(session)
    gc.collect()
    assert image() is None


def test_a_document_that_is_being_saved_does_not_give_way(tmp_path):
    busy, documents = worked_in(), Documents(tmp_path, most_bytes=1)
    documents.save(busy)
    with documents._of(busy.id):  # as while its parts are written
        thread = threading.Thread(
            target=documents.save, args=(Session("other-01234567890123456", report="Words."),)
        )
        thread.start()
        thread.join(60)
    assert_same(snapshot(busy), snapshot(reopened(tmp_path)))
