"""Ratings and yes-or-no answers by source: distributions, means, differences, equivalence."""

from collections import Counter
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from app.studies.analysis.agreeing import agreement, over_session, with_oneself
from app.studies.analysis.data import Data, Numbers, Table, in_order, plain, repeated, table_of
from app.studies.analysis.models import odds_by_source
from app.studies.model import Part, Plan, Question
from app.studies.ordering import generator
from app.studies.statistics.proportions import equivalent, holm
from app.studies.statistics.ratings import cliffs_delta, paired_p, unpaired_p
from app.studies.statistics.readers_and_cases import (
    MeanOfReaders,
    bootstrap_of_mean,
    mean_of_readers,
)

BOOTSTRAP_STREAM = 78


def rated(data: Data, part: Part, question: Question) -> dict[str, Any]:
    """Results of one scale, or of one yes-or-no question as 0 and 1."""
    plan = data.design.study.protocol.plan
    table = table_of(data, part.name, question.name, plain)
    places = in_order(data, part.name, question.name, plain)
    levels = list(range(1, len(question.anchors) + 1)) or [0, 1]
    rng = generator(data.design.study.seed, BOOTSTRAP_STREAM)
    return {
        "kind": "rating",
        "anchors": list(question.anchors) or ["no", "yes"],
        "reader_count": len(table.readers),
        "case_count": len(table.items),
        "cases_not_read_by_all": table.dropped,
        "sources": [_source(table, one, levels, plan, rng) for one in _ordered(table)],
        "differences": _differences(table, plan),
        "model": odds_by_source(table, _ordered(table), plan.confidence),
        "agreement": agreement(table, plan, None, rng),
        "repeats": with_oneself(repeated(data, part.name, question.name, plain)),
        "over_session": over_session(places),
    }


def _ordered(table: Table) -> list[str]:
    """Sources with the real ones first: they are the ceiling."""
    pairs = {
        (bool(fake), str(one)) for one, fake in zip(table.sources, table.synthetic, strict=True)
    }
    return [name for _, name in sorted(pairs)]


def _mean(values: Numbers, confidence: float) -> MeanOfReaders:
    covariance = np.atleast_2d(np.cov(values)) / values.shape[1]
    return mean_of_readers(values.mean(axis=1), covariance, confidence)


def _source(
    table: Table, source: str, levels: list[int], plan: Plan, rng: np.random.Generator
) -> dict[str, Any]:
    inside = table.values[:, table.sources == source]
    counts = Counter(inside.ravel().tolist())
    return {
        "source": source,
        "synthetic": bool(table.synthetic[table.sources == source][0]),
        "cases": inside.shape[1],
        "counts": [counts.get(float(level), 0) for level in levels],
        "median": float(np.median(inside)),
        "mean": asdict(_mean(inside, plan.confidence).estimate),
        "bootstrap": asdict(
            bootstrap_of_mean(inside, plan.bootstrap, rng, confidence=plan.confidence)
        ),
        "reader_means": dict(zip(table.readers, inside.mean(axis=1).tolist(), strict=True)),
    }


def _differences(table: Table, plan: Plan) -> list[dict[str, Any]]:
    """Every two sources: mean difference, test over cases, effect size, equivalence."""
    found = []
    for first, second in combinations(_ordered(table), 2):
        a, b, paired = _aligned(table, first, second)
        result = difference(a, b, paired, plan.confidence)
        band = difference(a, b, paired, 2 * plan.confidence - 1).estimate
        by_case = a.mean(axis=0), b.mean(axis=0)
        found.append(
            {
                "first": first,
                "second": second,
                "paired": paired,
                "difference": asdict(result.estimate),
                "p": paired_p(*by_case) if paired else unpaired_p(*by_case),
                "cliffs_delta": cliffs_delta(*by_case),
                "margin": plan.margin,
                "equivalence_interval": asdict(band),
                "equivalent": equivalent(band.low, band.high, 0.0, plan.margin),
            }
        )
    for row, p in zip(found, holm([row["p"] for row in found]), strict=True):
        row["p_holm"] = p
    return found


def difference(first: Numbers, second: Numbers, paired: bool, confidence: float) -> MeanOfReaders:
    """Mean of ``first`` (R, m) minus mean of ``second`` (R, n) over readers, both random."""
    figures = first.mean(axis=1) - second.mean(axis=1)
    if paired:
        covariance = np.atleast_2d(np.cov(first - second)) / first.shape[1]
    else:
        covariance = np.atleast_2d(np.cov(first)) / first.shape[1]
        covariance = covariance + np.atleast_2d(np.cov(second)) / second.shape[1]
    return mean_of_readers(figures, covariance, confidence)


def _aligned(table: Table, first: str, second: str) -> tuple[Numbers, Numbers, bool]:
    """The values of two sources, in the order of their scenes where they show the same ones."""
    columns, scenes = [], []
    for source in (first, second):
        inside = np.flatnonzero(table.sources == source)
        named = [table.cases[n][-1].scene for n in inside]
        order = np.argsort(named, kind="stable")
        columns.append(table.values[:, inside[order]])
        scenes.append([named[n] for n in order])
    same = scenes[0] == scenes[1] and all(scenes[0]) and len(set(scenes[0])) == len(scenes[0])
    return columns[0], columns[1], same
