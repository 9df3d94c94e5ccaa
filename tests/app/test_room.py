"""A disk without room is seen before a document is saved or a file leaves, and nothing is lost."""

from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest

from app.document.autosave import Documents
from app.document.project import snapshot
from app.document.session import Sessions
from engine import files
from engine.errors import NoRoom
from engine.ledger import LONGEST_LINE, NAME
from tests.app.test_autosave import assert_same, home, reopened, worked_in
from tests.app.test_document_routes import BITS, save, sent
from tests.app.test_server import made

Usage = namedtuple("Usage", "total used free")
EXPORTS = (
    "/api/project",
    "/api/masks",
    "/api/states/{}/recipe",
    "/api/states/{}/export",
    "/api/states/{}/export?bits=8&mark=corner",
    "/api/states/{}/export?kind=dicom",
)


@pytest.fixture
def disk(monkeypatch):
    """Says how much is free: ``disk(bytes)``."""

    def free(size):
        usage = Usage(10**12, 10**12 - size, size)
        monkeypatch.setattr(files.shutil, "disk_usage", lambda folder: usage)

    return free


@pytest.fixture
def number(whole, me, client):
    """Of a state in a document that is drawn on and saved."""
    session = whole[1].sessions.of(me)
    found = made(session).number
    assert save(client, sent(session, BITS)).json()["fault"] is None
    return found


def lines(whole):
    ledger = whole[1].settings.data / NAME
    return ledger.read_bytes() if ledger.exists() else b""


@pytest.mark.parametrize("path", EXPORTS)
def test_no_file_leaves_where_the_disk_has_no_room_for_it(whole, client, number, disk, path):
    before = lines(whole)
    disk(1000)

    answer = client.get(path.format(number))

    assert answer.status_code == 507
    assert answer.text.startswith("The disk has 0.0 MB free and this file needs about ")
    assert "nothing is lost" in answer.text and "another disk" in answer.text
    assert lines(whole) == before


@pytest.mark.parametrize("path", EXPORTS)
def test_a_file_for_another_disk_leaves_anyway(client, number, disk, path):
    disk(1000)
    joined = path.format(number) + ("&" if "?" in path else "?") + "anyway=true"

    assert client.get(joined).status_code == 200


def test_room_for_exactly_the_file_and_its_line_is_enough(client, number, disk):
    path = f"/api/states/{number}/export"
    size = len(client.get(path).content) + LONGEST_LINE

    disk(size)
    assert client.get(path).status_code == 200
    disk(size - 1)
    assert client.get(path).status_code == 507


def test_a_server_does_not_ask_its_disk_about_files_of_other_computers(
    whole, client, number, disk, monkeypatch
):
    disk(1000)
    others = replace(whole[1].settings, host="192.0.2.7")
    monkeypatch.setattr(whole[1], "settings", others)

    assert client.get(f"/api/states/{number}/export").status_code == 200


def test_a_save_without_room_writes_nothing_and_keeps_what_was_saved(tmp_path, disk):
    session, sessions = worked_in(), Sessions(Documents(tmp_path))
    sessions.save(session)
    whole = snapshot(session)
    before = sorted(home(tmp_path, session).rglob("*"))
    session.report = "Newer."

    disk(1000)
    sessions.save(session)

    assert session.fault is not None
    assert session.fault.startswith("the disk has 0.0 MB free and this save needs about 0.1 MB. ")
    assert "What was saved before is kept." in session.fault
    assert sorted(home(tmp_path, session).rglob("*")) == before
    assert_same(whole, snapshot(reopened(tmp_path)))

    disk(10**9)
    sessions.save(session)
    assert session.fault is None and reopened(tmp_path).report == "Newer."


def test_a_save_needs_room_for_what_is_new_only(tmp_path, disk):
    session, documents = worked_in(), Documents(tmp_path)
    drawing = session.drawing
    assert drawing is not None
    noise = np.random.default_rng(0).integers(0, 2**28, (400, 400), np.uint32)  # gzip is no help
    session.drawing = replace(drawing, bits=noise)

    disk(300_000)  # less than the drawing of 640 kB
    with pytest.raises(NoRoom, match=r"this save needs about 0\.[78] MB"):
        documents.save(session)
    disk(10**9)
    documents.save(session)
    disk(300_000)
    session.report = "Newer."
    documents.save(session)

    assert reopened(tmp_path).report == "Newer."
