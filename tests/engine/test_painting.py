"""Guidance and holding, on stand-in networks that say how often they were asked."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.api import Sampling
from engine.bundle import Conditions
from engine.painting import Hold, guided_by, sample
from engine.sampling import SeededNoise, solver_times
from engine.schedules import ldm_linear
from tests.engine.tiny import BACKGROUND, CELL, GREYS, SIDE, Paints, model_set

CELLS = SIDE // CELL
EFFUSION = Conditions(words="effusion")


class Counts(Paints):
    """Also notes the size of the batch of every call."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def denoiser(self, conditions):
        answers = super().denoiser(conditions)

        def estimate(x, t):
            self.batches.append(len(x))
            return answers(x, t)

        return estimate


def painter_of(network, **changes):
    return replace(model_set(network).painters[0], **changes)


def latent(grey):
    return 2 * grey - 1


def test_guidance_by_the_same_network_is_one_call_of_twice_the_batch():
    network = Counts()
    x = torch.zeros(3, 1, CELLS, CELLS)

    found = guided_by(painter_of(network), [EFFUSION] * 3, 2.0)(x, 500).x0

    assert network.batches == [6]
    said, unsaid = latent(GREYS["effusion"]), latent(BACKGROUND)
    torch.testing.assert_close(found, torch.full_like(x, unsaid + 2 * (said - unsaid)))


def test_a_guide_of_its_own_is_asked_with_the_same_conditions():
    class Poor(Counts):
        """Always says 0.5."""

        def _aim(self, condition):
            return torch.full((1, 1, CELLS, CELLS), 0.5)

    network, guide = Counts(), Poor()
    x = torch.zeros(2, 1, CELLS, CELLS)

    found = guided_by(painter_of(network, guide=guide), [EFFUSION] * 2, 3.0)(x, 500).x0

    assert (network.batches, guide.batches) == ([2], [2])
    assert guide.asked == [EFFUSION] * 2
    torch.testing.assert_close(found, torch.full_like(x, 3 * latent(GREYS["effusion"])))


@pytest.mark.parametrize(("words", "scale"), [("effusion", 1.0), ("", 4.0)])
def test_where_nothing_is_to_be_strengthened_the_network_is_asked_plainly(words, scale):
    network = Counts()

    guided_by(painter_of(network), [Conditions(words=words)], scale)(
        torch.zeros(1, 1, CELLS, CELLS), 500
    )

    assert network.batches == [1]


GUESS = 0.5  # a latent of the reference


def aims(hold, steps, sampler):
    """(training time, mean of the clean latent) that each step aimed at."""
    times, seen = [], []

    class Watches(Paints):
        def denoiser(self, conditions):
            answers = super().denoiser(conditions)

            def estimate(x, t):
                times.append(t)
                return answers(x, t)

            return estimate

    sample(
        painter_of(Watches()),
        [Conditions()],
        Sampling(steps=steps, sampler=sampler, eta=0.0, guidance=1.0, guidance_lasts=1.0),
        SeededNoise(0),
        hold=hold,
        on_step=lambda done, x0: seen.append(float(x0.mean())),
    )
    return list(zip(times, seen, strict=True))


@pytest.mark.parametrize("sampler", ["ddim", "dpmpp"])
def test_a_share_of_a_hold_is_one_of_noise_and_not_of_how_the_steps_lie(sampler):
    reference = torch.full((1, 1, CELLS, CELLS), GUESS)
    hold = Hold(reference=reference, keep=torch.ones(1, 1, 1, 1), share=0.5)

    seen = aims(hold, 12, sampler)

    wanted = [GUESS if t >= 500 else latent(BACKGROUND) for t, _ in seen]
    assert [mean for _, mean in seen] == pytest.approx(wanted, abs=1e-5)
    assert len(set(wanted)) == 2


def test_a_hold_of_so_many_steps_is_that_many():
    pulled, reference = [], torch.full((1, 1, CELLS, CELLS), 0.25)

    sample(
        painter_of(Paints()),
        [Conditions()],
        Sampling(steps=12, sampler="dpmpp", eta=0.0, guidance=1.0, guidance_lasts=1.0),
        SeededNoise(0),
        hold=Hold(reference=reference, keep=torch.ones(1, 1, 1, 1), steps=5),
        on_step=lambda done, x0: pulled.append(torch.equal(x0, reference)),
    )

    assert pulled == [True] * 5 + [False] * 7


@pytest.mark.parametrize("sampler", ["ddim", "dpmpp"])
def test_the_noisier_half_leans_towards_the_guess_and_the_other_is_free(sampler):
    hold = Hold(reference=torch.full((1, 1, CELLS, CELLS), GUESS), keep=torch.zeros(1, 1, 1, 1))

    seen = aims(replace(hold, lean=0.25), 8, sampler)

    aim = latent(BACKGROUND)
    wanted = [0.25 * GUESS + 0.75 * aim if t >= 500 else aim for t, _ in seen]
    assert [mean for _, mean in seen] == pytest.approx(wanted, abs=1e-5)
    assert len(set(wanted)) == 2


def test_a_finding_spares_the_noisiest_calls_and_no_others():
    reference, keep = torch.full((1, 1, CELLS, CELLS), GUESS), torch.zeros(1, 1, 1, 1)
    asked = {}
    for density, lean in ((0.2, 0.0), (0.0, 0.0), (None, 0.4), (None, 0.0)):
        hold = Hold.guessed(reference, keep, density, lean)
        times: list[int] = []

        class Watches(Paints):
            def denoiser(self, conditions, times=times):
                answers = super().denoiser(conditions)
                return lambda x, t: (times.append(t), answers(x, t))[1]

        sample(
            painter_of(Watches()),
            [Conditions()],
            Sampling(steps=12, sampler="dpmpp", eta=0.0, guidance=1.0, guidance_lasts=1.0),
            SeededNoise(0),
            hold=hold,
        )
        asked[density, lean] = times

    every = asked[None, 0.0]
    assert len(every) == len(asked[None, 0.4]) == 12
    assert asked[0.2, 0.0] == every[3:]
    assert asked[0.0, 0.0] == [every[0], *every[3:]]  # without a guess the network makes one


@pytest.mark.parametrize("density", [0.2, 0.0], ids=["its guess", "the network's first answer"])
@pytest.mark.parametrize("sampler", ["ddim", "dpmpp"])
def test_a_finding_begins_in_the_noise_of_its_seed_from(sampler, density):
    reference, keep = torch.full((1, 1, CELLS, CELLS), GUESS), torch.zeros(1, 1, 1, 1)
    seen, done = [], []

    class Watches(Paints):
        def denoiser(self, conditions):
            answers = super().denoiser(conditions)
            return lambda x, t: (seen.append((x, t)), answers(x, t))[1]

    painter = painter_of(Watches())
    sample(
        painter,
        [Conditions()],
        Sampling(steps=12, sampler=sampler, eta=0.0, guidance=1.0, guidance_lasts=1.0),
        SeededNoise(7),
        hold=Hold.guessed(reference, keep, density),
        on_step=lambda step, x0: done.append(step),
    )

    assert done == [*range(13 - len(done), 13)] and len(done) == len(seen) <= 12
    noise, aim = SeededNoise(7)((1, 1, CELLS, CELLS)), GUESS
    abars = [float(painter.diffusion.alphas_cumprod[t]) for _, t in seen]
    if not density:
        (asked, _), aim = seen.pop(0), latent(BACKGROUND)
        abar = abars.pop(0)
        assert abar == 0 or (1 - abar) / abar >= 60**2
        torch.testing.assert_close(asked, abar**0.5 * GUESS + (1 - abar) ** 0.5 * noise)
    assert (1 - abars[0]) / abars[0] <= 20**2
    begun = abars[0] ** 0.5 * aim + (1 - abars[0]) ** 0.5 * noise
    torch.testing.assert_close(seen[0][0], begun)


def test_of_the_noisiest_times_only_the_last_above_thrice_the_limit_is_asked():
    reference, times = torch.full((1, 1, CELLS, CELLS), GUESS), []

    class Watches(Paints):
        def denoiser(self, conditions):
            answers = super().denoiser(conditions)
            return lambda x, t: (times.append(t), answers(x, t))[1]

    network = Watches()
    network.alphas_cumprod = abars = ldm_linear()  # ends at 563 times the signal
    sample(
        painter_of(network),
        [Conditions()],
        Sampling(steps=20, sampler="dpmpp", eta=0.0, guidance=1.0, guidance_lasts=1.0),
        SeededNoise(0),
        hold=Hold.guessed(reference, torch.zeros(1, 1, 1, 1), 0.0),
    )

    every = solver_times(abars, 20)
    ratios = [float(((1 - abars[t]) / abars[t]) ** 0.5) for t in every]
    assert ratios[1] > 60 > ratios[2] > ratios[5] > 20 > ratios[6]
    assert times == [every[1], *every[6:]]


def test_guidance_of_a_finding_may_last_and_that_of_a_whole_film_does_not():
    network = Counts()
    painter = painter_of(network)
    lasting = Sampling(steps=6, sampler="dpmpp", eta=0.0, guidance=3.0, guidance_lasts=100.0)

    for whole in (False, True):
        sample(painter, [EFFUSION], lasting, SeededNoise(0), whole=whole)

    # The first time has no signal, from which nothing can be kept.
    # Ratios of noise to signal: none, 18, 7.3, 2.6, 0.74, 0.17; 0.17 is a hundredth of 18.
    assert network.batches[:6] == [2, 2, 1, 1, 1, 2]
    assert network.batches[6:] == [2] * 6


def test_what_is_held_follows_the_reference_whatever_the_rest_leans_to():
    reference = torch.full((1, 1, CELLS, CELLS), GUESS)
    hold = Hold(reference=reference, keep=torch.ones(1, 1, 1, 1), lean=0.25)

    assert [mean for _, mean in aims(hold, 4, "dpmpp")] == pytest.approx([GUESS] * 4, abs=1e-5)


def test_a_single_step_does_not_lean():
    reference = torch.full((1, 1, CELLS, CELLS), GUESS)
    hold = Hold(reference=reference, keep=torch.zeros(1, 1, 1, 1), lean=0.25)

    assert aims(hold, 1, "dpmpp")[0][1] == pytest.approx(latent(BACKGROUND), abs=1e-5)


def test_a_whole_film_is_led_away_from_drawing_nothing_too():
    network = Counts()
    drawn = Conditions(words="effusion", organs=np.ones((SIDE, SIDE), np.uint8))

    guided_by(painter_of(network), [drawn], 2.0, whole=True)(torch.zeros(1, 1, CELLS, CELLS), 500)

    assert network.batches == [2]
    assert network.asked[-2] == Conditions()


def test_within_a_film_its_organs_are_not_strengthened():
    network = Counts()
    organs = np.ones((SIDE, SIDE), np.uint8)

    guided_by(painter_of(network), [Conditions(words="effusion", organs=organs)], 2.0)(
        torch.zeros(1, 1, CELLS, CELLS), 500
    )

    assert network.asked[-2].organs is organs
    assert network.asked[-2].words == ""
