"""The secondary models: odds between sources, and how much readers and pictures differ."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np
from scipy import special, stats

from app.studies.analysis.data import Numbers, Table
from app.studies.errors import StudyError
from app.studies.statistics.cumulative import CumulativeLogit, cumulative_logit
from app.studies.statistics.proportions import Estimate, holm

TOO_FEW = "The model is not fitted: with one reader, readers and pictures cannot be told apart."


def odds_by_source(table: Table, sources: list[str], confidence: float) -> dict[str, Any]:
    """Odds of a higher answer for every source over the first of ``sources``: an ordinal model,
    or with two answers a logistic one. A ``note`` in its place where it has no estimates."""
    named = np.tile(table.sources, len(table.readers))
    predictors = (named[:, None] == np.array(sources[1:])[None]).astype(float)
    found = _fitted(table.values, predictors.reshape(len(named), len(sources) - 1))
    if isinstance(found, str):
        return {"kind": "odds", "note": found}
    rows = []
    for source, effect, error in zip(sources[1:], found.effects, found.errors, strict=True):
        low, high = _ends(effect, error, confidence)
        ratio = Estimate(math.exp(effect), math.exp(low), math.exp(high))
        p = float(2 * stats.norm.sf(abs(effect / error)))
        rows.append({"source": source, "odds_ratio": asdict(ratio), "p": p})
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = p
    return {"kind": "odds", "reference": sources[0], "rows": rows, **_of_fit(found)}


def accuracy_by_model(correct: Numbers, confidence: float) -> dict[str, Any]:
    """Right answers (R, cases) by a logistic model: the mean share over all readers and pictures
    from which these may be drawn, with its interval at the estimated standard deviations."""
    found = _fitted(correct, np.zeros((correct.size, 0)))
    if isinstance(found, str):
        return {"kind": "accuracy", "note": found}
    intercept = -found.thresholds[0]
    ends = (intercept, *_ends(intercept, found.threshold_errors[0], confidence))
    spread = math.hypot(found.reader_sd, found.case_sd)
    share = Estimate(*(_mean_share(one, spread) for one in ends))
    return {"kind": "accuracy", "accuracy": asdict(share), **_of_fit(found)}


def _fitted(values: Numbers, predictors: Numbers) -> CumulativeLogit | str:
    readers, cases = values.shape
    if readers < 2:
        return TOO_FEW
    who = np.repeat(np.arange(readers), cases)
    what = np.tile(np.arange(cases), readers)
    try:
        return cumulative_logit(values.ravel(), predictors, who, what)
    except StudyError as error:
        return str(error)


def _of_fit(found: CumulativeLogit) -> dict[str, Any]:
    return {
        "thresholds": list(found.thresholds),
        "reader_sd": found.reader_sd,
        "case_sd": found.case_sd,
        "log_likelihood": found.log_likelihood,
    }


def _ends(value: float, error: float, confidence: float) -> tuple[float, float]:
    half = float(stats.norm.ppf((1 + confidence) / 2)) * error
    return value - half, value + half


def _mean_share(logit: float, spread: float) -> float:
    """Mean of expit(logit + spread z) over a standard normal z, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(64)
    return float((weights * special.expit(logit + spread * nodes)).sum() / weights.sum())
