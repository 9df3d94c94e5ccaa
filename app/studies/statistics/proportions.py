"""Shares of decisions: intervals, tests, signal detection, equivalence, Holm's correction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; ``low`` and ``high`` are nan where none can be given."""

    value: float
    low: float
    high: float


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Estimate:
    """Score interval of a share (Wilson 1927, J Am Stat Assoc 22:209)."""
    if not trials:
        return Estimate(np.nan, np.nan, np.nan)
    z = float(stats.norm.ppf((1 + confidence) / 2))
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * np.sqrt(share * (1 - share) / trials + (z / trials / 2) ** 2)
    return Estimate(share, max(0.0, float(middle - half)), min(1.0, float(middle + half)))


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> Estimate:
    """Exact interval of a share from quantiles of beta distributions (Clopper, Pearson 1934,
    Biometrika 26:404)."""
    if not trials:
        return Estimate(np.nan, np.nan, np.nan)
    tail = (1 - confidence) / 2
    low = stats.beta.ppf(tail, successes, trials - successes + 1) if successes else 0.0
    full = successes == trials
    high = 1.0 if full else stats.beta.ppf(1 - tail, successes + 1, trials - successes)
    return Estimate(successes / trials, float(low), float(high))


def exact_p(successes: int, trials: int, expected: float = 0.5) -> float:
    """Two-sided exact binomial p: outcomes no likelier than the one seen."""
    if not trials:
        return float("nan")
    return float(stats.binomtest(successes, trials, expected).pvalue)


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact p of McNemar's test (1947, Psychometrika 12:153) from the discordant counts."""
    return exact_p(only_first, only_first + only_second)


def detection(hits: int, positives: int, false_alarms: int, negatives: int) -> tuple[float, float]:
    """d' and criterion c with the log-linear correction (Hautus 1995, Behav Res Methods 27:46).

    A hit is a synthetic picture called synthetic. c below 0: this reader says synthetic readily.
    """
    hit = stats.norm.ppf((hits + 0.5) / (positives + 1))
    alarm = stats.norm.ppf((false_alarms + 0.5) / (negatives + 1))
    return float(hit - alarm), float(-(hit + alarm) / 2)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number, in their order (Holm 1979, Scand J Stat 6:65)."""
    order = np.argsort(p_values)
    adjusted = np.empty(len(p_values))
    largest = 0.0
    for rank, n in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[n]))
        adjusted[n] = largest
    return adjusted.tolist()


def equivalent(low: float, high: float, centre: float, margin: float) -> bool:
    """Two one-sided tests (Schuirmann 1987, J Pharmacokinet Biopharm 15:657) as an interval.

    With a (1 - 2 alpha) interval: whether it lies within ``centre`` plus or minus ``margin``.
    """
    return bool(centre - margin < low and high < centre + margin)
