"""What can be said of a running study without the truth, and the current answers."""

import math
from collections import defaultdict
from statistics import median
from typing import Any

from app.studies.design import Design
from app.studies.log import Event, Log
from app.studies.model import Case, Question, Reading, Study, Trial
from app.studies.views import Progress

IDLE_SECONDS = 60.0


def readings_of(log: Log) -> list[Reading]:
    """Current answers of submitted trials, in the order of readers and trials."""
    answers: dict[str, dict[str, Event]] = defaultdict(dict)
    for event in log.events("kind = 'answer_set'"):
        answers[event.trial_id][event.question] = event
    seconds = seconds_by_trial(log)
    rows = log.rows("SELECT trial_id, reader_id FROM trial ORDER BY reader_id, position")
    return [
        Reading(reader_id, trial_id, question, event.data, event.at, seconds[trial_id])
        for trial_id, reader_id in rows
        if trial_id in seconds
        for question, event in answers[trial_id].items()
    ]


def seconds_by_trial(log: Log) -> dict[str, float]:
    """Per submitted trial the seconds since it was last shown, without time away; nan if unknown.

    By the clock that never goes back; a restart of the computer in between makes it unknown.
    """
    shown: dict[str, Event] = {}
    away: dict[str, int] = defaultdict(int)
    left: dict[str, Event] = {}
    found: dict[str, float] = {}
    kinds = "kind IN ('trial_shown', 'trial_submitted', 'paused', 'hidden', 'resumed')"
    for event in log.events(kinds):
        reader = event.reader_id
        if event.kind == "trial_shown":
            shown[event.trial_id] = event
            away[reader] = 0
            left.pop(reader, None)
        elif event.kind in ("paused", "hidden"):
            if reader not in left:
                left[reader] = event
                away[reader] += _idle_before(event)
        elif event.kind == "resumed" and reader in left:
            away[reader] += event.mono_ms - left.pop(reader).mono_ms
        elif event.kind == "trial_submitted":
            start = shown.get(event.trial_id)
            spent = event.mono_ms - start.mono_ms - away[reader] if start else -1
            found[event.trial_id] = spent / 1000 if spent >= 0 else math.nan
    return found


def _idle_before(event: Event) -> int:
    """Milliseconds for which nothing was touched before a pause that the page began by itself."""
    told = event.data if isinstance(event.data, dict) else {}
    idle = told.get("idle_ms", 0)
    return min(max(idle, 0), 3_600_000) if isinstance(idle, int) else 0


def progress_of(
    log: Log, study: Study, failures: dict[str, int], excluded: set[str]
) -> list[Progress]:
    """One row a reader, in the order of the study."""
    seconds = seconds_by_trial(log)
    found = []
    for reader in study.readers:
        name = reader.reader_id
        count = log.rows("SELECT count(*) FROM trial WHERE reader_id = ?", (name,))[0][0]
        events = log.events("reader_id = ?", (name,))
        done = [event.trial_id for event in events if event.kind == "trial_submitted"]
        times = [seconds[one] for one in done if not math.isnan(seconds[one])]
        found.append(
            Progress(
                reader_id=name,
                done=len(done),
                count=count,
                sessions=sum(event.kind == "signed_in" for event in events),
                median_seconds=median(times) if times else math.nan,
                catch_failures=failures.get(name, 0),
                hidden=sum(event.kind == "hidden" for event in events),
                last_seen=events[-1].at if events else "",
                excluded=name in excluded,
            )
        )
    return found


def catch_failures(design: Design, readings: list[Reading]) -> dict[str, int]:
    """How many catch trials each reader failed, by the rule of the plan.

    A catch trial is failed by the wrong side of the decision, by the best two ratings of an
    obvious fake, or by choosing the obviously worse picture.
    """
    cases = {case.case_id: case for case in design.study.cases}
    trials = {trial.trial_id: trial for trial in design.trials if trial.catch}
    failed: dict[str, int] = defaultdict(int)
    for reading in readings:
        trial = trials.get(reading.trial_id)
        if trial is not None:
            part = design.study.protocol.part(trial.part)
            question = part.question(reading.question)
            failed[reading.reader_id] += fails_catch(question, reading.value, trial, cases)
    return dict(failed)


def fails_catch(question: Question, value: Any, trial: Trial, cases: dict[str, Case]) -> bool:
    """Whether this answer fails a catch trial; questions that decide nothing never fail."""
    left = cases[trial.left_case]
    if question.positive_from:
        return (value >= question.positive_from) != left.synthetic
    if question.kind == "side" and trial.right_case:
        right = cases[trial.right_case]
        if left.synthetic == right.synthetic:
            return False
        fake = "left" if left.synthetic else "right"
        wants_fake = not question.tie
        return (value == fake) != wants_fake
    if question.name == "overall":
        return left.synthetic and value >= len(question.anchors) - 1
    return False


def last_hash(log: Log) -> str:
    """The hash of the newest event: what an investigator notes down at the close."""
    rows = log.rows("SELECT hash FROM event ORDER BY seq DESC LIMIT 1")
    return rows[0][0] if rows else ""
