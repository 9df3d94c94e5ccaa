"""What a size can show: simulated power against arithmetic where the arithmetic is known."""

import math

import pytest

from app.studies.errors import StudyError
from app.studies.power import Spread, power_of, readers_for_equivalence, told
from app.studies.simulation import TABLE, Modelled, coverage
from app.studies.statistics.planning import decisions_for_difference, decisions_for_equivalence

ALIKE = Spread(0.0, 0.0)


def test_without_clustering_power_is_a_little_below_that_of_independent_decisions():
    """194 decisions tell 60 % from guessing with a power of 0.8, 215 show equivalence; an interval
    that allows for readers and cases costs some of it even where they do not differ."""
    assert decisions_for_difference(0.6) == pytest.approx(194, abs=1)
    found = power_of(24, 8, 0.1, ALIKE)
    told_apart = next(row for row in found["rows"] if row["true"] == 0.6)
    assert 0.6 < told_apart["differs"] < 0.87

    assert decisions_for_equivalence(0.1) == pytest.approx(215, abs=1)
    assert 0.6 < power_of(27, 8, 0.1, ALIKE)["rows"][0]["equivalent"] < 0.87


def test_without_clustering_the_interval_has_the_width_of_a_share():
    row = power_of(24, 10, 0.1, ALIKE)["rows"][0]

    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * math.sqrt(0.25 / 240), rel=0.15)


def test_readers_and_cases_that_differ_cost_power_and_the_design_effect_says_how_much():
    alike, apart = power_of(6, 60, 0.1, ALIKE), power_of(6, 60, 0.1, Spread(0.5, 1.0))

    assert apart["rows"][0]["equivalent"] < alike["rows"][0]["equivalent"]
    assert apart["design_effect"] > 3 > alike["design_effect"]


def test_of_a_study_that_is_too_small_the_limit_is_said_first_with_the_size_that_would_do():
    spread = Spread(0.3, 0.5)
    sentences = told(power_of(4, 80, 0.1, spread), 4, 80, 0.1, spread)
    enough = readers_for_equivalence(80, 0.1, spread)

    assert sentences[0].startswith("Not enough to call the sources indistinguishable")
    assert enough is not None and f"About {enough} readers" in sentences[0]
    assert power_of(enough, 80, 0.1, spread)["rows"][0]["equivalent"] > 0.7
    assert any("fewer than five readers" in one for one in sentences)


def test_ratings_are_planned_in_points():
    found = power_of(6, 80, 0.5, Spread(), "rating")

    assert found["unit"] == "points"
    shares = [row["differs"] for row in found["rows"]]
    assert shares[0] < 0.15 and shares == sorted(shares) and shares[-1] > 0.9


@pytest.mark.parametrize(("readers", "cases"), [(1, 60), (101, 60), (5, 7), (5, 2001)])
def test_a_size_out_of_range_is_refused(readers, cases):
    with pytest.raises(StudyError, match="2 to 100 readers"):
        power_of(readers, cases, 0.1, Spread())


@pytest.mark.parametrize(("readers", "cases", "reader_sd", "case_sd"), TABLE)
def test_the_headline_holds_the_truth_in_92_to_97_of_100_studies(
    readers, cases, reader_sd, case_sd
):
    """The table of the research file. 1500 studies know a coverage to 1.4 points at worst; with
    20,000, which docs/studies.md reports, all four lie between 92.4 and 94.7 %."""
    found = coverage(readers, cases, Modelled(0.5, reader_sd, case_sd), 1500, 9, draws=2)
    error = 2 * math.sqrt(0.95 * 0.05 / 1500)

    assert 0.92 - error <= found["coverage"]["obuchowski_rockette"] <= 0.97 + error
    assert found["coverage"]["pooled"] < 0.85
