"""Preferences between sources: wins, strengths, sides, circles."""

from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from app.studies.analysis.agreeing import with_oneself
from app.studies.analysis.data import Data, Table, answers_to, repeated, table_of
from app.studies.errors import StudyError
from app.studies.model import Part, Plan, Question, Trial
from app.studies.ordering import generator
from app.studies.statistics.preference import Numbers, Strengths, bradley_terry, circular_triads
from app.studies.statistics.proportions import clopper_pearson, exact_p

BOOTSTRAP_STREAM = 79
MOST_DRAWS = 500


def preferred(data: Data, part: Part, question: Question) -> dict[str, Any]:
    """Results of paired choices between sources; 1 is the first of the two by name, 0.5 a tie."""
    plan = data.design.study.protocol.plan

    def first_chosen(trial: Trial, value: Any) -> float:
        if value == "tie":
            return 0.5
        chosen = trial.left_case if value == "left" else trial.right_case
        sources = sorted(data.cases[one].source for one in (trial.left_case, trial.right_case))
        return float(data.cases[chosen].source == sources[0])

    table = table_of(data, part.name, question.name, first_chosen)
    names = sorted({case.source for cases in table.cases for case in cases})
    ones = np.ones(len(table.readers)), np.ones(len(table.items))
    wins, ties = win_matrix(table, names, *ones)
    sides = [one.value for _, one in answers_to(data, part.name, question.name)]
    left, right = sides.count("left"), sides.count("right")
    return {
        "kind": "preference",
        "reader_count": len(table.readers),
        "case_count": len(table.items),
        "cases_not_read_by_all": table.dropped,
        "sources": names,
        "wins": wins.tolist(),
        "ties": ties.tolist(),
        **_strengths(data, table, names, plan),
        "circular_triads": circular_triads(wins),
        "chose_left": asdict(clopper_pearson(left, left + right, plan.confidence)),
        "chose_left_p": exact_p(left, left + right),
        "repeats": with_oneself(repeated(data, part.name, question.name, first_chosen)),
    }


def win_matrix(
    table: Table, names: list[str], readers: Numbers, items: Numbers
) -> tuple[Numbers, Numbers]:
    """Wins of row over column and ties (both ways), with a weight per reader and per item."""
    wins, ties = np.zeros((len(names), len(names))), np.zeros((len(names), len(names)))
    for n, cases in enumerate(table.cases):
        a, b = (names.index(source) for source in sorted(case.source for case in cases))
        column = table.values[:, n]
        wins[a, b] += items[n] * (readers * (column == 1)).sum()
        wins[b, a] += items[n] * (readers * (column == 0)).sum()
        ties[a, b] += items[n] * (readers * (column == 0.5)).sum()
        ties[b, a] = ties[a, b]
    return wins, ties


def _strengths(data: Data, table: Table, names: list[str], plan: Plan) -> dict[str, Any]:
    """Bradley-Terry strengths with percentile intervals, readers and items drawn again."""
    readers, items = len(table.readers), len(table.items)
    try:
        found = bradley_terry(*win_matrix(table, names, np.ones(readers), np.ones(items)))
    except StudyError as error:
        return {"strengths": None, "differences": [], "note": str(error)}
    rng = generator(data.design.study.seed, BOOTSTRAP_STREAM)
    drawn: list[Strengths] = []
    draws = min(plan.bootstrap, MOST_DRAWS)
    for _ in range(draws):
        by_reader = rng.multinomial(readers, np.full(readers, 1 / readers)).astype(float)
        by_item = rng.multinomial(items, np.full(items, 1 / items)).astype(float)
        try:
            drawn.append(bradley_terry(*win_matrix(table, names, by_reader, by_item)))
        except StudyError:
            continue
    tail = (1 - plan.confidence) / 2
    rows = []
    for n, name in enumerate(names):
        spread = [one.log[n] for one in drawn]
        low, high = np.quantile(spread, [tail, 1 - tail]) if spread else (np.nan, np.nan)
        rows.append({"source": name, "log": found.log[n], "low": float(low), "high": float(high)})
    return {
        "strengths": rows,
        "differences": _differences(names, found, drawn, tail),
        "tie_parameter": found.tie,
        "bootstrap_draws": draws,
        "bootstrap_draws_without_finite_strengths": draws - len(drawn),
    }


def _differences(
    names: list[str], found: Strengths, drawn: list[Strengths], tail: float
) -> list[dict[str, Any]]:
    """Every two sources: the probability that the first is preferred where one of them is."""
    rows = []
    for a, b in combinations(range(len(names)), 2):
        spread = [one.win(a, b) for one in drawn]
        low, high = np.quantile(spread, [tail, 1 - tail]) if spread else (np.nan, np.nan)
        rows.append(
            {
                "first": names[a],
                "second": names[b],
                "preferred": {
                    "value": found.win(a, b),
                    "low": float(low),
                    "high": float(high),
                },
            }
        )
    return rows
