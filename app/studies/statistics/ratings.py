"""Ratings of two sources compared, and drift over a session."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Numbers = NDArray[np.float64]


def cliffs_delta(first: Numbers, second: Numbers) -> float:
    """Share of pairs in which ``first`` is higher minus the share in which it is lower (Cliff
    1993, Psychol Bull 114:494)."""
    above = np.sign(first[:, None] - second[None])
    return float(above.mean())


def paired_p(first: Numbers, second: Numbers) -> float:
    """Wilcoxon's signed-rank test with Pratt's zeros (1959, J Am Stat Assoc 54:655)."""
    if not np.any(first != second):
        return 1.0
    _, p = stats.wilcoxon(first, second, zero_method="pratt")
    return float(p)  # type: ignore[arg-type]


def unpaired_p(first: Numbers, second: Numbers) -> float:
    """Mann and Whitney's test (1947, Ann Math Stat 18:50), two-sided."""
    return float(stats.mannwhitneyu(first, second).pvalue)


def drift(values: Numbers) -> tuple[float, float]:
    """Spearman's rank correlation of ``values`` with their place, and its p; nan if constant."""
    if len(values) < 3 or np.all(values == values[0]):
        return float("nan"), float("nan")
    rho, p = stats.spearmanr(np.arange(len(values)), values)
    return float(rho), float(p)  # type: ignore[arg-type]


def limits_of_agreement(first: Numbers, second: Numbers) -> tuple[float, float, float]:
    """Bland and Altman's mean difference and 95 % limits (1986, Lancet 1:307)."""
    gaps = first - second
    half = float(stats.norm.ppf(0.975) * gaps.std(ddof=1))
    return float(gaps.mean()), float(gaps.mean() - half), float(gaps.mean() + half)
