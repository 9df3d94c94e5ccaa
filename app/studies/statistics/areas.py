"""Areas under ROC curves from rating scales, with DeLong's covariances."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from app.studies.statistics.proportions import Estimate

Scores = NDArray[np.float64]


def components(positive: Scores, negative: Scores) -> tuple[Scores, Scores]:
    """Structural components of every area: per positive and per negative case.

    ``positive`` (K, m) and ``negative`` (K, n) hold the scores of K readers or methods for the
    same cases. Returns (K, m) and (K, n); the mean of either is the area (DeLong, DeLong,
    Clarke-Pearson 1988, Biometrics 44:837; by midranks as Sun, Xu 2014, IEEE Sig Proc Lett 21).
    """
    m, n = positive.shape[1], negative.shape[1]
    both = stats.rankdata(np.concatenate([positive, negative], axis=1), axis=1)
    own_positive = stats.rankdata(positive, axis=1)
    own_negative = stats.rankdata(negative, axis=1)
    per_positive = (both[:, :m] - own_positive) / n
    per_negative = 1 - (both[:, m:] - own_negative) / m
    return per_positive, per_negative


def areas_and_covariance(positive: Scores, negative: Scores) -> tuple[Scores, Scores]:
    """Areas (K,) and their covariance (K, K) over cases, after DeLong."""
    per_positive, per_negative = components(positive, negative)
    over_positive = np.atleast_2d(np.cov(per_positive))
    over_negative = np.atleast_2d(np.cov(per_negative))
    covariance = over_positive / positive.shape[1] + over_negative / negative.shape[1]
    return per_positive.mean(axis=1), covariance


def area(positive: Scores, negative: Scores, confidence: float = 0.95) -> Estimate:
    """One area with DeLong's interval, cut at 0 and 1; scores are (m,) and (n,)."""
    values, covariance = areas_and_covariance(positive[None], negative[None])
    half = float(stats.norm.ppf((1 + confidence) / 2)) * float(np.sqrt(covariance[0, 0]))
    value = float(values[0])
    return Estimate(value, max(0.0, value - half), min(1.0, value + half))


def difference_p(positive: Scores, negative: Scores) -> float:
    """p of DeLong's test that two areas over the same cases are equal; scores (2, m), (2, n)."""
    values, covariance = areas_and_covariance(positive, negative)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if variance <= 0:
        return 1.0 if values[0] == values[1] else 0.0
    return float(2 * stats.norm.sf(abs(values[0] - values[1]) / np.sqrt(variance)))


def curve(positive: Scores, negative: Scores) -> list[tuple[float, float]]:
    """Points (false alarms, hits) of the empirical ROC curve from (0, 0) to (1, 1)."""
    cuts = np.unique(np.concatenate([positive, negative]))[::-1]
    points = [(0.0, 0.0)]
    points += [(float((negative >= cut).mean()), float((positive >= cut).mean())) for cut in cuts]
    return points
