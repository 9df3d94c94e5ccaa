"""Marks against the masks of edits: how often the place was found, and what chance would do."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.studies.analysis.data import Data, item_of, read_trials
from app.studies.analysis.decisions import BOOTSTRAP_STREAM, cut
from app.studies.model import Case, Part, Plan, Question, Reading, Trial
from app.studies.ordering import generator
from app.studies.statistics.proportions import Estimate, wilson
from app.studies.statistics.readers_and_cases import (
    Numbers,
    bootstrap_of_mean,
    mean_share_in_strata,
)

STREAM = 5
FINEST = 1.0  # px by which a drawn outline may leave the edge of its mask

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Mark:
    """One mark of one answer. ``case_id`` is the picture it was set on, ``edited`` the case whose
    mask it is measured against, ``away`` its distance from that mask as a share of the side."""

    reader_id: str
    trial_id: str
    question: str
    case_id: str
    x: float
    y: float
    tag: str
    edited: str = ""
    away: float | None = None


def distances(mask: Flags) -> Numbers:
    """(side, side): from every pixel to the nearest one of the mask, in shares of the side."""
    outside = (~mask).astype(np.uint8)
    found = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return found.astype(np.float64) / len(mask)


def at(field: NDArray, x: float, y: float) -> float:
    """The value of a square field at shares of its width and height from 0 to 1."""
    side = len(field)
    return float(field[min(int(y * side), side - 1), min(int(x * side), side - 1)])


def edited_case(data: Data, part: Part, trial: Trial, case_id: str) -> Case | None:
    """The case whose mask says where a mark on ``case_id`` belongs; None where there is none.

    In a review of edits both pictures show one place, so a mark on the one before counts too.
    """
    cases = data.cases
    here = [case_id]
    if part.kind == "edit":
        here += [one for one in (trial.left_case, trial.right_case) if one != case_id]
    return next((cases[one] for one in here if cases[one].mask in data.masks), None)


def marks_of(data: Data) -> Iterator[Mark]:
    """Every mark of every submitted answer, of practice, repeats and catch trials too."""
    trials = {trial.trial_id: trial for trial in data.design.trials}
    far = _fields(data)
    for reading in data.readings:
        trial = trials[reading.trial_id]
        part = data.design.study.protocol.part(trial.part)
        if part.question(reading.question).kind == "marks":
            yield from _marks_in(data, part, trial, reading, far)


def _marks_in(data: Data, part: Part, trial: Trial, reading: Reading, far: Any) -> Iterator[Mark]:
    for mark in reading.value:
        case_id = trial.right_case if mark.get("side") == "right" else trial.left_case
        edited = edited_case(data, part, trial, case_id)
        x, y = float(mark["x"]), float(mark["y"])
        away = None if edited is None else at(far(edited.mask), x, y)
        name = "" if edited is None else edited.case_id
        tag = mark.get("tag", "")
        yield Mark(
            reading.reader_id, trial.trial_id, reading.question, case_id, x, y, tag, name, away
        )


def _fields(data: Data) -> Any:
    """Distances by checksum, each computed once."""

    @cache
    def far(sha256: str) -> Numbers:
        return distances(data.masks[sha256])

    return far


def against_masks(data: Data, part: Part, question: Question) -> dict[str, Any] | None:
    """Per source with masks how often readers marked the edit; None where no case has a mask.

    A case counts once for a reader, whether nothing was marked or five places: a hit is a trial
    with a mark in the mask or within the plan's tolerance of it. Cases that some counted reader
    has not read are left out.
    """
    plan = data.design.study.protocol.plan
    cells: dict[str, dict[tuple[str, str], dict[str, list[float]]]] = {}
    shown = {}
    for trial in read_trials(data, part):
        shown[trial.trial_id] = trial
        for case_id in (trial.left_case, trial.right_case):
            if case_id and data.cases[case_id].mask in data.masks:
                of_source = cells.setdefault(data.cases[case_id].source, {})
                of_source.setdefault((item_of(trial), case_id), {})[trial.reader_id] = []
    for mark in marks_of(data):
        if mark.trial_id in shown and mark.question == question.name and mark.away is not None:
            trial = shown[mark.trial_id]
            of_source = cells[data.cases[mark.edited].source]
            of_source[item_of(trial), mark.edited][trial.reader_id].append(mark.away)
    if not cells:
        return None
    return {
        "tolerance": plan.tolerance,
        "review_of_edits": part.kind == "edit",
        "sources": {source: _source(data, plan, one) for source, one in sorted(cells.items())},
    }


def _source(
    data: Data, plan: Plan, cells: dict[tuple[str, str], dict[str, list[float]]]
) -> dict[str, Any]:
    readers = data.readers()
    whole = [key for key in sorted(cells) if all(one in cells[key] for one in readers)]
    masks = [data.masks[data.cases[case_id].mask] for _, case_id in whole]
    far = [distances(mask) for mask in masks]
    marks = [[cells[key][reader] for key in whole] for reader in readers]
    every = [away for row in marks for cell in row for away in cell]
    inside = sum(away <= plan.tolerance for away in every)
    wider = [_at_tolerance(data, plan, marks, far, by * plan.tolerance) for by in (0, 1, 2)]
    hits = _hits(marks, plan.tolerance)
    return {
        "synthetic": data.cases[next(iter(cells))[1]].synthetic,
        "cases": len(whole),
        "cases_not_read_by_all": len(cells) - len(whole),
        "trials": hits.size,
        "marks": len(every),
        "marks_inside": inside,
        "marks_outside": len(every) - inside,
        "trials_without_mark": sum(not cell for row in marks for cell in row),
        "hit": wider[1]["hit"],
        "bootstrap": asdict(_drawn(data, plan, hits)),
        "area": float(np.mean([mask.mean() for mask in masks])) if masks else None,
        "area_with_tolerance": wider[1]["area"],
        "blind": _blind(marks, far, plan.tolerance),
        "tolerances": wider,
        "readers": [
            {
                "reader": reader,
                "hits": int(row.sum()),
                "trials": len(row),
                "hit": asdict(wilson(int(row.sum()), len(row), plan.confidence)),
            }
            for reader, row in zip(readers, hits, strict=True)
        ],
        "outlines": [shape for mask in masks for shape in outlines(mask)],
    }


def _hits(marks: list[list[list[float]]], tolerance: float) -> Numbers:
    """(readers, cases) of 1 where a mark lies within the tolerance, else 0."""
    rows = [[float(any(away <= tolerance for away in cell)) for cell in row] for row in marks]
    return np.array(rows, dtype=float).reshape(len(marks), -1)


def _at_tolerance(
    data: Data, plan: Plan, marks: Any, far: list[Numbers], tolerance: float
) -> dict[str, Any]:
    hits = _hits(marks, tolerance)
    area = float(np.mean([(one <= tolerance).mean() for one in far])) if far else None
    return {"tolerance": tolerance, "hit": asdict(share(hits, plan.confidence)), "area": area}


def share(hits: Numbers, confidence: float) -> Estimate:
    """The share of trials with a hit, readers and cases random; ``hits`` (readers, cases).

    Where all trials are alike there is no variance to estimate from: then Wilson's interval with
    the cases, not the trials, as what was drawn independently.
    """
    if not hits.size:
        return Estimate(np.nan, np.nan, np.nan)
    cases = hits.shape[1]
    if (hits == hits.flat[0]).all():
        return wilson(round(cases * float(hits.flat[0])), cases, confidence)
    if cases < 2:
        return Estimate(float(hits.mean()), np.nan, np.nan)
    return cut(mean_share_in_strata(hits, np.zeros(cases, dtype=np.int64), confidence).estimate)


def _drawn(data: Data, plan: Plan, hits: Numbers) -> Estimate:
    if not hits.size:
        return Estimate(np.nan, np.nan, np.nan)
    rng = generator(data.design.study.seed, BOOTSTRAP_STREAM, STREAM)
    return bootstrap_of_mean(hits, plan.bootstrap, rng, None, plan.confidence)


def _blind(marks: Any, far: list[Numbers], tolerance: float) -> float | None:
    """The share of trials that the same numbers of marks would hit, each set anywhere at random."""
    areas = [(one <= tolerance).mean() for one in far]
    chances = [
        1 - (1 - area) ** len(cell) for row in marks for cell, area in zip(row, areas, strict=True)
    ]
    return float(np.mean(chances)) if chances else None


def outlines(mask: Flags) -> list[list[list[float]]]:
    """Closed outlines of a mask: lists of x and y as shares of the side, for drawing only."""
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    shapes = [cv2.approxPolyDP(one, FINEST, closed=True).reshape(-1, 2) for one in found]
    return [
        [[round((int(v) + 0.5) / len(mask), 4) for v in point] for point in shape]
        for shape in shapes
    ]
