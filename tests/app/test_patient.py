"""Whose film the next Generate gives: decided by what pictures were made from."""

from dataclasses import asdict, replace

import gradio as gr
import numpy as np
import pytest

from app.canvas.drawing import FindingRegion
from app.document.archive import project_bytes, read_project
from app.document.patient import Usual, before_of, patient_of, said
from app.document.project import become, empty, snapshot
from app.document.session import Session, State
from app.pages.edit import lay_out
from app.pages.form import BEGINNING, panel_of
from engine.api import Finding, GenerateRequest, Sampling
from engine.provenance import inputs_of, recipe_of
from tests.app.fake_engine import HASHES
from tests.app.test_panels import CHEST, drawing
from tests.app.test_running import Table

SIDE = 64
ORGANS = np.zeros((SIDE, SIDE), np.uint8)
ORGANS[10:40, 8:28], ORGANS[10:40, 36:56] = 2, 1
OWN = Sampling(quality="standard", steps=12, sampler="dpmpp", eta=0.0, guidance=3.0, detail_steps=6)
USUAL = Usual(OWN, 1.5, frozenset(HASHES.values()))
ASKED = Sampling(quality="standard")


def box(top, left, size=8):
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[top : top + size, left : left + size] = 1
    return mask


A = Finding(text="effusion", mask=box(20, 40))
B = Finding(text="pneumothorax", mask=box(12, 10))
BASE = GenerateRequest(organs=ORGANS, findings=(A,), sampling=ASKED)


def state(number, request, seed=7, badge="", **values):
    """A picture that the models made of ``request``: its recipe holds what they filled in."""
    own = OWN if request.findings else replace(OWN, guidance=USUAL.unpainted)
    own = Sampling() if request.sampling.exact else own
    ran = replace(request, sampling=replace(request.sampling.filled(own), seed=seed))
    told = {
        "number": number, "name": "x", "kind": "made", "bits": 16, "origin": "synthetic",
        "image": np.zeros((SIDE, SIDE), np.float32), "seed": seed, "badge": badge,
        "recipe": recipe_of(ran, "fake", HASHES), "inputs": inputs_of(ran),
    }  # fmt: skip
    return State(**{**told, **values})


def history(*states):
    return {one.number: one for one in states}


def whose(request, then=BASE, usual=USUAL, count=1):
    before = before_of(history(state(1, then)), 1)
    return patient_of(request, count, before, usual)


CHANGED = {
    "words": (replace(A, text="mass"),),
    "place": (replace(A, mask=box(24, 40)),),
    "shape": (replace(A, mask=box(20, 40, 9)),),
    "strength": (replace(A, strength=2),),
    "one more": (A, B),
    "another": (B,),
    "none": (),
}


@pytest.mark.parametrize("usual", [USUAL, None], ids=["models there", "models loading"])
@pytest.mark.parametrize("findings", CHANGED.values(), ids=list(CHANGED))
def test_the_same_patient_where_only_findings_changed(findings, usual):
    found = whose(replace(BASE, findings=findings), usual=usual)
    assert (found.whose, found.seed) == ("same", 7)


def test_another_order_of_the_findings_is_a_change_of_the_findings():
    two = replace(BASE, findings=(A, B))
    assert whose(replace(BASE, findings=(B, A)), then=two).seed == 7


def test_the_first_finding_of_a_film_without_leaves_its_patient():
    assert whose(BASE, then=replace(BASE, findings=())).whose == "same"


def test_the_same_once_more_is_another_patient():
    found = whose(replace(BASE, findings=(replace(A, mask=A.mask.copy()),)))
    assert (found.whose, found.seed) == ("again", None)
    assert said(found, 1) == "New patient: nothing changed."


OTHER = {
    "the anatomy": replace(BASE, organs=np.where(ORGANS == 2, 0, ORGANS).astype(np.uint8)),
    "the report": replace(BASE, report="PA view."),
    "the settings under Details": replace(BASE, sampling=replace(ASKED, steps=30)),
}
SETTINGS = {
    "quality": replace(BASE, sampling=Sampling(quality="draft")),
    "guidance": replace(BASE, sampling=replace(ASKED, guidance=5.0)),
    "sampler": replace(BASE, sampling=replace(ASKED, sampler="ddim")),
    "exact": replace(BASE, sampling=Sampling(exact=True)),
    "method": replace(BASE, anatomy_way="controller"),
    "held steps": replace(BASE, held_steps=10),
}


@pytest.mark.parametrize("findings", [(A,), (B,)], ids=["finding kept", "finding changed"])
@pytest.mark.parametrize(
    ("changed", "request_now"),
    [*OTHER.items(), *(("the settings under Details", one) for one in SETTINGS.values())],
    ids=[*OTHER, *SETTINGS],
)
def test_whatever_else_changed_is_another_patient_and_is_named(changed, request_now, findings):
    found = whose(replace(request_now, findings=findings))
    assert (found.whose, found.seed, found.changed) == ("other", None, changed)


def test_organs_that_were_drawn_or_cleared_are_another_anatomy():
    bare = replace(BASE, organs=None)
    assert whose(bare).changed == whose(BASE, then=bare).changed == "the anatomy"
    assert whose(replace(bare, findings=(B,)), then=bare).seed == 7


def test_another_size_is_another_patient():
    large = replace(A, mask=np.kron(A.mask, np.ones((2, 2), np.float32)))
    then = GenerateRequest(findings=(A,), sampling=ASKED)
    assert whose(replace(then, findings=(large,)), then=then).changed == "the size"


def test_other_models_draw_another_patient():
    found = whose(replace(BASE, findings=(B,)), usual=replace(USUAL, models=frozenset({"f" * 64})))
    assert found.changed == "the models"


def test_settings_that_say_what_the_models_do_anyway_are_no_change():
    told = replace(BASE, findings=(B,), sampling=replace(ASKED, steps=12, guidance=3.0))
    assert whose(told).whose == "same"


@pytest.mark.parametrize(
    "then",
    [
        replace(BASE, findings=(), report="Left effusion."),
        replace(BASE, findings=(), sampling=replace(ASKED, guidance=5.0)),
        replace(BASE, findings=(), sampling=Sampling(exact=True)),
    ],
    ids=["report", "guidance", "exact"],
)
def test_the_first_finding_where_the_whole_film_is_obeyed_otherwise_keeps_the_seed_only(then):
    found = whose(replace(then, findings=(A,)), then=then)
    assert (found.whose, found.seed) == ("similar", 7)
    assert "anatomy is drawn anew" in said(found, 1)
    two = replace(then, findings=(A, B))  # with findings before and after it is the same film
    assert whose(two, then=replace(then, findings=(A,))).whose == "same"


def test_without_a_generated_picture_there_is_nobody():
    film = State(number=1, name="x", kind="opened", bits=16, origin="real", image=ORGANS * 0.1)
    found = patient_of(BASE, 1, before_of(history(film), 1), USUAL)
    assert (found.whose, found.seed, said(found, 1)) == ("nobody", None, "")


def test_the_picture_on_screen_is_the_patient_and_not_the_newest():
    edit = replace(state(3, BASE), recipe={"verb": "insert"}, inputs={}, parent=1)
    states = history(state(1, BASE, seed=7), state(2, BASE, seed=9), edit)
    seeds = [before_of(states, shown).seed for shown in (1, 2, 3)]
    assert seeds == [7, 9, 7]  # the edit was made from the first


def test_a_film_on_screen_leaves_the_newest_generated_picture_and_the_line_says_which():
    film = State(number=3, name="x", kind="opened", bits=16, origin="real", image=ORGANS * 0.1)
    before = before_of(history(state(1, BASE, seed=7), state(2, BASE, seed=9), film), 3)
    found = patient_of(replace(BASE, findings=(B,)), 1, before, USUAL)
    assert said(found, 1) == "Same patient as state 2: only the findings changed."


def test_a_stage_on_screen_is_its_runs_patient():
    whole = state(2, BASE, seed=7, parent=1)
    stage = replace(whole, number=1, kind="stage", parent=None)
    stage = replace(stage, recipe={**whole.recipe, "state": "anatomy"})
    assert whose_of(history(stage, whole), 1, replace(BASE, findings=(B,))) == 7
    assert whose_of(history(stage, whole), 1, BASE) is None


def test_a_recipe_that_was_damaged_is_nobody_and_stops_nothing():
    odd = replace(state(1, BASE), inputs={})
    assert before_of(history(odd), 1) is None


# Several pictures


def whose_of(states, shown, request, count=1):
    return patient_of(request, count, before_of(states, shown), USUAL).seed


def run_of(count, first, number=1):
    return [state(number + n, BASE, first + n, f"x{count}") for n in range(count)]


OTHERS = replace(BASE, findings=(B,))


@pytest.mark.parametrize(
    ("made", "shown", "asked", "seed"),
    [
        (4, 3, 1, 102),  # the chosen one
        (4, 4, 1, 103),
        (4, 3, 4, 100),  # all four again
        (4, 3, 9, 100),  # all four, and five more
        (9, 3, 4, 102),  # fewer: from the chosen one on
        (1, 1, 4, 100),
    ],
)
def test_seeds_after_a_run_of_several(made, shown, asked, seed):
    states = history(*run_of(made, 100)) if made > 1 else history(state(1, BASE, 100))
    assert whose_of(states, shown, OTHERS, asked) == seed


def test_a_run_that_was_stopped_early_begins_where_it_began():
    assert whose_of(history(*run_of(4, 100)[:2]), 2, OTHERS, 4) == 100


def test_the_run_before_it_is_another_run():
    states = history(*run_of(4, 100), *run_of(4, 101, number=5))  # seeds overlap
    assert whose_of(states, 6, OTHERS, 4) == 101
    mixed = history(state(1, OTHERS, 100, "x4"), *run_of(4, 101, number=2))
    assert whose_of(mixed, 3, OTHERS, 4) == 101


def test_the_line_says_how_many_are_the_same():
    lines = {}
    for made, asked in ((4, 4), (4, 9), (9, 4), (1, 4), (4, 1)):
        states = history(*run_of(made, 100)) if made > 1 else history(state(1, BASE, 100))
        found = patient_of(OTHERS, asked, before_of(states, 1), USUAL)
        lines[made, asked] = said(found, asked)
    assert lines == {
        (4, 4): "Same patients: only the findings changed.",
        (4, 9): "The first 4 of 9 are the same patients.",
        (9, 4): "The first of 4 is the same patient.",
        (1, 4): "The first of 4 is the same patient.",
        (4, 1): "Same patient: only the findings changed.",
    }


# From the press of the button to the engine


@pytest.fixture
def table():
    return Table()


EFFUSION = FindingRegion(4, "A", "effusion")
DRAWN = drawing(*CHEST, (4, 20, 30, 40, 50), findings=[EFFUSION])
SAID = drawing(*CHEST, (4, 20, 30, 40, 50), findings=[replace(EFFUSION, words="pneumothorax")])


def seeds(table):
    return [request.sampling.seed for request in table.engine.requests]


def press(table, drawn, told=None, **values):
    assert table.press(drawn, told, **{"keep_seed": False, **values}).state == "done"
    return seeds(table)[-1]


def test_a_changed_word_keeps_the_seed_and_nothing_changed_does_not(table, monkeypatch):
    fresh = iter((11, 22, 33))
    monkeypatch.setattr("app.panels.details.fresh_seed", lambda: next(fresh))
    drawn = []
    for now in (DRAWN, SAID, SAID):
        drawn.append(press(table, now))
    assert drawn[0] == drawn[1] != drawn[2]
    assert table.session.form.seed == drawn[2]  # the panel shows what was run
    recipes = [s.recipe["parameters"]["sampling"]["seed"] for s in made(table)]
    assert recipes == drawn == [s.seed for s in made(table)]


def made(table):
    return [s for s in table.session.states.values() if s.kind == "made"]


def test_a_new_patient_gets_another_seed_though_only_a_word_changed(table, monkeypatch):
    fresh = iter((11, 22, 33))
    monkeypatch.setattr("app.panels.details.fresh_seed", lambda: next(fresh))
    first = press(table, DRAWN)
    assert press(table, SAID, {"patient": "new"}) != first
    kept = press(table, DRAWN, {"patient": "new"}, keep_seed=True, seed=5)
    assert kept != 5  # it was asked for after the seed was


def test_a_kept_seed_is_used_whatever_changed(table):
    press(table, DRAWN)
    assert press(table, SAID, keep_seed=True, seed=4711) == 4711


def test_a_document_that_was_opened_again_knows_its_patient(table, tmp_path):
    first = press(table, DRAWN)
    (tmp_path / "x.zip").write_bytes(project_bytes(snapshot(table.session)))
    become(table.session, replace(read_project(tmp_path / "x.zip"), doc=empty().doc))
    assert press(table, SAID) == first


def test_less_guidance_where_memory_ran_out_is_still_the_same_patient(table):
    first = press(table, DRAWN)
    assert press(table, SAID, {"guidance": 1}) == first


def test_what_a_new_page_begins_with_is_what_its_controls_hold():
    with gr.Blocks():
        controls = lay_out().named
    held = {name: control.value for name, control in controls.items()}
    assert {**held, "report": held["report"] or ""} == asdict(BEGINNING)
    for kept in (None, {"odd": 1}):
        assert panel_of(Session(id="s", form=kept)) == BEGINNING
    assert panel_of(Session(id="s", offered="Draft")).quality == "Draft"
