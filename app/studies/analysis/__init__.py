"""From the answers of a finished study to every number of its report."""

import math
from statistics import median
from typing import Any

from app.studies.analysis.agreeing import over_session
from app.studies.analysis.data import Data, answers_to, read_trials
from app.studies.analysis.decisions import forced_choice, turing
from app.studies.analysis.localised import against_masks
from app.studies.analysis.preferred import preferred
from app.studies.analysis.rated import rated
from app.studies.errors import StudyError
from app.studies.model import Part, Question, Reading, Trial
from app.studies.monitoring import catch_failures

TOO_FAST_SECONDS = 2.0


def analyse(data: Data) -> dict[str, Any]:
    """Every number, as a document for JSON: the same data give the same document.

    Raises ``StudyError`` when no reader is left to analyse.
    """
    study = data.design.study
    if not data.readers():
        raise StudyError("There is nothing to analyse: no reader with answers counts.")
    parts = {}
    for part in study.protocol.parts:
        results = {one.name: _of_question(data, part, one) for one in part.questions}
        parts[part.name] = {name: found for name, found in results.items() if found is not None}
    return without_nan(
        {
            "study": study.study_id,
            "title": study.title,
            "pilot": study.pilot,
            "protocol": study.protocol.name,
            "design_sha256": data.design.sha256,
            "log_sha256": data.log_hash,
            "deviations": list(data.amendments),
            "readers": data.readers(),
            "readers_left_out": data.left_out(),
            "plan": {
                "measure": study.protocol.plan.measure,
                "part": study.protocol.plan.part,
                "question": study.protocol.plan.question,
                "margin": study.protocol.plan.margin,
                "confidence": study.protocol.plan.confidence,
            },
            "parts": parts,
            "quality": _quality(data),
            "pace": _pace(data),
        }
    )


def _of_question(data: Data, part: Part, question: Question) -> dict[str, Any] | None:
    missed = question.kind == "marks" and data.masks  # to mark nothing is an answer there
    if not missed and not answers_to(data, part.name, question.name):
        return None
    if question.positive_from:
        return turing(data, part, question)
    if question.kind in ("scale", "yes_no"):
        return rated(data, part, question)
    if question.kind == "side":
        return (preferred if part.pairing == "models" else forced_choice)(data, part, question)
    if question.kind == "marks":
        return _marks(data, part, question)
    if question.kind in ("tags", "choice"):
        return _chosen(data, part, question)
    return None


def _first_showings(data: Data, part: Part, question: Question) -> list[tuple[Trial, Reading]]:
    """Main answers: repeats and catch trials count in nothing but what they are for."""
    found = answers_to(data, part.name, question.name)
    return [(trial, one) for trial, one in found if not (trial.repeat_of or trial.catch)]


def _marks(data: Data, part: Part, question: Question) -> dict[str, Any]:
    """Places and reasons of marks by source, and from how many trials they are."""
    sources: dict[str, dict[str, Any]] = {}
    for trial in read_trials(data, part):
        for case in (trial.left_case, trial.right_case):
            if case:
                found = sources.setdefault(data.cases[case].source, _no_marks(data, case))
                found["trials"] += 1
    for trial, reading in _first_showings(data, part, question):
        for mark in reading.value:
            side = trial.right_case if mark.get("side") == "right" else trial.left_case
            found = sources[data.cases[side].source]
            found["points"].append([mark["x"], mark["y"]])
            tag = mark.get("tag", "")
            found["tags"][tag] = found["tags"].get(tag, 0) + 1
    edits = against_masks(data, part, question)
    return {"kind": "marks", "sources": sources, **({"edits": edits} if edits else {})}


def _no_marks(data: Data, case: str) -> dict[str, Any]:
    return {"synthetic": data.cases[case].synthetic, "trials": 0, "points": [], "tags": {}}


def _chosen(data: Data, part: Part, question: Question) -> dict[str, Any]:
    counts = dict.fromkeys(question.anchors, 0)
    for _, reading in _first_showings(data, part, question):
        for one in reading.value if isinstance(reading.value, list) else [reading.value]:
            counts[one] += 1
    return {"kind": "choice", "counts": counts}


def _pace(data: Data) -> dict[str, Any]:
    """Seconds a case along the order, over all parts, of the readers that count."""
    places: dict[str, dict[int, float]] = {one: {} for one in data.readers()}
    trials = {trial.trial_id: trial for trial in data.design.trials}
    for reading in data.readings:
        trial = trials[reading.trial_id]
        counts = reading.reader_id in places and not trial.practice
        if counts and not math.isnan(reading.seconds):
            places[reading.reader_id][trial.position] = reading.seconds
    return over_session({reader: sorted(one.items()) for reader, one in places.items()})


def _quality(data: Data) -> list[dict[str, Any]]:
    """Per reader: time, catch trials, and how often the commonest answer was given."""
    plan = data.design.study.protocol.plan
    failures = catch_failures(data.design, list(data.readings))
    found = []
    for reader in data.design.study.readers:
        mine = [one for one in data.readings if one.reader_id == reader.reader_id]
        seconds = {one.trial_id: one.seconds for one in mine}
        times = [one for one in seconds.values() if not math.isnan(one)]
        answers = [str(one.value) for one in mine if one.question == plan.question]
        commonest = max((answers.count(one) for one in set(answers)), default=0)
        found.append(
            {
                "reader": reader.reader_id,
                "trials": len(seconds),
                "median_seconds": median(times) if times else None,
                "too_fast": sum(one < TOO_FAST_SECONDS for one in times),
                "catch_failures": failures.get(reader.reader_id, 0),
                "commonest_answer": commonest / len(answers) if answers else None,
            }
        )
    return found


def without_nan(value: Any) -> Any:
    """Numbers that are not there as None, so that the document is plain JSON."""
    if isinstance(value, dict):
        return {key: without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
