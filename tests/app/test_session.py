import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from app.canvas.drawing import Drawing
from app.document.autosave import Documents
from app.document.holding import held_of
from app.document.results import keep_result, keep_stages
from app.document.session import SESSIONS, Session, Sessions, State
from engine.api import EraseRequest, Finding, GenerateRequest, Sampling, UpscaleRequest
from engine.provenance import request_of
from tests.app.fake_engine import FakeEngine
from tests.app.test_panels import CHEST, SIDE, A, B, drawing

ME = "me-01234567890123456789"


def run(session, request, *, parent=None, drawn=None, name="Made", proposal=False):
    result = FakeEngine().run(request)
    holds = tuple(held_of(finding) for finding in getattr(request, "findings", ()))
    return keep_result(
        session, result, parent=parent, drawing=drawn, name=name, proposal=proposal, holds=holds
    )


def opened(session, origin="real"):
    image = np.full((SIDE, SIDE), 0.5, np.float32)
    return session.add(
        lambda n: State(number=n, name="Opened", kind="opened", image=image, bits=16, origin=origin)
    )


def box(top, bottom):
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[top:bottom, 10:20] = 1
    return mask


def test_the_stages_of_a_picture_are_states_that_can_be_made_again():
    session = Session(ME)
    drawn = drawing(*CHEST, (4, 20, 30, 40, 50), (5, 1, 9, 1, 9), findings=[A, B])
    request = GenerateRequest(
        organs=drawn.organs(),
        findings=tuple(Finding(text=f.words, mask=drawn.mask(f.bit)) for f in (A, B)),
        sampling=Sampling(seed=3),
    )

    number = run(session, request, drawn=drawn, name="Effusion, pneumothorax")

    assert [state.name for state in session.states.values()] == [
        "Anatomy", "Effusion", "Effusion, pneumothorax",
    ]  # fmt: skip
    assert number == 3 and session.current == 3
    assert [state.parent for state in session.states.values()] == [None, 1, 2]
    for state in session.states.values():
        assert state.recipe is not None and state.inputs is not None
        again = FakeEngine().run(request_of(state.recipe, state.inputs))
        wanted = state.recipe.get("state", list(again.states)[-1])
        np.testing.assert_array_equal(again.states[wanted], state.image)
    recipes = [state.recipe or {} for state in session.states.values()]
    assert [recipe.get("state") for recipe in recipes] == ["anatomy", "effusion", None]


def test_the_anatomy_below_a_changed_finding_is_not_added_again():
    session, drawn = Session(ME), drawing(*CHEST, (4, 20, 30, 40, 50), findings=[A])
    plain = GenerateRequest(organs=drawn.organs(), sampling=Sampling(seed=3))
    finding = Finding(text="effusion", mask=drawn.mask(A.bit))

    def with_findings(*texts):
        return replace(plain, findings=tuple(replace(finding, text=text) for text in texts))

    healthy = run(session, plain, name="Generated")
    first = run(session, with_findings("effusion"), name="Effusion")
    other = run(session, with_findings("mass"), name="Mass")
    both = run(session, with_findings("effusion", "mass"), name="Effusion, mass")

    parents = [session.states[number].parent for number in (first, other, both)]
    assert parents == [healthy, healthy, first] and len(session.states) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"sampling": Sampling(seed=10)},  # the fake engine draws the same of it
        {"report": "An effusion."},
        {"organs": drawing((2, 10, 50, 8, 28)).organs()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_anatomy_is_added(change):
    session, drawn = Session(ME), drawing(*CHEST, (4, 20, 30, 40, 50), findings=[A])
    plain = GenerateRequest(organs=drawn.organs(), sampling=Sampling(seed=3))
    findings = (Finding(text="effusion", mask=drawn.mask(A.bit)),)
    run(session, plain, name="Generated")

    number = run(session, replace(plain, findings=findings, **change), name="Effusion")

    assert session.states[number].parent == number - 1 == 2


def test_a_run_that_ends_after_a_known_stage_shows_it():
    session, drawn = Session(ME), drawing(*CHEST, findings=[])
    plain = GenerateRequest(organs=drawn.organs(), sampling=Sampling(seed=3))
    healthy = run(session, plain, name="Generated")
    run(session, replace(plain, sampling=Sampling(seed=4)), name="Generated")
    image = session.states[healthy].image

    number = keep_stages(session, [("anatomy", image)], plain, drawn, {}, choose=True)

    assert number == session.current == healthy and len(session.states) == 2


def test_an_edited_real_picture_is_partly_synthetic():
    session = Session(ME)
    film = opened(session)
    erase = EraseRequest(image=film.image, mask=box(5, 15), sampling=Sampling(seed=1))

    number = run(session, erase, parent=film.number, name="Erased", proposal=True)

    state = session.states[number]
    assert state.origin == "partly" and state.parent == film.number and state.proposal
    session.settle(number)
    assert not session.states[number].proposal


def test_the_recipe_of_an_edit_remembers_how_its_picture_was_made():
    session = Session(ME)
    first = run(session, GenerateRequest(organs=drawing(*CHEST).organs()))
    picture = session.states[first]
    erase = EraseRequest(image=picture.image, mask=box(5, 15))

    number = run(session, erase, parent=first)

    state = session.states[number]
    assert state.origin == "synthetic"
    assert state.recipe is not None
    assert [step["verb"] for step in state.recipe["history"]] == ["generate"]


def test_the_drawing_is_scaled_with_its_picture():
    session = Session(ME)
    film = opened(session)
    drawn = drawing((0, 0, 32, 0, 32))

    number = run(session, UpscaleRequest(image=film.image), parent=film.number, drawn=drawn)

    bits = session.states[number].drawing.bits
    assert bits.shape == (1024, 1024)
    assert (bits[:512, :512] == 1).all() and bits.sum() == 512 * 512


def test_a_deleted_state_leaves_its_children_to_its_parent():
    session = Session(ME)
    film = opened(session)
    first = run(session, EraseRequest(image=film.image, mask=box(5, 15)), parent=film.number)
    second = run(session, EraseRequest(image=film.image, mask=box(25, 35)), parent=first)

    session.select(first)
    session.delete(first)

    assert list(session.states) == [film.number, second]
    assert session.states[second].parent == film.number
    assert session.current == film.number


def test_the_last_state_can_be_deleted():
    session = Session(ME)
    session.delete(opened(session).number)
    assert session.picture() is None


def test_the_newest_drawing_says_which_picture_it_lies_on():
    session = Session(ME)
    first, second = opened(session).number, opened(session).number
    assert session.current == second

    session.drew(Drawing(session.doc, 1, "job", str(first), np.zeros((8, 8), np.uint32)))

    assert session.current == first


def test_a_page_that_outlived_the_program_keeps_its_drawing():
    restarted = Session(ME)
    restarted.drew(Drawing("from-before", 9, "job", "4", np.ones((8, 8), np.uint32)))
    assert restarted.doc == "from-before" and restarted.picture() is None

    opened(restarted)
    restarted.drew(Drawing("another-tab", 9, "job", None, np.ones((8, 8), np.uint32)))
    assert restarted.doc == "from-before"


def test_a_state_that_comes_back_has_its_children_again():
    session = Session(ME)
    first = opened(session).number
    film = session.states[first].image
    erase = EraseRequest(image=film, mask=box(5, 15))
    second = run(session, erase, parent=first)
    third = run(session, erase, parent=second)

    session.delete(second)
    assert session.states[third].parent == first
    session.undelete(second)
    assert list(session.states) == [first, second, third]
    assert session.states[third].parent == second


def test_documents_are_apart():
    sessions = Sessions()
    mine = sessions.of(ME)
    opened(mine)

    assert sessions.of(ME) is mine
    assert not sessions.of("other-0123456789012345").states


def test_offered_drawings_are_few():
    session = Session(ME)
    addresses = [session.offer_labels(bytes([n])) for n in range(20)]
    keys = [address.rsplit("/", 1)[1] for address in addresses]
    assert session.labels(keys[-1]) == bytes([19])
    assert session.labels(keys[0]) is None


def test_a_session_that_a_run_still_adds_to_is_found_again(tmp_path):
    sessions = Sessions(Documents(tmp_path))
    at_work = sessions.of(ME)
    for number in range(SESSIONS + 1):
        sessions.of(f"other-{number:020d}")

    assert sessions.of(ME) is at_work


def test_a_session_that_could_not_be_saved_is_not_dropped(tmp_path):
    sessions = Sessions(Documents(tmp_path))
    sessions.of(ME).fault = "the disk is full."
    sessions.of(ME).report = "Words."
    for number in range(SESSIONS + 1):
        sessions.of(f"other-{number:020d}")
    gc.collect()

    assert sessions.of(ME).report == "Words."


def test_other_sessions_leave_the_memory(tmp_path):
    sessions = Sessions(Documents(tmp_path))
    first = weakref.ref(sessions.of(ME))
    for number in range(SESSIONS + 1):
        sessions.of(f"other-{number:020d}")
    gc.collect()

    assert first() is None
