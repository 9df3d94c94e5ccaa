"""What leaves a study: to a reader's page, as an acknowledgement, to the monitor."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.studies.model import Question


@dataclass(frozen=True)
class ReaderTrial:
    """All that a reader's browser may know of a trial. It holds no truth by construction:
    every field comes from the place in the order and from the protocol's words."""

    trial_id: str
    number: int
    count: int
    part: int
    parts: int
    kind: str
    session: int
    block: int
    practice: bool
    starts_part: bool
    starts_block: bool
    starts_session: bool
    before: str
    pictures: tuple[str, ...]
    next_pictures: tuple[str, ...]
    questions: tuple[Question, ...]
    answers: Mapping[str, Any]


@dataclass(frozen=True)
class Saved:
    """The acknowledgement of an answer. ``again`` is true when it had been saved before."""

    seq: int
    at: str
    again: bool


@dataclass(frozen=True)
class Progress:
    """What the monitor shows of one reader: work done and quality of work, never accuracy."""

    reader_id: str
    done: int
    count: int
    sessions: int
    median_seconds: float
    catch_failures: int
    hidden: int
    last_seen: str
    excluded: bool
