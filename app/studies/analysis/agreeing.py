"""Agreement between readers, of readers with themselves, and drift over a session."""

from dataclasses import asdict
from typing import Any

import numpy as np
from scipy import stats

from app.studies.analysis.data import Table
from app.studies.model import Plan
from app.studies.statistics.agreement import (
    Numbers,
    cohen_kappa,
    fleiss_kappa,
    intraclass,
    krippendorff_alpha,
    over_cases,
)
from app.studies.statistics.proportions import Estimate, wilson
from app.studies.statistics.ratings import drift, limits_of_agreement

MOST_DRAWS = 500
STRETCH = 20


def agreement(
    table: Table, plan: Plan, binary: Numbers | None, rng: np.random.Generator
) -> dict[str, Any]:
    """Krippendorff's alpha (ordinal) with its interval, kappas of all pairs, ICC, Fleiss."""
    readings = table.values
    if len(table.readers) < 2 or readings.shape[1] < 2:
        return {"note": "Agreement needs two readers and two cases."}
    draws = min(plan.bootstrap, MOST_DRAWS)
    alpha = over_cases(
        readings, lambda drawn: krippendorff_alpha(drawn, "ordinal"), draws, rng, plan.confidence
    )
    kappas = [[cohen_kappa(a, b, "quadratic") for b in readings] for a in readings]
    found = {
        "krippendorff_ordinal": asdict(alpha),
        "readers": list(table.readers),
        "kappa_quadratic": kappas,
        "intraclass": asdict(intraclass(readings.T)),
    }
    if binary is not None:
        counts = np.stack([(binary == 0).sum(axis=0), (binary == 1).sum(axis=0)], axis=1)
        found["fleiss_binary"] = fleiss_kappa(counts.astype(float))
    return found


def with_oneself(pairs: dict[str, list[tuple[float, float]]]) -> list[dict[str, Any]]:
    """Repeats: weighted kappa, share of equal answers, mean change with its limits."""
    found = []
    for reader, both in pairs.items():
        first, second = np.array(both).T
        row: dict[str, Any] = {
            "reader": reader,
            "count": len(both),
            "equal": asdict(wilson(int((first == second).sum()), len(both))),
            "kappa_quadratic": cohen_kappa(first, second, "quadratic"),
        }
        if len(both) > 1:
            row["change"] = dict(
                zip(("mean", "low", "high"), limits_of_agreement(second, first), strict=True)
            )
        found.append(row)
    return found


def _over_readers(means: list[float]) -> Estimate:
    """The mean of readers' means with a 95 % t interval; without one for a single reader."""
    value = float(np.mean(means))
    if len(means) < 2:
        return Estimate(value, np.nan, np.nan)
    half = float(stats.t.ppf(0.975, len(means) - 1) * np.std(means, ddof=1) / np.sqrt(len(means)))
    return Estimate(value, value - half, value + half)


def over_session(places: dict[str, list[tuple[int, float]]]) -> dict[str, Any]:
    """Means over stretches of twenty places, halves, and rank correlation.

    The mean of a stretch is that of the readers' means, with a t interval for readers as random.
    """
    if not any(places.values()):
        return {}
    stretches: dict[int, dict[str, list[float]]] = {}
    for reader, one in places.items():
        for position, value in one:
            by_reader = stretches.setdefault((position - 1) // STRETCH, {})
            by_reader.setdefault(reader, []).append(value)
    halves = [
        (
            np.mean([v for _, v in one[: len(one) // 2]]),
            np.mean([v for _, v in one[len(one) // 2 :]]),
        )
        for one in places.values()
        if len(one) > 1
    ]
    rows = {
        reader: dict(zip(("rho", "p"), drift(np.array([v for _, v in one])), strict=True))
        for reader, one in places.items()
    }
    return {
        "stretches": [
            {
                "from": n * STRETCH + 1,
                "to": (n + 1) * STRETCH,
                "count": sum(len(values) for values in by_reader.values()),
                **asdict(_over_readers([float(np.mean(one)) for one in by_reader.values()])),
            }
            for n, by_reader in sorted(stretches.items())
        ],
        "first_half": float(np.mean([a for a, _ in halves])) if halves else None,
        "second_half": float(np.mean([b for _, b in halves])) if halves else None,
        "readers": rows,
    }
