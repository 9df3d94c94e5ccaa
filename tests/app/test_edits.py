"""Where a state of the history was edited, for studies that compare marks with it."""

import numpy as np
import pytest

from app.document.edits import edited_in
from app.document.session import Session
from app.routes.study_pictures import FromHistory, chosen_states
from engine.api import (
    EraseRequest,
    Finding,
    GenerateRequest,
    InsertRequest,
    OutpaintRequest,
    UpscaleRequest,
)
from tests.app.test_panels import CHEST, SIDE, drawing
from tests.app.test_session import ME, box, opened, run


@pytest.fixture
def session():
    return Session(ME)


def edited(session, number):
    return edited_in(session, session.state(number))


def test_an_opened_film_was_edited_nowhere(session):
    assert edited(session, opened(session).number) is None


def test_what_was_erased_and_put_in_are_all_there(session):
    film = opened(session)
    erased = run(session, EraseRequest(image=film.image, mask=box(4, 8)), parent=film.number)
    image = session.state(erased).image
    finding = Finding(text="nodule", mask=box(20, 26))
    both = run(session, InsertRequest(image=image, findings=(finding,)), parent=erased)

    np.testing.assert_array_equal(edited(session, erased), box(4, 8) > 0)
    np.testing.assert_array_equal(edited(session, both), (box(4, 8) + box(20, 26)) > 0)


def test_a_stage_of_a_new_picture_holds_only_the_findings_that_it_shows(session):
    findings = (Finding(text="nodule", mask=box(4, 8)), Finding(text="effusion", mask=box(20, 26)))
    last = run(session, GenerateRequest(organs=drawing(*CHEST).organs(), findings=findings))

    states = list(session.states)
    assert edited(session, states[0]) is None  # the anatomy
    np.testing.assert_array_equal(edited(session, states[1]), box(4, 8) > 0)
    np.testing.assert_array_equal(edited(session, last), (box(4, 8) + box(20, 26)) > 0)


def test_a_larger_picture_has_the_mask_at_its_size_and_a_completed_one_has_none(session):
    film = opened(session)
    erased = run(session, EraseRequest(image=film.image, mask=box(8, 16)), parent=film.number)
    image = session.state(erased).image
    larger = run(session, UpscaleRequest(image=image), parent=erased)
    keep = np.ones((SIDE, SIDE), np.float32)
    keep[:8] = 0
    wider = run(session, OutpaintRequest(image=image, keep=keep), parent=erased)

    found = edited(session, larger)
    assert found is not None
    assert found.shape == session.state(larger).image.shape and found.shape[0] > SIDE
    assert found.mean() == pytest.approx(box(8, 16).mean(), rel=0.1)
    assert edited(session, wider) is None


def test_states_become_cases_with_their_masks_unless_these_are_not_wanted(session):
    film = opened(session)
    made = run(session, EraseRequest(image=film.image, mask=box(4, 8)), parent=film.number)
    asked = FromHistory(states=[film.number, made], source="ours")

    plain, changed = chosen_states(session, asked)
    assert plain.edited is None and changed.edited is not None
    np.testing.assert_array_equal(changed.edited(), box(4, 8) > 0)
    without = chosen_states(session, asked.model_copy(update={"masks": False}))
    assert [one.edited for one in without] == [None, None]
