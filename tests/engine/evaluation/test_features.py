"""Distances between sets of features, against values worked out by hand."""

import numpy as np
import pytest

from engine.evaluation.features import (
    frechet,
    kernel_distance,
    kernel_distance_with_error,
    manifold_shares,
)


def points(*values):
    return np.array(values, float).reshape(len(values), -1)


def test_frechet_of_two_normals_in_one_dimension_is_the_textbook_value():
    unit = np.random.default_rng(0).standard_normal((500, 1))
    unit = (unit - unit.mean()) / unit.std(ddof=1)

    # (3 - 0)^2 + (2 - 1)^2
    assert frechet(unit, 2 * unit + 3) == pytest.approx(10.0)


def test_frechet_of_a_set_stretched_and_moved_follows_from_its_covariance():
    some = np.random.default_rng(1).standard_normal((80, 5)) @ np.diag([1, 2, 3, 4, 5.0])
    moved = 3 * some + 1
    away = moved.mean(0) - some.mean(0)
    # roots of C and 9 C commute: trace(C + 9 C - 2 * 3 C)
    expected = away @ away + 4 * np.trace(np.cov(some, rowvar=False))

    assert frechet(some, moved) == pytest.approx(expected)
    assert frechet(some, some) == pytest.approx(0, abs=1e-8)


def test_frechet_does_not_change_when_both_sets_are_turned():
    luck = np.random.default_rng(2)
    a, b = luck.standard_normal((60, 4)), luck.standard_normal((60, 4)) @ np.diag([1, 3, 1, 0.2])
    turn, _ = np.linalg.qr(luck.standard_normal((4, 4)))

    assert frechet(a @ turn, b @ turn) == pytest.approx(frechet(a, b))


def test_kid_of_a_few_points_is_what_paper_and_pencil_say():
    # kernel (xy + 1)^3: within {1, -1} it is 0, within {2, 2} 125, between them (27 - 1) / 2
    assert kernel_distance(points(1, -1), points(2, 2)) == pytest.approx(0 + 125 - 2 * 13)


def test_kid_of_two_sets_of_one_kind_is_near_nothing():
    luck = np.random.default_rng(3)
    a, b = luck.standard_normal((2, 400, 16))

    assert abs(kernel_distance(a, b)) < 0.01
    assert kernel_distance(a, b + 1) > 1


def test_the_error_of_kid_is_not_smaller_than_what_other_films_would_change():
    luck = np.random.default_rng(4)
    sets = [luck.standard_normal((2, 100, 8)) for _ in range(40)]
    found = [kernel_distance_with_error(a, b) for a, b in sets]

    spread = np.std([value for value, _ in found])
    assert spread < np.mean([error for _, error in found]) < 2.5 * spread


def test_precision_recall_density_and_coverage_of_points_on_a_line():
    real = points(0, 1, 2, 3)  # each ball reaches 1
    drawn = points(0.5, 10, 11)  # balls of 9.5, 1 and 1

    found = manifold_shares(real, drawn, k=1)

    assert found["precision"] == pytest.approx(1 / 3, abs=1e-3)  # 0.5 lies in two real balls
    assert found["density"] == pytest.approx(2 / 3, abs=1e-3)
    assert found["coverage"] == 0.5  # 0 and 1 have a drawn point in their ball
    assert found["recall"] == 1.0  # the ball of 0.5 holds all real points
