"""What the page asks is about the document and the picture that it shows, not what came since."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest

from app.document.project import become, empty
from app.document.session import State
from app.settings import Settings
from tests.app.fake_engine import FakeEngine
from tests.app.served import application
from tests.app.test_panels import CHEST, SIDE, drawing, form

ME = "me-0123456789-0123456789"


@pytest.fixture
def desk(tmp_path):
    _, found = application(FakeEngine(), Settings(data=tmp_path, browser=False))
    yield found
    found.jobs.close()


def film(number, **told):
    image = np.full((SIDE, SIDE), 0.5, np.float32)
    return State(number=number, name="Opened", kind="opened", image=image, bits=8,
                 origin="real", **told)  # fmt: skip


def pressed(desk, drawn, id):
    desk.start(desk.sessions.of(ME), drawn, json.dumps({"job": id}), form())
    return desk.jobs.wait(id, ME)


def test_a_run_of_a_document_that_was_left_is_refused_and_changes_nothing(desk):
    session = desk.sessions.of(ME)
    before = replace(drawing(*CHEST), doc="former")
    assert pressed(desk, before, "job-00001").state == "done"
    assert session.doc == "former"

    become(session, empty())
    late = pressed(desk, before, "job-00002")

    assert late.state == "failed" and "Another document" in late.sentence
    assert session.drawing is None and not session.states and session.doc != "former"


def test_a_page_that_outlives_the_program_goes_on_with_its_document(desk):
    made = pressed(desk, replace(drawing(*CHEST), doc="of-before"), "job-00001")

    assert made.state == "done"
    assert desk.sessions.of(ME).doc == "of-before"


@pytest.mark.parametrize("choice", ["accept", "discard"])
def test_only_the_proposal_that_is_seen_is_decided(desk, choice):
    session = desk.sessions.of(ME)
    session.add(film)
    session.add(lambda n: film(n, proposal=True))

    desk.told(session, {"kind": choice, "state": 1, "rev": 0})
    assert session.states[2].proposal

    desk.told(session, {"kind": choice, "state": 2, "rev": 0})
    assert 2 not in session.states or not session.states[2].proposal


class Slow(FakeEngine):
    """Models that nobody would wait for at standard, as published ones on a processor."""

    def defaults(self, verb, quality=None):
        return replace(super().defaults(verb, quality), quality=quality or "draft")


def change(desk, opened):
    with desk.loading.lent(threading.Event()):
        pass  # the first models are there
    there = threading.Event()
    desk.loading.change(opened, lambda failure: there.set())
    assert there.wait(60)


def test_the_quality_follows_the_models_until_a_person_chooses(desk):
    mine, yours = (desk.sessions.of(f"{who}-0123456789-0123456789") for who in ("me", "you"))
    assert desk.all(mine).quality == desk.all(yours).quality == "Standard"

    desk.filled(yours, form(quality="Fine"))
    change(desk, Slow)

    assert desk.loaded(mine).quality == "Draft"
    assert desk.status(mine)["quality"] == "Draft"
    assert desk.loaded(yours).quality == desk.all(yours).quality == "Fine"

    desk.filled(mine, form(quality="Draft", report="typed meanwhile"))
    change(desk, FakeEngine)
    assert desk.all(mine).quality == "Standard"
    assert mine.form.quality == "Standard" and mine.form.report == "typed meanwhile"
