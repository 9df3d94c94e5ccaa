"""From a press of the run button to the history: several findings, again, tried again, counted."""

import gc
import json
import weakref
from dataclasses import replace

import numpy as np
import pytest

from app.canvas.drawing import ERASE, Drawing, FindingRegion
from app.document.holding import held_of, with_findings
from app.document.project import become, empty
from app.document.session import Session, State
from app.pages.changes import Changes
from app.pages.form import LONGEST_NAME
from app.pages.running import Chain, Running
from app.panels import insert
from app.runs.jobs import Jobs
from app.runs.loading import Loading
from engine.api import EraseRequest, Finding, InsertRequest, Result
from tests.app.fake_engine import FakeEngine
from tests.app.test_panels import CHEST, SIDE, drawing, form

A = FindingRegion(4, "A", "effusion")
B = FindingRegion(5, "B", "pneumothorax")
TWO = drawing(*CHEST, (4, 20, 30, 40, 50), (5, 12, 18, 10, 16), findings=[A, B])


class Table:
    """A person at the page: presses, and what is in the history then."""

    def __init__(self):
        self.engine = FakeEngine()
        loading = Loading(lambda: self.engine)
        loading.start()
        self.jobs = Jobs(loading)
        self.jobs.start()
        self.running = Running(loading, self.jobs)
        self.session = Session("me-0123456789-0123456789")
        self.count = 0
        image = np.full((SIDE, SIDE), 0.5, np.float32)
        self.session.add(
            lambda n: State(number=n, name="Opened", kind="opened", image=image, bits=8,
                            origin="real")
        )  # fmt: skip

    def press(self, drawn: Drawing, told=None, **values):
        self.count += 1
        id = f"job-{self.count:05d}"
        call = json.dumps({"job": id, **(told or {})})
        self.running.start(self.session, drawn, call, form(**values))
        return self.jobs.wait(id, self.session.id)

    def history(self):
        return [(s.number, s.name, s.parent) for s in self.session.states.values()]


@pytest.fixture
def table():
    return Table()


def test_each_finding_becomes_a_state_of_its_own_in_the_order_of_the_list(table):
    view = table.press(TWO, verb="Insert")
    assert view.state == "done" and view.pictures == (3,)
    assert table.history() == [(1, "Opened", None), (2, "Effusion", 1), (3, "Pneumothorax", 2)]
    first, second = (table.session.states[n].image for n in (2, 3))
    assert (first != 0.5).sum() == 100 and (second != 0.5).sum() == 136


def test_the_order_of_the_list_is_the_order_of_the_run(table):
    turned = drawing(*CHEST, (4, 20, 30, 40, 50), (5, 12, 18, 10, 16), findings=[B, A])
    table.press(turned, verb="Insert")
    assert [name for _, name, _ in table.history()] == ["Opened", "Pneumothorax", "Effusion"]


def test_what_is_in_the_picture_already_is_not_inserted_again(table):
    only_a = drawing(*CHEST, (4, 20, 30, 40, 50), findings=[A])
    table.press(only_a, verb="Insert")
    table.press(TWO, verb="Insert")
    assert [name for _, name, _ in table.history()] == ["Opened", "Effusion", "Pneumothorax"]


def test_one_finding_alone_can_be_inserted(table):
    table.press(TWO, {"only": 5}, verb="Generate")
    assert [name for _, name, _ in table.history()] == ["Opened", "Pneumothorax"]


def test_one_finding_is_made_again_into_the_picture_before_it(table):
    table.press(TWO, verb="Insert")
    requests = len(table.engine.requests)
    view = table.press(TWO, {"again": 5}, verb="Insert")
    assert view.state == "done"
    assert table.history()[-1] == (4, "Pneumothorax", 2)
    (request,) = table.engine.requests[requests:]
    np.testing.assert_array_equal(request.image, table.session.states[2].image)
    assert request.sampling.seed != table.engine.requests[requests - 1].sampling.seed


def test_a_finding_of_a_generated_picture_is_made_again_without_its_first_stage(table):
    table.press(TWO, verb="Generate")
    assert [name for _, name, _ in table.history()][1:] == [
        "Anatomy", "Effusion", "Effusion, pneumothorax",
    ]  # fmt: skip
    view = table.press(TWO, {"again": 4}, verb="Generate")
    assert view.state == "done"
    assert table.history()[-1] == (5, "Effusion", 2)  # the anatomy stays as it is
    assert isinstance(table.engine.requests[-1], InsertRequest)


def test_what_is_not_in_the_picture_cannot_be_made_again(table):
    view = table.press(TWO, {"again": 4}, verb="Insert")
    assert view.state == "failed" and "not in this picture yet" in view.sentence


def test_a_proposal_is_tried_again_with_another_seed_and_replaced(table):
    drawn = drawing((ERASE, 5, 9, 5, 15))
    table.press(drawn, verb="Erase")
    assert table.session.states[2].proposal
    view = table.press(drawn, {"retry": 2}, verb="Erase")
    assert view.state == "done"
    assert table.history() == [(1, "Opened", None), (3, "Erased", 1)]
    assert table.session.states[3].proposal and table.session.current == 3
    first, second = table.engine.requests[-2:]
    assert first.sampling.seed != second.sampling.seed
    np.testing.assert_array_equal(first.mask, second.mask)


def test_a_proposal_that_is_gone_cannot_be_tried_again(table):
    view = table.press(drawing((ERASE, 5, 9, 5, 15)), {"retry": 9}, verb="Erase")
    assert view.state == "failed" and "is gone" in view.sentence


def test_a_proposal_of_another_document_is_not_tried_again_in_this_one(table):
    drawn = drawing((ERASE, 5, 9, 5, 15))
    table.press(drawn, verb="Erase")
    left = table.session.states[2]
    become(table.session, empty())
    table.session.states = {2: replace(left, image=1 - left.image)}  # another film, same number

    view = table.press(drawn, {"retry": 2}, verb="Erase")

    assert view.state == "failed" and "is gone" in view.sentence
    assert list(table.session.states) == [2]


def test_a_name_in_the_history_is_short_whatever_the_words(table):
    long = [FindingRegion(bit, "A", f"effusion {'far ' * 60}{bit}") for bit in (4, 5)]
    table.press(drawing(*CHEST, (4, 20, 30, 40, 50), (5, 2, 8, 2, 8), findings=long))
    name = list(table.session.states.values())[-1].name
    assert name.startswith("Effusion far") and len(name) <= LONGEST_NAME


def test_a_run_that_has_ended_holds_no_document(table):
    table.press(drawing((ERASE, 5, 9, 5, 15)), verb="Erase")
    session, table.session = weakref.ref(table.session), None
    gc.collect()
    assert session() is None


def test_variations_are_kept_side_by_side_with_their_count(table):
    view = table.press(TWO, verb="Insert", variations="x 4")
    assert view.variations == 4 and view.pictures == (3, 5, 7, 9)
    assert [table.session.states[n].parent for n in (2, 4, 6, 8)] == [1, 1, 1, 1]
    assert {table.session.states[n].badge for n in view.pictures} == {"x4"}
    assert [table.session.states[n].seed for n in view.pictures] == [7, 8, 9, 10]


def test_the_pixels_that_really_changed_are_counted(table):
    view = table.press(TWO, verb="Insert", insert_grow=2)
    grown = sum(
        int((request.image != made).sum())
        for request, made in zip(
            table.engine.requests, (table.session.states[n].image for n in (2, 3)), strict=True
        )
    )
    assert view.remark == f"{grown} px changed, none outside the zone."
    assert grown > 136


def test_a_change_outside_the_zone_would_be_told():
    image, mask = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
    mask[:4, :4] = 1
    made = image.copy()
    made[:4, :5] = 1
    request = EraseRequest(image=image, mask=mask)
    changes = Changes()
    changes.add(
        Result(image=made, states={}, organs=None, request=request, recipe={}, seconds={}), request
    )
    assert changes.said() == ["20 px changed, 4 of them outside the zone."]


def test_what_is_said_is_said_of_one_picture():
    image, mask = np.zeros((SIDE, SIDE), np.float32), np.ones((SIDE, SIDE), np.float32)
    request = EraseRequest(image=image, mask=mask)
    chain = Chain(1, None)
    for number, rows in ((1, slice(0, 2)), (2, slice(8, 9))):
        made = image.copy()
        made[rows] = 1
        result = Result(image=made, states={}, organs=None, request=request, recipe={}, seconds={})
        said = chain.made(number, result, request)
    assert said == [f"{SIDE} px changed, none outside the zone."]


def test_a_replacement_goes_with_its_removal():
    masks = [np.zeros((SIDE, SIDE), np.float32) for _ in range(2)]
    masks[0][:4], masks[1][9:] = 1, 1
    findings = [Finding(text=text, mask=mask.copy()) for mask in masks for text in ("", "effusion")]
    request = InsertRequest(image=np.zeros((SIDE, SIDE), np.float32), findings=tuple(findings))
    parts = insert.one_by_one(request)
    assert [[f.text for f in part.findings] for part in parts] == [["", "effusion"]] * 2


@pytest.mark.parametrize("value", [-1, 2.5, None, 5000])
def test_a_zone_that_cannot_be_is_refused_before_the_run(table, value):
    view = table.press(TWO, verb="Insert", insert_grow=value)
    assert view.state == "failed" and "Grow region must be a whole number" in view.sentence
    assert table.engine.requests == []


def test_a_picture_holds_what_was_put_last_into_a_region_and_nothing_that_was_removed():
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[:4] = 1
    effusion, mass, nothing = (Finding(text=text, mask=mask) for text in ("effusion", "mass", ""))

    assert with_findings((held_of(effusion),), (mass,)) == (held_of(mass),)
    assert with_findings((held_of(effusion),), (nothing,)) == ()
