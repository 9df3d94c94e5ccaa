"""Intervals and tests of shares, against published and hand-made values."""

import pytest

from engine.evaluation.proportions import mcnemar, rate, wilson_interval


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [  # Newcombe 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(hits, of, low, high):
    assert wilson_interval(hits, of) == pytest.approx((low, high), abs=5e-5)


def test_nothing_tried_says_nothing():
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert rate(0, 0)["rate"] is None


def test_mcnemar_is_the_binomial_tail_of_the_discordant_pairs():
    assert mcnemar(9, 1) == pytest.approx(2 * (1 + 10) / 1024)
    assert mcnemar(1, 9) == mcnemar(9, 1)
    assert mcnemar(4, 4) == 1.0
    assert mcnemar(0, 0) == 1.0


def test_a_rate_carries_its_count_and_interval():
    assert rate(3, 4) == {"hits": 3, "of": 4, "rate": 0.75, "interval": [0.301, 0.954]}
