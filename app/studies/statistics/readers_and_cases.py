"""Several readers, several cases, both random: Obuchowski-Rockette and the two-way bootstrap."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from app.studies.statistics.areas import areas_and_covariance
from app.studies.statistics.proportions import Estimate

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class MeanOfReaders:
    """The mean figure of merit over readers with readers and cases random."""

    estimate: Estimate
    error: float
    degrees: float


@dataclass(frozen=True)
class Comparison:
    """Two or more treatments compared; ``difference`` is of the first two, first minus second."""

    means: tuple[float, ...]
    ms_treatment_reader: float
    cov1: float
    cov2: float
    cov3: float
    f: float
    degrees: float
    p: float
    difference: Estimate


def mean_of_readers(
    figures: Numbers, covariance: Numbers, confidence: float = 0.95
) -> MeanOfReaders:
    """Obuchowski-Rockette for one treatment with Hillis' degrees of freedom.

    ``figures`` (R,) and ``covariance`` (R, R), the latter over cases within the set of readers.
    Var = (MS(R) + R max(Cov2, 0)) / R and df = (MS(R) + R max(Cov2, 0))^2 (R - 1) / MS(R)^2
    (Obuchowski, Rockette 1995, Commun Stat 24:285; Hillis 2007, Stat Med 26:596). With one reader
    only the variance over cases is known, and the interval says nothing of other readers.
    """
    count = len(figures)
    mean = float(figures.mean())
    if count == 1:
        error, degrees = float(np.sqrt(covariance[0, 0])), np.inf
    else:
        between = float(figures.var(ddof=1))
        total = between + count * max(_off_diagonal(covariance), 0.0)
        error = float(np.sqrt(total / count))
        degrees = total**2 / (between**2 / (count - 1)) if between > 0 else np.inf
    half = float(stats.t.ppf((1 + confidence) / 2, degrees)) * error
    return MeanOfReaders(Estimate(mean, mean - half, mean + half), error, float(degrees))


def compare(figures: Numbers, covariance: Numbers, confidence: float = 0.95) -> Comparison:
    """Obuchowski-Rockette test of T treatments read by the same R readers, Hillis' df.

    ``figures`` (T, R) and ``covariance`` (T, R, T, R). Cov1: same reader, other treatment; Cov2:
    other reader, same treatment; Cov3: both other (sources as in ``mean_of_readers``).
    """
    cov1, cov2, cov3 = _three_covariances(covariance)
    return compare_with(figures, cov1, cov2, cov3, confidence)


def compare_with(
    figures: Numbers, cov1: float, cov2: float, cov3: float, confidence: float = 0.95
) -> Comparison:
    """As ``compare`` with the three covariances given."""
    treatments, readers = figures.shape
    means = figures.mean(axis=1)
    grand = figures.mean()
    by_reader = figures.mean(axis=0)
    left = figures - means[:, None] - by_reader[None] + grand
    ms_tr = float((left**2).sum() / ((treatments - 1) * (readers - 1)))
    ms_t = float(readers * ((means - grand) ** 2).sum() / (treatments - 1))
    denominator = ms_tr + max(readers * (cov2 - cov3), 0.0)
    freedom = (treatments - 1) * (readers - 1)
    degrees = denominator**2 / (ms_tr**2 / freedom) if ms_tr > 0 else np.inf
    f = ms_t / denominator if denominator > 0 else (np.inf if ms_t > 0 else 0.0)
    p = float(stats.f.sf(f, treatments - 1, degrees)) if np.isfinite(degrees) else 0.0
    if not np.isfinite(degrees):
        p = float(stats.chi2.sf(f * (treatments - 1), treatments - 1))
    half = float(stats.t.ppf((1 + confidence) / 2, degrees)) * np.sqrt(2 / readers * denominator)
    gap = float(means[0] - means[1])
    difference = Estimate(gap, float(gap - half), float(gap + half))
    return Comparison(
        tuple(means.tolist()), ms_tr, cov1, cov2, cov3, float(f), float(degrees), p, difference
    )


def mean_share(correct: Numbers, confidence: float = 0.95) -> MeanOfReaders:
    """The mean share of right answers; ``correct`` (R, C) of 0 and 1, every reader every case.

    The covariance over cases is that of the readers' columns, divided by the cases; with this
    figure of merit the method equals a two-way analysis of variance (Hillis 2007).
    """
    covariance = np.atleast_2d(np.cov(correct)) / correct.shape[1]
    return mean_of_readers(correct.mean(axis=1), covariance, confidence)


def mean_share_in_strata(
    correct: Numbers, strata: NDArray[np.int64], confidence: float = 0.95
) -> MeanOfReaders:
    """As ``mean_share`` with cases sampled within fixed strata, such as real and synthetic.

    Strata keep their share: the variance is that within them, as in a stratified sample. Each
    stratum needs two cases.
    """
    readers, cases = correct.shape
    covariance = np.zeros((readers, readers))
    for stratum in np.unique(strata):
        inside = correct[:, strata == stratum]
        weight = inside.shape[1] / cases
        covariance += weight**2 * np.atleast_2d(np.cov(inside)) / inside.shape[1]
    return mean_of_readers(correct.mean(axis=1), covariance, confidence)


def mean_area(positive: Numbers, negative: Numbers, confidence: float = 0.95) -> MeanOfReaders:
    """The reader-averaged area; scores (R, m) of positives and (R, n) of negatives."""
    return mean_of_readers(*areas_and_covariance(positive, negative), confidence)


def two_way_bootstrap(
    values: Numbers,
    statistic: Callable[[Numbers], float],
    draws: int,
    rng: np.random.Generator,
    strata: NDArray[np.int64] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Percentile interval with readers and cases drawn with replacement (Owen 2007, Ann Appl
    Stat 1:386, the pigeonhole bootstrap).

    ``values`` (R, C); ``statistic`` takes a drawn (R, C). Within ``strata`` (C,) the number of
    cases is kept.
    """
    readers, cases = values.shape
    groups = [np.arange(cases)]
    if strata is not None:
        groups = [np.flatnonzero(strata == one) for one in np.unique(strata)]
    found = np.empty(draws)
    for n in range(draws):
        rows = rng.integers(readers, size=readers)
        columns = np.concatenate(
            [group[rng.integers(len(group), size=len(group))] for group in groups]
        )
        found[n] = statistic(values[np.ix_(rows, columns)])
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(found, [tail, 1 - tail])
    return Estimate(float(statistic(values)), float(low), float(high))


def bootstrap_of_mean(
    values: Numbers,
    draws: int,
    rng: np.random.Generator,
    strata: NDArray[np.int64] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """``two_way_bootstrap`` of the plain mean, by counts of draws: many times faster."""
    readers, cases = values.shape
    rows = rng.multinomial(readers, np.full(readers, 1 / readers), size=draws)
    columns = np.zeros((draws, cases))
    labels = np.zeros(cases, dtype=np.int64) if strata is None else strata
    for one in np.unique(labels):
        group = np.flatnonzero(labels == one)
        chance = np.full(len(group), 1 / len(group))
        columns[:, group] = rng.multinomial(len(group), chance, size=draws)
    found = ((rows @ values) * columns).sum(axis=1) / (readers * cases)
    tail = (1 - confidence) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    return Estimate(float(values.mean()), float(low), float(high))


def _off_diagonal(covariance: Numbers) -> float:
    count = len(covariance)
    return float((covariance.sum() - np.trace(covariance)) / (count * (count - 1)))


def _three_covariances(covariance: Numbers) -> tuple[float, float, float]:
    treatments, readers = covariance.shape[:2]
    same_reader = np.eye(readers, dtype=bool)
    same_treatment = np.eye(treatments, dtype=bool)
    by_treatments = covariance.transpose(0, 2, 1, 3)
    cov1 = by_treatments[~same_treatment][:, same_reader].mean()
    cov2 = by_treatments[same_treatment][:, ~same_reader].mean()
    cov3 = by_treatments[~same_treatment][:, ~same_reader].mean()
    return float(cov1), float(cov2), float(cov3)
