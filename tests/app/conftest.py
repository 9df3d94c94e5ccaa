"""What several tests of the application begin with."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from app.settings import Settings
from app.studies import log
from app.studies.intake import Intake
from app.studies.shelf import Shelf
from app.studies.simulation import simulated_study
from tests.app.fake_engine import FakeEngine
from tests.app.served import application
from tests.app.study_asked import Asked

PORT = 7860  # of the addresses that the guard lets through; nothing listens on it
COOKIE = f"xreal_session_{PORT}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The ASGI application with the fake engine behind it, and its desk."""
    app, desk = application(FakeEngine(), Settings(port=PORT, data=tmp_path_factory.mktemp("data")))
    yield app, desk
    desk.jobs.close()


@pytest.fixture
def me(request):
    """A person of this test alone."""
    return f"me-{abs(hash(request.node.name)):024d}"[:40]


@pytest.fixture
def client(whole, me):
    """That person's browser."""
    opened = TestClient(whole[0], base_url=f"http://127.0.0.1:{PORT}", follow_redirects=False)
    opened.cookies.set(COOKIE, me)
    return opened


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Without waiting for the disk, as in tests/studies: nothing here is about power cuts."""
    monkeypatch.setattr(log, "SYNCHRONOUS", "OFF")
    monkeypatch.setattr(log.os, "fsync", lambda _: None)
    made = Shelf(tmp_path / "studies")
    yield made
    made.close()


@pytest.fixture
def intake(tmp_path):
    return Intake(tmp_path / "arriving")


@pytest.fixture
def asked(shelf, intake):
    return Asked(shelf, intake)


@pytest.fixture
def running(asked, shelf):
    """A study that is open, with readers who have answered some trials; its view."""
    study = simulated_study("turing", 2, 20, 3)
    cases = tuple(replace(case, sha256="") for case in study.cases)
    store = shelf.begin(replace(study, title="Running", cases=cases), "")
    store.freeze()
    store.open_reading()
    return asked.get(f"/{store.folder.name}").json()
