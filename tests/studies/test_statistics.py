"""Every statistic gives the value that was published for it, or one done by hand."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from app.studies.errors import StudyError
from app.studies.statistics import agreement, areas, planning, preference, proportions, ratings
from app.studies.statistics import readers_and_cases as both

NAN = np.nan


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


# Agreement --------------------------------------------------------------------------------------


def test_fleiss_kappa_of_ten_subjects_and_fourteen_readers():
    counts = np.array(
        [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ],
        dtype=float,
    )

    assert close(agreement.fleiss_kappa(counts), 0.210, 3)


KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
)


@pytest.mark.parametrize(
    ("level", "wanted"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_of_krippendorff_s_four_readers_and_twelve_units(level, wanted):
    assert close(agreement.krippendorff_alpha(KRIPPENDORFF, level), wanted, 3)


def test_the_six_correlations_of_shrout_and_fleiss_1979():
    table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found = agreement.intraclass(np.array(table, dtype=float))

    assert close(found.icc1, 0.166, 3) and close(found.icc1k, 0.443, 3)
    assert close(found.icc2, 0.290, 3) and close(found.icc2k, 0.620, 3)
    assert close(found.icc3, 0.715, 3) and close(found.icc3k, 0.909, 3)


def test_cohen_s_kappa_by_hand():
    """20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: (0.7 - 0.5) / (1 - 0.5)."""
    first = np.repeat([1.0, 1, 0, 0], [20, 5, 10, 15])
    second = np.repeat([1.0, 0, 1, 0], [20, 5, 10, 15])

    for weights in ("none", "linear", "quadratic"):  # two categories know no near miss
        assert agreement.cohen_kappa(first, second, weights) == pytest.approx(0.4)


def test_quadratic_kappa_is_the_intraclass_correlation_for_equal_margins():
    """Fleiss and Cohen 1973: with the readers' mean square counted, up to a term of 1 / n."""
    rng = np.random.default_rng(8)
    first = rng.integers(1, 6, 4000).astype(float)
    second = np.clip(first + rng.integers(-1, 2, 4000), 1, 5)

    icc = agreement.intraclass(np.stack([first, second], axis=1)).icc2
    assert agreement.cohen_kappa(first, second, "quadratic") == pytest.approx(icc, abs=1e-3)


def test_readers_who_always_agree_have_one_and_who_say_one_thing_have_none():
    alike = np.tile([1.0, 2, 3, 1], (3, 1))
    assert agreement.krippendorff_alpha(alike, "ordinal") == pytest.approx(1)
    assert agreement.cohen_kappa(alike[0], alike[1], "quadratic") == pytest.approx(1)

    same = np.ones((3, 4))
    assert math.isnan(agreement.krippendorff_alpha(same, "ordinal"))
    assert math.isnan(agreement.cohen_kappa(same[0], same[1]))
    assert math.isnan(agreement.intraclass(same.T).icc2)


def test_the_interval_over_cases_holds_its_estimate():
    found = agreement.over_cases(
        KRIPPENDORFF,
        lambda drawn: agreement.krippendorff_alpha(drawn, "nominal"),
        500,
        np.random.default_rng(1),
    )

    assert found.low < found.value < found.high <= 1


# Preferences ------------------------------------------------------------------------------------


def test_two_sources_have_the_odds_of_their_wins():
    found = preference.bradley_terry(np.array([[0, 30.0], [10, 0]]))

    assert found.log[0] - found.log[1] == pytest.approx(math.log(3))
    assert found.win(0, 1) == pytest.approx(0.75) and sum(found.log) == pytest.approx(0)


def test_bradley_terry_of_agresti_s_baseball_teams():
    """American League 1987 (Agresti, Categorical Data Analysis): log strengths over Baltimore."""
    teams = ["Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore"]
    wins = np.array(
        [
            [0, 7, 9, 7, 7, 9, 11],
            [6, 0, 7, 5, 11, 9, 9],
            [4, 6, 0, 7, 7, 8, 12],
            [6, 8, 6, 0, 6, 7, 10],
            [6, 2, 6, 7, 0, 7, 12],
            [4, 4, 5, 6, 6, 0, 6],
            [2, 4, 1, 3, 1, 7, 0],
        ],
        dtype=float,
    )
    log = np.array(preference.bradley_terry(wins).log)
    wanted = [1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839, 0.0]

    assert dict(zip(teams, log - log[6], strict=True)) == pytest.approx(
        dict(zip(teams, wanted, strict=True)), abs=0.0001
    )


def test_expected_wins_are_the_wins_that_were_seen():
    """The likelihood equations of the model, which the maximum fulfils."""
    rng = np.random.default_rng(3)
    wins = rng.integers(1, 20, (5, 5)).astype(float)
    np.fill_diagonal(wins, 0)
    found = preference.bradley_terry(wins)
    games = wins + wins.T
    expected = [sum(games[i, j] * found.win(i, j) for j in range(5) if j != i) for i in range(5)]

    assert expected == pytest.approx(wins.sum(axis=1))


def test_ties_after_davidson_by_hand():
    """Of 50: 20, 10 and 20 ties. Odds 2 to 1, and ties nu sqrt(pi pi) with nu = sqrt 2."""
    wins, ties = np.array([[0, 20.0], [10, 0]]), np.array([[0, 20.0], [20, 0]])
    found = preference.bradley_terry(wins, ties)

    assert found.log[0] - found.log[1] == pytest.approx(math.log(2), abs=1e-4)
    assert found.tie == pytest.approx(math.sqrt(2), abs=1e-4)


@pytest.mark.parametrize(
    "wins", [[[0, 5], [0, 0]], [[0, 3, 0, 0], [2, 0, 0, 0], [0, 0, 0, 4], [0, 0, 1, 0]]]
)
def test_strengths_without_bound_are_refused_in_words(wins):
    with pytest.raises(StudyError, match="always, or never"):
        preference.bradley_terry(np.array(wins, dtype=float))


def test_circles_are_counted_as_by_kendall():
    """Rock, paper, scissors is one circle. Scores 2, 2, 2, 2, 2 of five make 5."""
    assert preference.circular_triads(np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])) == 1
    assert preference.circular_triads(np.array([[0, 1, 1], [0, 0, 1], [0, 0, 0]])) == 0
    round_table = np.zeros((5, 5))
    for n in range(5):
        round_table[n, (n + 1) % 5] = round_table[n, (n + 2) % 5] = 1
    assert preference.circular_triads(round_table) == 5 * 4 * 9 // 12 - 5 * 4 // 2


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
