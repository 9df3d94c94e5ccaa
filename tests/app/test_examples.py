"""The example projects that ship: small, synthetic, made by the models beside them."""

import json
from pathlib import Path

import numpy as np
import pytest

from app import examples
from app.canvas.drawing import ERASE
from engine.errors import InvalidRequest

MODELS = Path(__file__).parent.parent.parent / "assets" / "models"


@pytest.mark.parametrize("example", examples.EXAMPLES, ids=lambda e: e.name)
def test_an_example_is_small_whole_and_synthetic(example):
    document = examples.read(example.name)

    assert example.path.stat().st_size <= examples.LARGEST
    assert document.title == example.title
    assert {state.origin for state in document.states} == {"synthetic"}
    assert document.drawing is not None


@pytest.mark.parametrize("example", examples.EXAMPLES, ids=lambda e: e.name)
def test_an_example_was_made_by_the_models_that_ship(example):
    """After new models: python -m app.examples."""
    shipped = {
        described["name"]: described["sha256"]
        for described in (json.loads(p.read_text("utf-8")) for p in MODELS.glob("*.json"))
    }
    recipes = [state.recipe for state in examples.read(example.name).states if state.recipe]

    for recipe in recipes:
        assert recipe["models"].items() <= shipped.items()


def test_three_degrees_differ_in_the_heart_alone():
    states = examples.read("cardiomegaly").states

    assert len({state.seed for state in states}) == 1
    ratios = [heart_ratio(state.drawing.organs()) for state in states]
    wanted = list(examples.DEGREES.values())
    assert ratios == pytest.approx(wanted, abs=0.02)


def heart_ratio(organs):
    """Widest row of the heart over the widest extent of both lungs."""
    lungs = np.flatnonzero(np.isin(organs, (1, 2)).any(0))
    return (organs == 3).sum(1).max() / (lungs[-1] - lungs[0] + 1)


def test_the_pacemaker_lies_wholly_under_the_painted_area():
    document = examples.read("pacemaker")
    film, area = document.states[0].image, document.drawing.mask(ERASE) > 0

    bright = film > 0.95  # metal; nothing of the film itself is nearly white there
    assert (bright & area).sum() > 200
    assert area.mean() < 0.15


def test_an_example_is_made_again_the_same():
    from engine import open_engine

    engine = open_engine(device="cpu", precision="float32")
    kept = examples.read("effusion").states

    made = list(examples.effusion(engine).states.values())

    assert [state.name for state in made] == [state.name for state in kept]
    assert np.abs(made[-1].image - kept[-1].image).max() < 0.02  # other processors round otherwise


def test_an_example_that_is_not_there_is_said_to_be_missing():
    with pytest.raises(InvalidRequest, match="Make it again"):
        examples.read("../models/codec")
