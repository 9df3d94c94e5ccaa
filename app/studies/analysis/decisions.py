"""Real or synthetic: accuracy, areas, signal detection, sources compared."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from app.studies.analysis.agreeing import agreement, over_session, with_oneself
from app.studies.analysis.data import Data, Table, in_order, plain, repeated, table_of
from app.studies.analysis.models import accuracy_by_model
from app.studies.model import Part, Plan, Question, Trial
from app.studies.ordering import generator
from app.studies.statistics.areas import area, components, curve
from app.studies.statistics.proportions import (
    Estimate,
    clopper_pearson,
    detection,
    equivalent,
    exact_p,
    holm,
)
from app.studies.statistics.readers_and_cases import (
    Numbers,
    bootstrap_of_mean,
    compare,
    mean_area,
    mean_share_in_strata,
)

BOOTSTRAP_STREAM = 77


def turing(data: Data, part: Part, question: Question) -> dict[str, Any]:
    """Results of a scale on which every answer says real or synthetic."""
    plan = data.design.study.protocol.plan
    table = table_of(data, part.name, question.name, plain)
    called = table.values >= question.positive_from
    correct = (called == table.synthetic[None]).astype(float)

    def right(trial: Trial, value: Any) -> float:
        return float((value >= question.positive_from) == data.cases[trial.left_case].synthetic)

    return {
        "kind": "turing",
        "anchors": list(question.anchors),
        **_counts(table),
        "accuracy": accuracy(data, table, correct, plan),
        "model": accuracy_by_model(correct, plan.confidence),
        "readers": _readers(table, called, correct, plan),
        "area": asdict(_mean_area(table, table.synthetic, plan)),
        "sources": _sources(table, called, len(question.anchors), plan),
        "comparisons": _comparisons(table, plan),
        "agreement": agreement(table, plan, called.astype(float), _rng(data, 1)),
        "repeats": with_oneself(repeated(data, part.name, question.name, plain)),
        "over_session": over_session(in_order(data, part.name, question.name, right)),
    }


def forced_choice(data: Data, part: Part, question: Question) -> dict[str, Any]:
    """Results of pairs of which one is real and one synthetic."""
    plan = data.design.study.protocol.plan

    def right(trial: Trial, value: Any) -> float:
        chosen = trial.left_case if value == "left" else trial.right_case
        return float(data.cases[chosen].synthetic)

    table = table_of(data, part.name, question.name, right)
    left = table_of(data, part.name, question.name, lambda _, value: float(value == "left")).values
    return {
        "kind": "forced_choice",
        **_counts(table),
        "accuracy": accuracy(data, table, table.values, plan),
        "model": accuracy_by_model(table.values, plan.confidence),
        "readers": [
            {
                "reader": reader,
                "accuracy": asdict(clopper_pearson(int(row.sum()), len(row), plan.confidence)),
                "p": exact_p(int(row.sum()), len(row)),
                "chose_left": asdict(clopper_pearson(int(side.sum()), len(side), plan.confidence)),
                "chose_left_p": exact_p(int(side.sum()), len(side)),
            }
            for reader, row, side in zip(table.readers, table.values, left, strict=True)
        ],
        "agreement": agreement(table, plan, table.values, _rng(data, 1)),
        "repeats": with_oneself(repeated(data, part.name, question.name, right)),
        "over_session": over_session(in_order(data, part.name, question.name, right)),
    }


def accuracy(data: Data, table: Table, correct: Numbers, plan: Plan) -> dict[str, Any]:
    """The headline: readers and cases random. The pooled interval is given to show its error."""
    strata = table.strata()
    honest = mean_share_in_strata(correct, strata, plan.confidence)
    one_sided = 2 * plan.confidence - 1
    band = mean_share_in_strata(correct, strata, one_sided).estimate
    pooled = clopper_pearson(int(correct.sum()), correct.size, plan.confidence)
    drawn = bootstrap_of_mean(correct, plan.bootstrap, _rng(data, 0), strata, plan.confidence)
    width = honest.estimate.high - honest.estimate.low
    return {
        "headline": asdict(cut(honest.estimate)),
        "method": "Obuchowski-Rockette, readers and cases random, cases within sources",
        "degrees": honest.degrees,
        "bootstrap": asdict(drawn),
        "pooled_not_for_inference": asdict(pooled),
        "design_effect": (width / (pooled.high - pooled.low)) ** 2,
        "margin": plan.margin,
        "equivalence_interval": asdict(band),
        "indistinguishable": equivalent(band.low, band.high, 0.5, plan.margin),
    }


def _readers(table: Table, called: Any, correct: Numbers, plan: Plan) -> list[dict[str, Any]]:
    found = []
    fake = table.synthetic
    for n, reader in enumerate(table.readers):
        hits, alarms = int(called[n, fake].sum()), int(called[n, ~fake].sum())
        d, c = detection(hits, int(fake.sum()), alarms, int((~fake).sum()))
        right = int(correct[n].sum())
        scores = table.values[n]
        found.append(
            {
                "reader": reader,
                "accuracy": asdict(clopper_pearson(right, correct.shape[1], plan.confidence)),
                "p": exact_p(right, correct.shape[1]),
                "sensitivity": asdict(clopper_pearson(hits, int(fake.sum()), plan.confidence)),
                "specificity": asdict(
                    clopper_pearson(
                        int((~fake).sum()) - alarms, int((~fake).sum()), plan.confidence
                    )
                ),
                "d_prime": d,
                "criterion": c,
                "area": asdict(area(scores[fake], scores[~fake], plan.confidence)),
                "curve": curve(scores[fake], scores[~fake]),
            }
        )
    return found


def _mean_area(table: Table, positive: Any, plan: Plan) -> Any:
    scores = table.values[:, positive], table.values[:, ~table.synthetic]
    return cut(mean_area(*scores, plan.confidence).estimate)


def cut(one: Estimate) -> Estimate:
    """An interval of a share or an area, which cannot lie below 0 or above 1."""
    return Estimate(one.value, max(0.0, one.low), min(1.0, one.high))


def _sources(table: Table, called: Any, steps: int, plan: Plan) -> list[dict[str, Any]]:
    """Per source, real ones first, its answers and how often it was called synthetic; for
    synthetic ones the fooling rate."""
    found = []
    pairs = zip(table.synthetic, table.sources, strict=True)
    for _, source in sorted({(bool(fake), str(one)) for fake, one in pairs}):
        inside = table.sources == source
        share = called[:, inside].astype(float)
        strata = np.zeros(share.shape[1], dtype=np.int64)
        synthetic = bool(table.synthetic[inside][0])
        row = {
            "source": str(source),
            "synthetic": synthetic,
            "cases": int(inside.sum()),
            "counts": [int((table.values[:, inside] == n + 1).sum()) for n in range(steps)],
            "called_synthetic": asdict(
                cut(mean_share_in_strata(share, strata, plan.confidence).estimate)
            ),
        }
        if synthetic:
            fooled = mean_share_in_strata(1 - share, strata, plan.confidence).estimate
            row["fooling_rate"] = asdict(cut(fooled))
            row["area"] = asdict(_mean_area(table, inside, plan))
        found.append(row)
    return found


def _comparisons(table: Table, plan: Plan) -> list[dict[str, Any]]:
    """Every two synthetic sources by their reader-averaged areas against the same real cases."""
    names = sorted(set(table.sources[table.synthetic]))
    found = []
    if len(table.readers) < 2:
        return found
    for first, second in combinations(names, 2):
        figures, covariance, matched = two_areas(table, (first, second))
        result = compare(figures, covariance, plan.confidence)
        found.append(
            {"first": str(first), "second": str(second), "matched": matched, **asdict(result)}
        )
    for row, p in zip(found, holm([row["p"] for row in found]), strict=True):
        row["p_holm"] = p
    return found


def two_areas(table: Table, names: Sequence[str]) -> tuple[Numbers, Numbers, bool]:
    """Areas (2, R) and covariance (2, R, 2, R) of two sources against the same real cases.

    Synthetic cases are paired where both sources show the same scenes, else independent.
    """
    readers = len(table.readers)
    chosen, scenes = [], []
    for name in names:
        inside = np.flatnonzero(table.sources == name)
        named = [table.cases[n][-1].scene for n in inside]
        order = np.argsort(named, kind="stable")
        chosen.append(inside[order])
        scenes.append([named[n] for n in order])
    matched = scenes[0] == scenes[1] and all(scenes[0]) and len(set(scenes[0])) == len(scenes[0])
    parts = [components(table.values[:, one], table.values[:, ~table.synthetic]) for one in chosen]
    figures = np.stack([positive.mean(axis=1) for positive, _ in parts])
    negatives = np.concatenate([negative for _, negative in parts])
    covariance = np.cov(negatives) / negatives.shape[1]
    if matched:
        positives = np.concatenate([positive for positive, _ in parts])
        covariance = covariance + np.cov(positives) / positives.shape[1]
    else:
        for n, (positive, _) in enumerate(parts):
            block = slice(n * readers, (n + 1) * readers)
            covariance[block, block] += np.cov(positive) / positive.shape[1]
    return figures, covariance.reshape(2, readers, 2, readers), matched


def _counts(table: Table) -> dict[str, Any]:
    return {
        "reader_count": len(table.readers),
        "case_count": len(table.items),
        "cases_not_read_by_all": table.dropped,
    }


def _rng(data: Data, purpose: int) -> np.random.Generator:
    return generator(data.design.study.seed, BOOTSTRAP_STREAM, purpose)
