"""The tables that every analysis starts from: main trials of the readers that count."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.studies.design import Design
from app.studies.model import Case, Part, Reading, Trial
from app.studies.monitoring import catch_failures

Numbers = NDArray[np.float64]
Answer = Callable[[Trial, Any], float]


@dataclass(frozen=True)
class Data:
    """A finished study: its design, the answers, and what happened after the freeze.

    ``checks`` is what the check of the pictures found before it, empty where there was none;
    ``masks`` are those of the edits by checksum, (side, side) and true where edited.
    """

    design: Design
    readings: tuple[Reading, ...]
    excluded: Mapping[str, str] = field(default_factory=dict)
    amendments: tuple[Mapping[str, Any], ...] = ()
    log_hash: str = ""
    checks: Mapping[str, Any] = field(default_factory=dict)
    masks: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def cases(self) -> dict[str, Case]:
        return {case.case_id: case for case in self.design.study.cases}

    def left_out(self) -> dict[str, str]:
        """Readers who do not count, with the reason: by hand, or by the rule of the plan."""
        limit = self.design.study.protocol.plan.catch_failures
        failures = catch_failures(self.design, list(self.readings))
        ruled = {
            reader: f"failed {count} catch trials, the plan allows {limit - 1}"
            for reader, count in failures.items()
            if count >= limit
        }
        return {**ruled, **self.excluded}

    def readers(self) -> list[str]:
        out = self.left_out()
        read = {one.reader_id for one in self.readings}
        every = [reader.reader_id for reader in self.design.study.readers]
        return [one for one in every if one in read and one not in out]


@dataclass(frozen=True)
class Table:
    """Answers to one question: ``values`` (readers, items), nothing missing.

    ``cases`` holds, per item, what was shown: one case or two in a fixed order. ``dropped`` is the
    number of items that some reader has not answered and that are left out for all.
    """

    readers: tuple[str, ...]
    items: tuple[str, ...]
    cases: tuple[tuple[Case, ...], ...]
    values: Numbers
    dropped: int

    @property
    def sources(self) -> NDArray[np.str_]:
        """The source of every item: of a pair its two, in the order of ``cases``."""
        return np.array(["|".join(case.source for case in one) for one in self.cases])

    @property
    def synthetic(self) -> NDArray[np.bool_]:
        """Whether the only or the last case of every item is synthetic."""
        return np.array([one[-1].synthetic for one in self.cases], dtype=bool)

    def strata(self) -> NDArray[np.int64]:
        return np.unique(self.sources, return_inverse=True)[1].astype(np.int64)


def item_of(trial: Trial) -> str:
    """The same for every reader and side."""
    return "+".join(sorted(one for one in (trial.left_case, trial.right_case) if one))


def answers_to(data: Data, part: str, question: str) -> list[tuple[Trial, Reading]]:
    """Every answer of the readers that count, in their order; practice is never among them."""
    trials = {trial.trial_id: trial for trial in data.design.trials}
    readers = set(data.readers())
    found = [(trials[one.trial_id], one) for one in data.readings if one.question == question]
    return [
        (trial, one)
        for trial, one in found
        if trial.part == part and not trial.practice and one.reader_id in readers
    ]


def read_trials(data: Data, part: Part) -> list[Trial]:
    """Submitted main trials of the readers that count, whatever of them was answered."""
    submitted = {one.trial_id for one in data.readings}
    readers = set(data.readers())
    return [
        trial
        for trial in data.design.trials
        if trial.part == part.name
        and trial.trial_id in submitted
        and trial.reader_id in readers
        and not (trial.practice or trial.repeat_of or trial.catch)
    ]


def table_of(data: Data, part: str, question: str, number: Answer) -> Table:
    """Main answers as numbers; repeats and catch trials are left out."""
    cells: dict[tuple[str, str], float] = {}
    shown: dict[str, tuple[Case, ...]] = {}
    for trial, reading in answers_to(data, part, question):
        if trial.repeat_of or trial.catch:
            continue
        item = item_of(trial)
        cells[reading.reader_id, item] = number(trial, reading.value)
        shown[item] = _cases(data, trial)
    readers = tuple(data.readers())
    whole = [item for item in sorted(shown) if all((one, item) in cells for one in readers)]
    values = np.array([[cells[one, item] for item in whole] for one in readers], dtype=float)
    return Table(
        readers,
        tuple(whole),
        tuple(shown[item] for item in whole),
        values.reshape(len(readers), len(whole)),
        len(shown) - len(whole),
    )


def repeated(
    data: Data, part: str, question: str, number: Answer
) -> dict[str, list[tuple[float, float]]]:
    """First and second answer to what was shown twice, by reader."""
    first = {trial.trial_id: (trial, one) for trial, one in answers_to(data, part, question)}
    pairs: dict[str, list[tuple[float, float]]] = {}
    for trial, reading in first.values():
        if trial.repeat_of in first:
            old_trial, old = first[trial.repeat_of]
            both = (number(old_trial, old.value), number(trial, reading.value))
            pairs.setdefault(reading.reader_id, []).append(both)
    return pairs


def in_order(
    data: Data, part: str, question: str, number: Answer
) -> dict[str, list[tuple[int, float]]]:
    """Position and value of every main answer, by reader."""
    found: dict[str, list[tuple[int, float]]] = {}
    for trial, reading in answers_to(data, part, question):
        if not trial.repeat_of and not trial.catch:
            place = (trial.position, number(trial, reading.value))
            found.setdefault(reading.reader_id, []).append(place)
    return {reader: sorted(places) for reader, places in found.items()}


def plain(trial: Trial, value: Any) -> float:
    """A scale or a yes as a number."""
    return float(value)


def _cases(data: Data, trial: Trial) -> tuple[Case, ...]:
    """One case, or two: a real one before a synthetic one, else by the names of their sources."""
    cases = data.cases
    found = [cases[one] for one in (trial.left_case, trial.right_case) if one]
    return tuple(sorted(found, key=lambda case: (case.synthetic, case.source, case.case_id)))
