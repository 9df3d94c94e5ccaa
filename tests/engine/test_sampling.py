"""The samplers, against answers that arithmetic gives."""

import itertools
import math

import pytest
import torch

from engine.sampling import (
    Estimate,
    SeededNoise,
    apart,
    ddim,
    ddim_steps,
    dpmpp,
    from_eps,
    from_v,
    guided,
    guided_now_and_then,
    held,
    noise_ratio,
    solver_times,
    together,
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
    noise = SeededNoise(3)
    denoise = knows_the_answer(clean, abars)

    by_solver = dpmpp(denoise, noise(SHAPE), abars, solver_times(abars, steps))
    by_ddim = ddim(denoise, noise(SHAPE), trailing_steps(abars, steps, 0.0), noise)

    torch.testing.assert_close(by_solver, clean)
    torch.testing.assert_close(by_ddim, clean)


def test_the_second_order_solver_beats_ddim_at_the_same_cost():
    abars = zero_snr_cosine()
    x = SeededNoise(0)((2000, 1, 1, 1))
    wanted = 0.3 + 0.5 * x  # the flow carries a standard normal onto the data, quantile by quantile

    solver = (dpmpp(gaussian(abars), x, abars, solver_times(abars, 12)) - wanted).abs().mean()
    first_order = (
        (ddim(gaussian(abars), x, trailing_steps(abars, 12, 0.0), SeededNoise(1)) - wanted)
        .abs()
        .mean()
    )

    assert solver < 0.5 * first_order


def worst(count, abars, deviations=(0.5, 2.0, 10.0)):
    """The largest mean error, over the deviation, of data that spread so wide. The widest stands
    for what spans a whole latent: the mean of N alike cells spreads sqrt(N) times as wide."""
    x = SeededNoise(0)((2000, 1, 1, 1)).double()
    errors = []
    for spread in deviations:
        found = dpmpp(gaussian(abars, deviation=spread), x, abars, solver_times(abars, count))
        errors.append(float((found - (0.3 + spread * x)).abs().mean()) / spread)
    return max(errors)


def test_more_steps_of_the_solver_are_never_further_from_the_exact_answer():
    abars = zero_snr_cosine().double()

    errors = [worst(count, abars) for count in (4, 6, 8, 10, 12, 16, 20, 40, 80)]

    assert all(more < fewer for fewer, more in itertools.pairwise(errors))


def test_the_solver_is_of_second_order():
    # so fine a schedule that rounding a time to a training time is not seen
    at = torch.arange(1, 200_001, dtype=torch.float64) / 200_000
    abars = torch.cos(at * math.pi / 2) ** 2
    abars[-1] = 0

    ratio = worst(80, abars) / worst(320, abars)

    # Second order in the steps of log SNR, whose span, 2 log(n) + log(3), grows with n.
    step = {n: (2 * math.log(n) + math.log(3)) / n for n in (80, 320)}
    assert ratio == pytest.approx((step[80] / step[320]) ** 2, rel=0.15)


def test_few_steps_settle_wide_data_that_an_even_grid_of_times_leaves_open():
    abars = zero_snr_cosine().double()
    x = SeededNoise(0)((2000, 1, 1, 1)).double()
    even = ddim(gaussian(abars, 0, 10), x, trailing_steps(abars, 10, 0.0), SeededNoise(1))

    assert worst(10, abars, (10.0,)) < 0.02
    assert (even - 10 * x).abs().mean() / 10 > 0.1


def test_v_and_eps_describe_the_same_latent():
    x0, eps = SeededNoise(1)(SHAPE), SeededNoise(2)(SHAPE)
    abar = 0.3
    x = abar**0.5 * x0 + (1 - abar) ** 0.5 * eps
    v = abar**0.5 * eps - (1 - abar) ** 0.5 * x0

    for estimate in (from_v(x, v, abar), from_eps(x, eps, abar)):
        torch.testing.assert_close(estimate.x0, x0, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(estimate.eps, eps, atol=1e-5, rtol=1e-5)


def test_guidance_extrapolates_from_the_unguided_estimate():
    def says(value):
        return lambda x, t: Estimate(torch.full_like(x, value), torch.full_like(x, -value))

    found = guided(apart(says(1.0), says(3.0)), 2.5)(torch.zeros(SHAPE), 1)

    assert found.x0.eq(1 + 2.5 * 2).all()
    assert found.eps.eq(-(1 + 2.5 * 2)).all()


def test_guidance_in_one_call_is_guidance_in_two():
    abars, x = zero_snr_cosine(), SeededNoise(0)((2, 1, 4, 4))
    plain, asked = torch.full((2, 1, 4, 4), 0.2), torch.full((2, 1, 4, 4), 0.7)
    asked[1] = -0.4

    one = together(knows_the_answer(torch.cat([plain, asked]), abars))
    two = apart(knows_the_answer(plain, abars), knows_the_answer(asked, abars))

    for found, wanted in zip(guided(one, 3.0)(x, 500), guided(two, 3.0)(x, 500), strict=True):
        assert torch.equal(found, wanted)


def test_what_guidance_adds_is_worked_out_anew_when_the_noise_ratio_has_halved():
    abars, alone, paired = zero_snr_cosine(), [], []
    asked = gaussian(abars)

    def seen(x, t):
        alone.append(t)
        return asked(x, t)

    def pair(x, t):
        paired.append(t)
        return gaussian(abars, mean=0.1)(x, t), asked(x, t)

    times = solver_times(abars, 12)
    ratios = {t: noise_ratio(float(abars[t])) for t in times}
    dpmpp(guided_now_and_then(pair, seen, 3.0, abars, 2), SeededNoise(0)(SHAPE), abars, times)

    assert paired[:2] == times[:2]  # nothing is kept from where there is no signal
    assert sorted([*alone, *paired], reverse=True) == times and alone
    assert all(2 * ratios[b] <= ratios[a] for a, b in itertools.pairwise(paired[1:]))
    for t in alone:
        last = min(ratios[p] for p in paired if p > t)
        assert 2 * ratios[t] > last


def test_guidance_that_is_used_again_adds_as_much_as_before():
    abars, x = zero_snr_cosine(), SeededNoise(0)(SHAPE)

    def says(value):
        return lambda x, t: from_eps(x, torch.full_like(x, value), float(abars[t]))

    denoise = guided_now_and_then(apart(says(0.1), says(0.3)), says(0.5), 3.0, abars, 50)

    torch.testing.assert_close(denoise(x, 500).eps, torch.full(SHAPE, 0.1 + 3 * 0.2))
    # of the new estimate alone: 0.5, and the twofold difference of the two before it
    torch.testing.assert_close(denoise(x, 450).eps, torch.full(SHAPE, 0.5 + 2 * 0.2))


def test_guidance_that_lasts_a_little_ends_near_guidance_at_every_step():
    abars = zero_snr_cosine()
    x, asked = SeededNoise(0)((500, 1, 1, 1)), gaussian(abars, 0.3)
    pair, times = apart(gaussian(abars, 0.1), asked), solver_times(abars, 100)

    at_every_step = dpmpp(guided(pair, 5.0), x, abars, times)
    moved = (at_every_step - dpmpp(asked, x, abars, times)).abs().mean()
    sparing = dpmpp(guided_now_and_then(pair, asked, 5.0, abars, 1.25), x, abars, times)
    apart_by = (sparing - at_every_step).abs().mean()

    assert 0 < apart_by < 0.1 * moved


def test_a_held_cell_ends_at_the_reference_and_a_free_one_at_the_networks_answer():
    abars = zero_snr_cosine()
    reference, answer = torch.full(SHAPE, -0.4), torch.full(SHAPE, 0.6)
    keep = torch.zeros(1, 1, 4, 4)
    keep[..., :2] = 1

    pulled = held(knows_the_answer(answer, abars), reference, keep, abars)
    found = dpmpp(pulled, SeededNoise(5)(SHAPE), abars, solver_times(abars, 8))

    torch.testing.assert_close(found[..., :2], reference[..., :2])
    torch.testing.assert_close(found[..., 2:], answer[..., 2:])


def test_a_pull_that_ends_early_lets_the_network_finish():
    abars = zero_snr_cosine()
    reference, answer = torch.full(SHAPE, -0.4), torch.full(SHAPE, 0.6)
    times = solver_times(abars, 8)

    pulled = held(
        knows_the_answer(answer, abars), reference, torch.ones(SHAPE), abars, down_to=times[3]
    )
    found = dpmpp(pulled, SeededNoise(5)(SHAPE), abars, times)

    torch.testing.assert_close(found, answer)


def test_a_picture_of_a_batch_has_the_noise_of_its_own_seed():
    together, alone = SeededNoise(1, 2), SeededNoise(2)

    for _ in range(3):
        assert torch.equal(together((2, 3))[1:], alone((1, 3)))


def test_solver_times_start_at_pure_noise_and_fall():
    times = solver_times(zero_snr_cosine(), 20)

    assert times[0] == 999
    assert len(times) == 20
    assert all(a > b for a, b in itertools.pairwise(times))


@pytest.mark.parametrize("schedule", [zero_snr_cosine, ldm_linear, sr_cosine])
@pytest.mark.parametrize("count", [1, 2, 3, 250, 1000])
def test_solver_times_are_as_many_as_asked_for_while_the_schedule_has_them(schedule, count):
    times = solver_times(schedule(), count)

    assert len(times) == len(set(times)) <= count
    assert times[0] == len(schedule()) - 1
    assert min(times) >= 0
    assert len(times) > 0.6 * count
