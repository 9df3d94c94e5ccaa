"""Steps to take back: the browser's own bytes, for one revision of one drawing."""

import pytest
from starlette.testclient import TestClient

from app.document.steps import MOST_BYTES
from tests.app.test_autosave import home
from tests.app.test_document_routes import BITS, OTHER, save, sent
from tests.app.test_server import COOKIE, OURS, PORT


@pytest.fixture
def session(whole, me, client):
    """A document whose drawing is saved as revision 7."""
    found = whole[1].sessions.of(me)
    assert save(client, sent(found, BITS, rev=7)).json()["fault"] is None
    return found


def keep(client, session, data, rev=7, doc=None):
    told = {"doc": doc or session.doc, "rev": rev}
    return client.post("/api/steps", params=told, content=data, headers=OURS)


def kept(client, session, rev=7):
    return client.get("/api/steps", params={"doc": session.doc, "rev": rev})


def test_steps_come_back_for_the_revision_they_were_made_for(client, session):
    assert kept(client, session).status_code == 204
    keep(client, session, b"older")
    keep(client, session, b"steps")

    assert kept(client, session).content == b"steps"
    assert kept(client, session, 6).status_code == kept(client, session, -1).status_code == 204


def test_steps_of_a_drawing_that_is_not_saved_are_not_kept(whole, client, session):
    keep(client, session, b"steps", rev=8)
    keep(client, session, b"steps", doc="0123456789abcdef")

    assert kept(client, session, 8).status_code == 204
    assert not (home(whole[1].settings.documents, session) / "steps").exists()


def test_steps_are_their_owners(whole, client, session):
    keep(client, session, b"steps")
    other = TestClient(whole[0], base_url=f"http://127.0.0.1:{PORT}")
    other.cookies.set(COOKIE, OTHER)

    assert kept(other, session).status_code == 204


def test_more_steps_than_a_page_sends_are_refused(client, session):
    keep(client, session, b"steps")

    assert keep(client, session, b"x" * (MOST_BYTES + 1)).status_code == 413
    assert kept(client, session).content == b"steps"


def test_steps_go_with_their_document(whole, client, session):
    keep(client, session, b"steps")
    folder = home(whole[1].settings.documents, session)
    assert (folder / "steps").exists()
    doc = session.doc
    whole[1].told(session, {"kind": "new"})

    client.post(f"/api/documents/{doc}/delete", headers=OURS)

    assert not folder.exists()
