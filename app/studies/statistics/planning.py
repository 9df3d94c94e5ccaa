"""How many readers and cases a study needs, and what one of a given size can show."""

import math
from typing import Any

from scipy import stats


def decisions_for_equivalence(margin: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Independent decisions so that two one-sided tests put a share of 0.5 within ``margin``.

    n = (z(1-alpha) + z(1-beta/2))^2 / 4 / margin^2, the true share being 0.5 (Chow, Shao, Wang,
    Sample Size Calculations in Clinical Research, chapter 4).
    """
    z = stats.norm.ppf(1 - alpha) + stats.norm.ppf(1 - (1 - power) / 2)
    return math.ceil(float(z) ** 2 * 0.25 / margin**2)


def decisions_for_difference(share: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Independent decisions to tell ``share`` from 0.5 with a two-sided test of proportions."""
    spread = stats.norm.ppf(1 - alpha / 2) * 0.5
    spread += stats.norm.ppf(power) * math.sqrt(share * (1 - share))
    return math.ceil(float(spread / (share - 0.5)) ** 2)


def design_effect(honest_width: float, pooled_width: float) -> float:
    """By how much clustering inflates the number of decisions: the squared ratio of widths."""
    return (honest_width / pooled_width) ** 2


def plan_of(
    readers: int, cases: int, margin: float, effects: tuple[float, float] = (3.6, 6.7)
) -> dict[str, Any]:
    """What ``readers`` reading ``cases`` each can show, from the least to the largest design
    effect that was seen in simulation (``python -m app.studies simulate --studies``).

    ``enough_for_equivalence`` is true, false, or None where it depends on the design effect.
    """
    decisions = readers * cases
    needed = decisions_for_equivalence(margin)
    worth = [decisions / effect for effect in effects]
    shown = [least_visible(one) for one in worth]
    return {
        "readers": readers,
        "cases": cases,
        "margin": margin,
        "decisions": decisions,
        "independent_decisions_needed": needed,
        "design_effect": list(effects),
        "worth_independent_decisions": worth,
        "enough_for_equivalence": worth[1] >= needed or (None if worth[0] >= needed else False),
        "readers_needed_for_equivalence": [math.ceil(needed * one / cases) for one in effects],
        "least_accuracy_told_from_guessing": shown,
    }


def least_visible(decisions: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """The share nearest above 0.5 that so many independent decisions tell from guessing.

    1.0 where even that is out of reach.
    """
    low, high = 0.5, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if decisions_for_difference(middle, alpha, power) <= decisions:
            high = middle
        else:
            low = middle
    return high
