"""The samplers, against answers that arithmetic gives."""

import itertools
import math

import pytest
import torch

from engine.sampling import (
    Estimate,
    ddim,
    ddim_steps,
    dpmpp,
    from_eps,
    from_v,
    guided,
    held,
    seeded_noise,
    solver_times,
    trailing_steps,
)
from engine.schedules import ldm_linear, sr_cosine, zero_snr_cosine

SHAPE = (1, 2, 4, 4)


def knows_the_answer(clean, abars):
    """A perfect denoiser for data that is always ``clean``."""

    def estimate(x, t):
        a = float(abars[t])
        return Estimate(clean.expand_as(x), (x - a**0.5 * clean) / (1 - a) ** 0.5)

    return estimate


def gaussian(abars, mean=0.3, deviation=0.5):
    """The exact posterior mean for data drawn from a normal distribution."""

    def estimate(x, t):
        a = float(abars[t])
        variance = a * deviation**2 + 1 - a
        x0 = mean + a**0.5 * deviation**2 / variance * (x - a**0.5 * mean)
        return Estimate(x0, (x - a**0.5 * x0) / (1 - a) ** 0.5)

    return estimate


def test_the_reference_times_sit_one_above_an_even_grid():
    assert [s.t for s in ddim_steps(ldm_linear(), 5, 1.0)] == [801, 601, 401, 201, 1]


def test_a_count_that_does_not_divide_the_schedule_yields_the_reference_number_of_steps():
    assert len(ddim_steps(ldm_linear(), 30, 1.0)) == 31  # 1000 // 30 = 33


def test_the_last_reference_step_ends_at_the_first_alpha_not_at_one():
    step = ddim_steps(ldm_linear(), 5, 1.0)[-1]

    assert step.abar_prev == pytest.approx(0.9985, abs=1e-7)
    assert step.sigma == pytest.approx(0.0274, abs=1e-4)  # numerics 2.3, S = 5


def test_schedules_have_the_published_end_points():
    linear, cosine = ldm_linear(), sr_cosine()

    assert linear[0].item() == pytest.approx(0.99849999, abs=1e-7)
    assert linear[999].item() == pytest.approx(3.1514e-6, rel=1e-4)
    assert cosine[0].item() == pytest.approx(0.9999, abs=1e-6)
    assert cosine[1980].item() == pytest.approx(2.186e-4, rel=1e-3)
    assert zero_snr_cosine()[-1].item() == 0


@pytest.mark.parametrize("steps", [2, 5, 20])
def test_a_perfect_denoiser_is_followed_to_the_clean_latent(steps):
    abars, clean = zero_snr_cosine(), torch.full(SHAPE, 0.7)
    noise = seeded_noise(3)
    denoise = knows_the_answer(clean, abars)

    by_solver = dpmpp(denoise, noise(SHAPE), abars, steps)
    by_ddim = ddim(denoise, noise(SHAPE), trailing_steps(abars, steps, 0.0), noise)

    torch.testing.assert_close(by_solver, clean)
    torch.testing.assert_close(by_ddim, clean)


def test_the_second_order_solver_beats_ddim_at_the_same_cost():
    abars = zero_snr_cosine()
    x = seeded_noise(0)((2000, 1, 1, 1))
    wanted = 0.3 + 0.5 * x  # the flow carries a standard normal onto the data, quantile by quantile

    solver = (dpmpp(gaussian(abars), x, abars, 12) - wanted).abs().mean()
    first_order = (
        (ddim(gaussian(abars), x, trailing_steps(abars, 12, 0.0), seeded_noise(1)) - wanted)
        .abs()
        .mean()
    )

    assert solver < 0.5 * first_order
    assert solver < 0.005  # 0.015 with the ratio of the steps upside down


def test_v_and_eps_describe_the_same_latent():
    x0, eps = seeded_noise(1)(SHAPE), seeded_noise(2)(SHAPE)
    abar = 0.3
    x = abar**0.5 * x0 + (1 - abar) ** 0.5 * eps
    v = abar**0.5 * eps - (1 - abar) ** 0.5 * x0

    for estimate in (from_v(x, v, abar), from_eps(x, eps, abar)):
        torch.testing.assert_close(estimate.x0, x0, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(estimate.eps, eps, atol=1e-5, rtol=1e-5)


def test_guidance_extrapolates_from_the_unguided_estimate():
    def says(value):
        return lambda x, t: Estimate(torch.full_like(x, value), torch.full_like(x, -value))

    found = guided(says(3.0), says(1.0), 2.5)(torch.zeros(SHAPE), 1)

    assert found.x0.eq(1 + 2.5 * 2).all()
    assert found.eps.eq(-(1 + 2.5 * 2)).all()


def test_guidance_of_one_asks_the_network_once():
    def never(x, t):
        raise AssertionError("the unguided network was asked")

    denoise = knows_the_answer(torch.zeros(SHAPE), ldm_linear())
    assert guided(denoise, never, 1) is denoise


def test_a_held_cell_ends_at_the_reference_and_a_free_one_at_the_networks_answer():
    abars = zero_snr_cosine()
    reference, answer = torch.full(SHAPE, -0.4), torch.full(SHAPE, 0.6)
    keep = torch.zeros(1, 1, 4, 4)
    keep[..., :2] = 1

    pulled = held(knows_the_answer(answer, abars), reference, keep, abars)
    found = dpmpp(pulled, seeded_noise(5)(SHAPE), abars, 8)

    torch.testing.assert_close(found[..., :2], reference[..., :2])
    torch.testing.assert_close(found[..., 2:], answer[..., 2:])


def test_a_pull_that_ends_early_lets_the_network_finish():
    abars = zero_snr_cosine()
    reference, answer = torch.full(SHAPE, -0.4), torch.full(SHAPE, 0.6)
    times = solver_times(abars, 8)

    pulled = held(
        knows_the_answer(answer, abars), reference, torch.ones(SHAPE), abars, down_to=times[3]
    )
    found = dpmpp(pulled, seeded_noise(5)(SHAPE), abars, 8)

    torch.testing.assert_close(found, answer)


def test_a_picture_of_a_batch_has_the_noise_of_its_own_seed():
    together, alone = seeded_noise(1, 2), seeded_noise(2)

    for _ in range(3):
        assert torch.equal(together((2, 3))[1:], alone((1, 3)))


def test_solver_times_start_at_pure_noise_and_fall():
    times = solver_times(zero_snr_cosine(), 20)

    assert times[0] == 999
    assert all(a > b for a, b in itertools.pairwise(times))
    assert not math.isnan(sum(times))
