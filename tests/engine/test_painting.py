from dataclasses import replace

import pytest
import torch

from engine.bundle import Conditions
from engine.painting import Hold, sample
from engine.sampling import seeded_noise
from tests.engine.tiny import BACKGROUND, model_set

GUESS = 0.5  # a latent of the reference
AIM = BACKGROUND * 2 - 1  # what the stand-in wants without words or organs


def aims(hold, steps, sampler):
    """Mean of the clean latent that each step aimed at."""
    painter = model_set().painters[0]
    seen = []
    sample(
        painter,
        [Conditions()],
        replace(painter.defaults, steps=steps, sampler=sampler),
        seeded_noise(0),
        hold=hold,
        on_step=lambda done, x0: seen.append(float(x0.mean())),
    )
    return seen


@pytest.mark.parametrize("sampler", ["ddim", "dpmpp"])
def test_the_first_half_leans_towards_the_guess_and_the_second_is_free(sampler):
    hold = Hold(reference=torch.full((1, 1, 8, 8), GUESS), keep=torch.zeros(1, 1, 8, 8), lean=0.25)

    seen = aims(hold, 8, sampler)

    leaning = 0.25 * GUESS + 0.75 * AIM
    assert seen == pytest.approx([leaning] * 4 + [AIM] * 4, abs=1e-5)


def test_what_is_held_follows_the_reference_whatever_the_rest_leans_to():
    hold = Hold(reference=torch.full((1, 1, 8, 8), GUESS), keep=torch.ones(1, 1, 8, 8), lean=0.25)

    assert aims(hold, 4, "dpmpp") == pytest.approx([GUESS] * 4, abs=1e-5)


def test_a_single_step_does_not_lean():
    hold = Hold(reference=torch.full((1, 1, 8, 8), GUESS), keep=torch.zeros(1, 1, 8, 8), lean=0.25)

    assert aims(hold, 1, "dpmpp") == pytest.approx([AIM], abs=1e-5)
