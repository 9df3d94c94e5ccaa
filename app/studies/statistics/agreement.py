"""Agreement between readers and with themselves."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.studies.statistics.proportions import Estimate

Numbers = NDArray[np.float64]


def cohen_kappa(first: Numbers, second: Numbers, weights: str = "none") -> float:
    """Cohen's kappa of two readings (1960, Educ Psychol Meas 20:37), weighted (1968, Psychol
    Bull 70:213) with ``linear`` or ``quadratic`` weights. nan where no disagreement is possible.

    The readings are numbers on one scale; categories are the values that occur, and weights go by
    the distance between values.
    """
    levels = np.unique(np.concatenate([first, second]))
    table = np.zeros((len(levels), len(levels)))
    places = np.searchsorted(levels, first), np.searchsorted(levels, second)
    np.add.at(table, places, 1)
    table /= table.sum()
    distance = np.abs(levels[:, None] - levels[None])
    lost = {"none": distance > 0, "linear": distance, "quadratic": distance**2}[weights]
    expected = float((np.outer(table.sum(axis=1), table.sum(axis=0)) * lost).sum())
    return 1 - float((table * lost).sum()) / expected if expected > 0 else float("nan")


def fleiss_kappa(counts: Numbers) -> float:
    """Fleiss' kappa (1971, Psychol Bull 76:378); ``counts`` (cases, categories), every row with
    the same number of readers."""
    readers = counts.sum(axis=1)[0]
    shares = counts.sum(axis=0) / counts.sum()
    agreeing = ((counts**2).sum(axis=1) - readers) / (readers * (readers - 1))
    chance = float((shares**2).sum())
    return float((agreeing.mean() - chance) / (1 - chance)) if chance < 1 else float("nan")


def krippendorff_alpha(readings: Numbers, level: str) -> float:
    """Krippendorff's alpha (2011, Computing Krippendorff's alpha-reliability).

    ``readings`` (readers, cases) with nan for what was not read; ``level`` is nominal, ordinal or
    interval. nan where fewer than two values occur.
    """
    values = np.unique(readings[~np.isnan(readings)])
    counts = (readings[:, :, None] == values).sum(axis=0).astype(float)  # (cases, values)
    counts = counts[counts.sum(axis=1) > 1]
    weighted = counts / (counts.sum(axis=1, keepdims=True) - 1)
    together = weighted.T @ counts - np.diag(weighted.sum(axis=0))
    totals = together.sum(axis=0)
    distance = _distances(values, totals, level)
    expected = float((np.outer(totals, totals) * distance).sum()) / max(totals.sum() - 1, 1)
    observed = float((together * distance).sum())
    return 1 - observed / expected if expected > 0 else float("nan")


def _distances(values: Numbers, totals: Numbers, level: str) -> Numbers:
    if level == "nominal":
        return (values[:, None] != values[None]).astype(float)
    if level == "interval":
        return (values[:, None] - values[None]) ** 2
    if level == "ordinal":
        ranks = np.cumsum(totals) - totals / 2
        return (ranks[:, None] - ranks[None]) ** 2
    raise ValueError(f"no level {level}")


@dataclass(frozen=True)
class IntraclassCorrelations:
    """The six of Shrout and Fleiss: one-way, two-way random, two-way mixed; one reader, mean."""

    icc1: float
    icc2: float
    icc3: float
    icc1k: float
    icc2k: float
    icc3k: float


def intraclass(ratings: Numbers) -> IntraclassCorrelations:
    """Intraclass correlations (Shrout, Fleiss 1979, Psychol Bull 86:420); ``ratings`` (cases,
    readers), nothing missing. nan where all ratings are equal."""
    n, k = ratings.shape
    grand = ratings.mean()
    rows = k * ((ratings.mean(axis=1) - grand) ** 2).sum()
    columns = n * ((ratings.mean(axis=0) - grand) ** 2).sum()
    total = ((ratings - grand) ** 2).sum()
    bms = rows / (n - 1)
    jms = columns / (k - 1)
    wms = (total - rows) / (n * (k - 1))
    ems = (total - rows - columns) / ((n - 1) * (k - 1))
    return IntraclassCorrelations(
        icc1=_ratio(bms - wms, bms + (k - 1) * wms),
        icc2=_ratio(bms - ems, bms + (k - 1) * ems + k * (jms - ems) / n),
        icc3=_ratio(bms - ems, bms + (k - 1) * ems),
        icc1k=_ratio(bms - wms, bms),
        icc2k=_ratio(bms - ems, bms + (jms - ems) / n),
        icc3k=_ratio(bms - ems, bms),
    )


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def over_cases(
    readings: Numbers,
    statistic: Callable[[Numbers], float],
    draws: int,
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> Estimate:
    """A statistic of ``readings`` (readers, cases) with the percentile interval over cases."""
    cases = readings.shape[1]
    found = [statistic(readings[:, rng.integers(cases, size=cases)]) for _ in range(draws)]
    kept = [one for one in found if not np.isnan(one)]
    if not kept:
        return Estimate(statistic(readings), float("nan"), float("nan"))
    tail = (1 - confidence) / 2
    low, high = np.quantile(kept, [tail, 1 - tail])
    return Estimate(statistic(readings), float(low), float(high))
