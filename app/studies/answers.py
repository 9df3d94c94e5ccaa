"""Keeping answers: each exactly once, checked, in the stored order, durable before it is told."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.studies.documents import canonical
from app.studies.errors import StudyError
from app.studies.log import Event, Log
from app.studies.model import Protocol
from app.studies.views import Saved

_OPEN_TRIALS = """
    SELECT trial_id, position, session, block, part, practice, left, right FROM trial
    WHERE reader_id = ? AND NOT EXISTS (
        SELECT 1 FROM event
        WHERE event.trial_id = trial.trial_id AND event.kind = 'trial_submitted')
    ORDER BY position LIMIT 2
"""
SUBMITTED = "trial_id = ? AND kind = 'trial_submitted'"
SET = "trial_id = ? AND kind = 'answer_set'"


@dataclass(frozen=True)
class Given:
    """What a browser sends: answers by question, and the number it made for this request."""

    reader_id: str
    trial_id: str
    answers: Mapping[str, Any]
    request_id: str
    submits: bool
    client_at: str = ""


def phase_of(log: Log) -> str:
    rows = log.rows("SELECT value FROM event WHERE kind = 'phase' ORDER BY seq DESC LIMIT 1")
    return json.loads(rows[0][0])["to"]


def open_trials(log: Log, reader_id: str) -> list[tuple]:
    """The rows of the reader's open trial and of the one after it, in the stored order."""
    return log.rows(_OPEN_TRIALS, (reader_id,))


def open_part(log: Log, reader_id: str, trial_id: str) -> str:
    """The part of the trial, if it is the one that this reader has open now."""
    if phase_of(log) != "open":
        raise StudyError("The study is not open for reading.")
    rows = open_trials(log, reader_id)
    if not rows or rows[0][0] != trial_id:
        raise StudyError("This is not the case that is open for you. Reload the page.")
    return rows[0][4]


def current_answers(log: Log, trial_id: str) -> dict[str, Any]:
    return {event.question: event.data for event in log.events(SET, (trial_id,))}


def keep(log: Log, protocol: Protocol, given: Given) -> Saved:
    """Write the answers, and the submission if there is one, in one transaction.

    Returns when they are on the disk in both copies. What was written before gives the first
    acknowledgement again; what contradicts a submitted trial is refused and changes nothing.
    """
    if not given.request_id:
        raise StudyError("An answer needs the number of its request. Reload the page.")
    with log.writing() as connection:
        saved = _saved_before(log, given)
        if saved is None:
            _check(log, protocol, given)
            saved = _append(log, connection, given)
    log.mirror()
    return saved


def _append(log: Log, connection: sqlite3.Connection, given: Given) -> Saved:
    current = current_answers(log, given.trial_id)
    event = None
    for question, value in given.answers.items():
        if question in current and current[question] == value:
            continue
        row = Event(
            "answer_set",
            given.reader_id,
            given.trial_id,
            question,
            canonical(value),
            canonical(current.get(question)),
            request_id="" if given.submits else given.request_id,
            client_at=given.client_at,
        )
        event = log.append(connection, row)
    if given.submits:
        row = Event(
            "trial_submitted",
            given.reader_id,
            given.trial_id,
            value=canonical(dict(given.answers)),
            request_id=given.request_id,
            client_at=given.client_at,
        )
        event = log.append(connection, row)
    if event is None:  # the same answer as before, under a new number
        asked = (given.trial_id, next(iter(given.answers)))
        event = log.events("trial_id = ? AND question = ? AND kind = 'answer_set'", asked)[-1]
        return Saved(event.seq, event.at, True)
    return Saved(event.seq, event.at, False)


def _saved_before(log: Log, given: Given) -> Saved | None:
    same = log.events("request_id = ?", (given.request_id,))
    if same and (same[0].reader_id, same[0].trial_id) != (given.reader_id, given.trial_id):
        raise StudyError("This request belongs to another trial. Reload the page.")
    if same:
        return Saved(same[0].seq, same[0].at, True)
    done = log.events(SUBMITTED + " AND reader_id = ?", (given.trial_id, given.reader_id))
    if not done:
        return None
    if given.submits and done[0].data == json.loads(canonical(dict(given.answers))):
        return Saved(done[0].seq, done[0].at, True)
    raise StudyError(
        "This case was submitted before, perhaps in another tab, and is closed. The first "
        "answers stand. Reload the page to go on."
    )


def _check(log: Log, protocol: Protocol, given: Given) -> None:
    part = protocol.part(open_part(log, given.reader_id, given.trial_id))
    for name, value in given.answers.items():
        part.question(name).check(value)
    if not given.answers and not given.submits:
        raise StudyError("There is no answer to keep.")
    lacking = [one for one in part.questions if one.required and one.name not in given.answers]
    if given.submits and lacking:
        raise StudyError(f"Still to answer: {lacking[0].asked('the finding in question')}")
