"""Agreement and preference give the values that were published for them, or ones done by hand."""

import math

import numpy as np
import pytest

from app.studies.errors import StudyError
from app.studies.statistics import agreement, preference

NAN = np.nan


def close(value, wanted, digits):
    return value == pytest.approx(wanted, abs=0.5 * 10**-digits)


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
