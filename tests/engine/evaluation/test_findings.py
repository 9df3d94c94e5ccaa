import numpy as np
import pytest
import torch

from engine.evaluation.findings import inside, outcome
from engine.networks.judge import SHARPNESS, pooled
from engine.training.judge import area_under_curve


def test_a_finding_that_appears_in_most_films_and_in_none_without_it_passes():
    after = np.arange(40) < 30

    found = outcome(after, np.zeros(40, bool))

    assert (found["hits"], found["of"], found["rate"], found["without"]) == (30, 40, 0.75, 0.0)
    assert found["passes"] is True


def test_a_finding_that_is_seen_as_often_without_it_fails():
    always = np.ones(40, bool)

    assert outcome(always, always)["passes"] is False
    assert outcome(np.zeros(40, bool), always)["passes"] is False


def test_a_paired_difference_passes_where_intervals_still_overlap():
    after, before = np.arange(40) < 20, np.arange(40) < 11

    found = outcome(after, before)

    assert found["interval"][0] < found["without_interval"][1]
    assert found["mcnemar_p"] == pytest.approx(2 / 2**9, rel=0.05)  # nine pairs, all one way
    assert found["passes"] is True


def test_only_the_region_is_looked_at():
    maps = np.full((1, 1, 16, 16), -3, np.float32)
    maps[0, 0, 2, 2] = 5
    corner, elsewhere = np.zeros((2, 1, 256, 256), np.float32)
    corner[0, 32:48, 32:48] = 1  # cell (2, 2) and no other
    elsewhere[0, 128:, 128:] = 1

    assert inside(maps, corner).item() == pytest.approx(5, abs=1e-3)
    assert inside(maps, elsewhere).item() == pytest.approx(-3, abs=1e-3)


def test_an_even_map_pools_to_its_value_and_a_peak_to_nearly_its_own():
    even = torch.full((1, 1, 16, 16), 1.5)
    peak = torch.full((1, 1, 16, 16), -20.0)
    peak[0, 0, 7, 7] = 3

    assert pooled(even).item() == pytest.approx(1.5)
    assert pooled(peak).item() == pytest.approx(3 - np.log(256) / SHARPNESS)


def test_the_area_under_the_curve_counts_pairs_and_halves_ties():
    assert area_under_curve(np.array([2.0, 3.0]), np.array([1.0, 2.0])) == pytest.approx(0.875)
