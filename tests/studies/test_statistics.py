"""Every statistic gives the value that was published for it, or one done by hand."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from app.studies.statistics import areas, planning, proportions, ratings
from app.studies.statistics import readers_and_cases as both


def close(value, wanted, digits):
    return value == pytest.approx(wanted, abs=0.5 * 10**-digits)


# Shares -----------------------------------------------------------------------------------------


def test_the_exact_interval_of_myong_2023():
    """147 of 275 synthetic radiographs recognised: 47.4 to 59.5 %."""
    found = proportions.clopper_pearson(147, 275)

    assert close(found.low, 0.474, 3) and close(found.high, 0.595, 3)


def test_the_exact_interval_of_park_2021():
    """1781 of 3000 right: 57.6 to 61.1 %, p below .001."""
    found = proportions.clopper_pearson(1781, 3000)

    assert close(found.low, 0.576, 3) and close(found.high, 0.611, 3)
    assert proportions.exact_p(1781, 3000) < 0.001


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (10, 10), (3, 7), (1, 1)])
def test_the_exact_interval_ends_where_a_tail_holds_its_share(successes, trials):
    found = proportions.clopper_pearson(successes, trials)

    above = stats.binom.sf(successes - 1, trials, found.low)
    below = stats.binom.cdf(successes, trials, found.high)
    assert above == pytest.approx(0.025 if successes else 1.0)
    assert below == pytest.approx(0.025 if successes < trials else 1.0)


def test_the_score_interval_of_newcombe_1998():
    """81 of 263 gives .2553 to .3662 by Wilson's method; 0 of 20 gives 0 to .1611."""
    found, none = proportions.wilson(81, 263), proportions.wilson(0, 20)

    assert close(found.low, 0.2553, 4) and close(found.high, 0.3662, 4)
    assert none.low == 0 and close(none.high, 0.1611, 4)


def test_mcnemar_counts_the_outcomes_no_likelier():
    """1 against 5: (1 + 6 + 6 + 1) of 64."""
    assert proportions.mcnemar(1, 5) == pytest.approx(14 / 64)


def test_detection_by_hand():
    """Half of each called synthetic: d' 0, c 0. All right of 9 and 9: z(.95) - z(.05)."""
    assert proportions.detection(5, 10, 5, 10) == pytest.approx((0, 0))
    d, c = proportions.detection(9, 9, 0, 9)
    assert d == pytest.approx(2 * 1.6448536) and c == pytest.approx(0)
    assert proportions.detection(9, 10, 5, 10)[1] < 0  # says synthetic readily


def test_holm_by_hand():
    assert proportions.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert proportions.holm([0.5, 0.9]) == [1.0, 1.0]
    assert proportions.holm([]) == []


def test_an_interval_is_equivalent_only_within_both_margins():
    assert proportions.equivalent(0.42, 0.58, 0.5, 0.1)
    assert not proportions.equivalent(0.39, 0.58, 0.5, 0.1)
    assert not proportions.equivalent(0.42, 0.61, 0.5, 0.1)


# Areas ------------------------------------------------------------------------------------------


def hanley():
    """Ratings of 109 CT pictures (Hanley, McNeil 1982): normal and abnormal, five steps."""
    steps = np.arange(1.0, 6.0)
    normal = np.repeat(steps, [33, 6, 6, 11, 2])
    abnormal = np.repeat(steps, [3, 2, 2, 11, 33])
    return abnormal, normal


def test_the_area_of_hanley_and_mcneil_1982():
    assert close(areas.area(*hanley()).value, 0.893, 3)


def test_areas_and_covariances_are_those_of_delong_s_definition():
    """Straight from the paper: psi is 1, 1/2 or 0 for every pair; no ranks."""
    rng = np.random.default_rng(4)
    positive, negative = rng.integers(1, 7, (3, 17)) + 0.0, rng.integers(1, 6, (3, 23)) + 0.0
    psi = np.sign(positive[:, :, None] - negative[:, None, :]) / 2 + 0.5
    v10, v01 = psi.mean(axis=2), psi.mean(axis=1)
    wanted = np.empty((3, 3))
    for a, b in itertools.product(range(3), repeat=2):
        s10 = ((v10[a] - v10[a].mean()) * (v10[b] - v10[b].mean())).sum() / 16
        s01 = ((v01[a] - v01[a].mean()) * (v01[b] - v01[b].mean())).sum() / 22
        wanted[a, b] = s10 / 17 + s01 / 23

    values, covariance = areas.areas_and_covariance(positive, negative)

    assert values == pytest.approx(psi.mean(axis=(1, 2)))
    assert covariance == pytest.approx(wanted)
    gap = values[0] - values[1]
    z = abs(gap) / math.sqrt(wanted[0, 0] + wanted[1, 1] - 2 * wanted[0, 1])
    assert areas.difference_p(positive[:2], negative[:2]) == pytest.approx(2 * stats.norm.sf(z))


def test_the_area_lies_under_the_curve():
    points = np.array(areas.curve(*hanley()))
    assert points[0].tolist() == [0, 0] and points[-1].tolist() == [1, 1]

    under = np.trapezoid(points[:, 1], points[:, 0])
    assert under == pytest.approx(areas.area(*hanley()).value)


def test_scores_apart_have_area_one_and_scores_alike_a_half():
    low, high = np.array([1.0, 2, 2]), np.array([4.0, 5])

    assert areas.area(high, low).value == 1 and areas.area(low, high).value == 0
    assert areas.area(np.ones(4), np.ones(5)).value == 0.5


# Readers and cases ------------------------------------------------------------------------------

VAN_DYKE = np.array(  # areas of five readers without and with the second kind of picture
    [
        [0.91964573, 0.85877618, 0.90386473, 0.97310789, 0.82979066],
        [0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169],
    ]
)
COVARIANCES = (0.000342009, 0.0003395265, 0.0002358497)


def test_obuchowski_rockette_of_the_van_dyke_study():
    """MRMCaov's figures for it, with DeLong's covariances."""
    found = both.compare_with(VAN_DYKE, *COVARIANCES)

    assert found.means == pytest.approx((0.8970370, 0.9408374), abs=1e-7)
    assert found.ms_treatment_reader == pytest.approx(0.0005510306, rel=1e-6)
    assert found.f == pytest.approx(4.484854, rel=2e-6)
    assert found.degrees == pytest.approx(15.06611, rel=2e-6)
    assert found.p == pytest.approx(0.05123303, rel=2e-6)
    assert found.difference.value == pytest.approx(-0.0438003, abs=1e-7)
    assert found.difference.low == pytest.approx(-0.0878672, abs=1e-7)
    assert found.difference.high == pytest.approx(0.0002666, abs=1e-7)


def test_the_three_covariances_are_means_over_their_kinds_of_pairs():
    covariance = np.empty((2, 5, 2, 5))
    for i, j, k, l in itertools.product(range(2), range(5), range(2), range(5)):
        same = (i == k, j == l)
        kinds = {(False, True): 0, (True, False): 1, (False, False): 2}
        covariance[i, j, k, l] = 9.0 if same == (True, True) else COVARIANCES[kinds[same]]

    found = both.compare(VAN_DYKE, covariance)
    assert (found.cov1, found.cov2, found.cov3) == pytest.approx(COVARIANCES)
    assert found.f == pytest.approx(4.484854, rel=2e-6)


def test_the_mean_of_right_answers_has_the_variance_of_a_two_way_analysis_of_variance():
    """By sums of squares: Var = (MSR + MSC - MSE) / (R C), where MSC is above MSE."""
    rng = np.random.default_rng(2)
    chance = 0.6 + 0.3 * rng.normal(size=(1, 40)) + 0.1 * rng.normal(size=(5, 1))
    y = (rng.random((5, 40)) < chance).astype(float)
    r, c = y.shape
    rows, columns = y.mean(axis=1), y.mean(axis=0)
    msr = c * ((rows - y.mean()) ** 2).sum() / (r - 1)
    msc = r * ((columns - y.mean()) ** 2).sum() / (c - 1)
    mse = ((y - rows[:, None] - columns + y.mean()) ** 2).sum() / ((r - 1) * (c - 1))
    assert msc > mse

    found = both.mean_share(y)

    total = msr + msc - mse
    assert found.error**2 == pytest.approx(total / (r * c))
    assert found.degrees == pytest.approx(total**2 / (msr**2 / (r - 1)))
    half = stats.t.ppf(0.975, found.degrees) * found.error
    assert found.estimate.high - found.estimate.low == pytest.approx(2 * half)


def test_strata_that_are_one_stratum_change_nothing_and_known_shares_take_variance_away():
    rng = np.random.default_rng(3)
    y = np.concatenate([rng.random((4, 30)) < 0.9, rng.random((4, 30)) < 0.3], axis=1) + 0.0
    one = np.zeros(60, dtype=np.int64)
    two = np.repeat([0, 1], 30)

    assert both.mean_share_in_strata(y, one) == both.mean_share(y)
    assert both.mean_share_in_strata(y, two).error < both.mean_share(y).error


def test_one_reader_has_the_plain_interval_over_cases():
    y = np.array([[1.0] * 30 + [0.0] * 20])
    found = both.mean_share(y)

    assert found.error == pytest.approx(math.sqrt(0.6 * 0.4 / 49))
    assert found.degrees == math.inf


def test_the_mean_area_of_equal_readers_has_delong_s_error():
    """Readers who answer alike add nothing: MS(R) is 0 and Cov2 is the variance of one."""
    positive, negative = hanley()
    found = both.mean_area(np.tile(positive, (4, 1)), np.tile(negative, (4, 1)))
    one = areas.area(positive, negative)

    assert found.estimate.low == pytest.approx(one.low)
    assert found.estimate.high == pytest.approx(one.high)


def test_both_ways_of_drawing_again_agree_with_the_variance_that_is_known():
    """Owen's pigeonhole variance of the mean, from sums over rows, columns and cells."""
    rng = np.random.default_rng(6)
    y = rng.normal(size=(8, 40)) + rng.normal(size=(8, 1)) + rng.normal(size=(1, 40))
    quick = both.bootstrap_of_mean(y, 20_000, np.random.default_rng(1))
    slow = both.two_way_bootstrap(y, lambda d: float(d.mean()), 4000, np.random.default_rng(2))
    r, c = y.shape
    rows, columns, cells = y.mean(axis=1).var(), y.mean(axis=0).var(), y.var()
    rest = cells - rows - columns
    known = rows / r + columns / c + rest / (r * c)

    for one in (quick, slow):
        spread = (one.high - one.low) / (2 * 1.959964)
        assert spread == pytest.approx(math.sqrt(known), rel=0.05)


# Ratings and planning ---------------------------------------------------------------------------


def test_cliff_s_delta_by_hand():
    """Of 6 pairs 4 are higher, 1 lower, 1 equal."""
    assert ratings.cliffs_delta(np.array([2.0, 5, 6]), np.array([2.0, 4])) == pytest.approx(3 / 6)


def test_the_signed_rank_test_by_counting_signs():
    """All of six differences up: 2 of 64 outcomes."""
    first = np.array([1.0, 2, 3, 4, 5, 6])
    assert ratings.paired_p(first + np.array([1, 2, 3, 4, 5, 6.5]), first) == pytest.approx(2 / 64)
    assert ratings.paired_p(first, first) == 1


def test_the_rank_sum_test_by_counting():
    """Three above three: 2 of 20 orders."""
    assert ratings.unpaired_p(np.array([1.0, 2, 3]), np.array([4.0, 5, 6])) == pytest.approx(0.1)


def test_drift_is_one_for_what_only_rises_and_nothing_for_a_constant():
    assert ratings.drift(np.array([1.0, 2, 3, 5, 8]))[0] == pytest.approx(1)
    assert math.isnan(ratings.drift(np.ones(6))[0])


def test_limits_of_agreement_by_hand():
    mean, low, high = ratings.limits_of_agreement(np.array([3.0, 5, 7]), np.array([2.0, 3, 4]))

    assert mean == 2 and high - mean == pytest.approx(1.959964) and mean - low == high - mean


def test_equivalence_within_ten_points_needs_about_214_decisions_and_within_five_856():
    """(z(.95) + z(.9))^2 / 4 is 2.14; a share of a decision is rounded up."""
    assert planning.decisions_for_equivalence(0.1) - 1 <= 214.1
    assert planning.decisions_for_equivalence(0.1) in (214, 215)
    assert planning.decisions_for_equivalence(0.05) in (856, 857)


def test_three_readers_of_fifty_pictures_can_never_show_equivalence():
    plan = planning.plan_of(3, 50, 0.1)

    assert plan["enough_for_equivalence"] is False
    assert plan["decisions"] == 150
    assert planning.plan_of(30, 120, 0.1)["enough_for_equivalence"] is True


def test_the_least_visible_accuracy_is_seen_and_a_hair_less_is_not():
    least = planning.least_visible(200)

    assert planning.decisions_for_difference(least) <= 200
    assert planning.decisions_for_difference(least - 0.002) > 200
    assert planning.design_effect(0.281, 0.149) == pytest.approx(3.557, abs=1e-3)
