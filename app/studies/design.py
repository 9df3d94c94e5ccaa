"""From a study and its seed to the stored order of every reader's trials."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.studies.documents import from_document, sha256_of, to_document
from app.studies.errors import StudyError
from app.studies.model import Case, Part, Study, Trial
from app.studies.ordering import (
    ALGORITHM,
    Item,
    balanced_sides,
    generator,
    order_items,
    williams_square,
)

SIDES, PAIRS, ORDER, REPEATS = range(4)


@dataclass(frozen=True)
class Design:
    """The frozen design. ``sha256`` is over the canonical JSON of all that stands in it."""

    study: Study
    trials: tuple[Trial, ...]
    algorithm: str
    numpy: str

    @property
    def sha256(self) -> str:
        return sha256_of(to_document(self))

    def of_reader(self, reader_id: str) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if trial.reader_id == reader_id)


@dataclass(frozen=True)
class _Shown:
    """One place before its position is known; ``first`` is on the left where ``straight``."""

    first: Case
    second: Case | None
    stratum: str
    straight: bool = True
    repeat: bool = False
    catch: bool = False

    @property
    def key(self) -> str:
        return self.first.case_id + (f"+{self.second.case_id}" if self.second else "")

    @property
    def item(self) -> Item:
        cases = [self.first, *([self.second] if self.second else [])]
        scenes = frozenset(case.scene or case.case_id for case in cases)
        return Item(self.key, "repeat" if self.repeat else self.stratum, scenes)


def make_design(study: Study) -> Design:
    """Assign every reader's trials. The same study gives the same design.

    Every reader reads every case (fully crossed). Raises ``StudyError`` when the cases do not
    allow what the protocol asks for.
    """
    if not study.readers:
        raise StudyError("The study has no reader. Add at least one before the freeze.")
    trials = [
        trial
        for number, reader in enumerate(study.readers)
        for trial in _of_reader(study, number, reader.reader_id)
    ]
    return Design(study, tuple(trials), ALGORITHM, np.__version__)


def design_from(document: Any) -> Design:
    """A design as it was stored; nothing in it is computed again."""
    return from_document(Design, document, "The design")


def differences(stored: Design) -> list[str]:
    """Where the stored order differs from what its seed gives today; empty if nowhere."""
    again = make_design(stored.study)
    if len(again.trials) != len(stored.trials):
        return [f"{len(stored.trials)} trials are stored and the seed gives {len(again.trials)}."]
    return [
        f"Trial {old.trial_id} is not what the seed {stored.study.seed} gives."
        for old, new in zip(stored.trials, again.trials, strict=True)
        if old != new
    ]


def _of_reader(study: Study, number: int, reader_id: str) -> list[Trial]:
    order = study.protocol.order
    last: dict[str, int] = {}
    trials: list[Trial] = []
    for index, part in enumerate(study.protocol.parts):
        practice = _practice(study, part)
        main = _sequence(study, part, index, number, last, len(trials) + len(practice))
        done = sum(not trial.practice for trial in trials)
        before: dict[str, str] = {}
        for place, shown in enumerate([*practice, *main]):
            position = len(trials) + 1
            counted = max(0, done + place - len(practice))
            trial = _trial(study, part, shown, reader_id, position, counted, before)
            is_practice = place < len(practice)
            trials.append(_as_practice(trial) if is_practice else trial)
            if not is_practice:
                before.setdefault(shown.key, trial.trial_id)
                last.update(dict.fromkeys(shown.item.scenes, position - 1))
    if order.session < 1 or not trials:
        raise StudyError("The study has no main case to show.")
    return trials


def _as_practice(trial: Trial) -> Trial:
    return from_document(Trial, {**to_document(trial), "practice": True}, "A trial")


def _trial(
    study: Study,
    part: Part,
    shown: _Shown,
    reader_id: str,
    position: int,
    counted: int,
    before: dict[str, str],
) -> Trial:
    first, second = shown.first.case_id, shown.second.case_id if shown.second else ""
    left, right = (first, second) if shown.straight or not second else (second, first)
    order = study.protocol.order
    return Trial(
        trial_id=f"{reader_id}-{position:03d}",
        reader_id=reader_id,
        position=position,
        session=counted // order.session + 1,
        block=counted // order.block + 1,
        part=part.name,
        practice=False,
        left=_opaque(study, reader_id, position, "left"),
        right=_opaque(study, reader_id, position, "right") if second else "",
        left_case=left,
        right_case=right,
        stratum=shown.stratum,
        repeat_of=before.get(shown.key, "") if shown.repeat else "",
        catch=shown.catch,
    )


def _opaque(study: Study, reader_id: str, position: int, side: str) -> str:
    """A name for one picture at one place: it depends on the place, never on the picture."""
    words = f"{study.study_id}|{study.seed}|{reader_id}|{position}|{side}"
    return hashlib.sha256(words.encode()).hexdigest()[:24]


def _sequence(
    study: Study, part: Part, index: int, number: int, last: dict[str, int], start: int
) -> list[_Shown]:
    """The main, repeated and catch trials of one part for one reader, in their order."""
    main = _with_sides(_items(study, part, index, "main"), study, part, index, number)
    if not main:
        raise StudyError(f"No cases fit the part '{part.name}'. Add cases before the freeze.")
    shown = [*main, *_repeats(main, study, part, index, number), *_catch(study, part, index)]
    order = study.protocol.order
    ranks: Sequence[int] = ()
    if order.by_source:
        sources = sorted({one.first.source for one in shown})
        square = williams_square(len(sources))
        row = square[number % len(square)]
        rank = {source: row.index(n) for n, source in enumerate(sources)}
        ranks = [rank[one.first.source] for one in shown]
    rng = generator(study.seed, number, index, ORDER)
    items = [one.item for one in shown]
    places = order_items(items, order.gap, order.block, rng, last, start, ranks)
    return _first_before_repeat([shown[n] for n in places])


def _first_before_repeat(sequence: list[_Shown]) -> list[_Shown]:
    """Where a repeat was drawn before its first showing, the two change places."""
    where: dict[str, list[int]] = defaultdict(list)
    for n, one in enumerate(sequence):
        where[one.key].append(n)
    for places in where.values():
        if len(places) == 2 and sequence[places[0]].repeat:
            a, b = places
            sequence[a], sequence[b] = sequence[b], sequence[a]
    return sequence


def _with_sides(
    items: list[_Shown], study: Study, part: Part, index: int, number: int
) -> list[_Shown]:
    if part.kind == "single" or part.order_shown:
        return items
    rng = generator(study.seed, number // 2, index, SIDES)
    sides = balanced_sides([one.stratum for one in items], rng, flipped=number % 2 == 1)
    return [
        _Shown(one.first, one.second, one.stratum, straight)
        for one, straight in zip(items, sides, strict=True)
    ]


def _repeats(main: list[_Shown], study: Study, part: Part, index: int, number: int) -> list[_Shown]:
    """Main trials that come again, spread over strata; pairs change sides, equally often."""
    count = round(study.protocol.order.repeats * len(main))
    rng = generator(study.seed, number, index, REPEATS)
    sided = part.kind != "single" and not part.order_shown
    groups = [[one for one in main if one.straight], [one for one in main if not one.straight]]
    wanted = [count, 0]
    if sided:
        wanted = [count // 2, count // 2]
    chosen: list[_Shown] = []
    for group, n in zip(groups, wanted, strict=True):
        mixed = sorted((group[k] for k in rng.permutation(len(group))), key=lambda o: o.stratum)
        places = ((np.arange(n) + rng.random()) * len(mixed) / max(1, n)).astype(int)
        for place in places:
            turned = [*mixed[place:], *mixed[:place]]
            taken = {scene for one in chosen for scene in one.item.scenes}
            fresh = [one for one in turned if one not in chosen]
            other = [one for one in fresh if not one.item.scenes & taken]
            chosen += (other or fresh)[:1]
    return [
        _Shown(one.first, one.second, one.stratum, one.straight != sided, repeat=True)
        for one in chosen
    ]


def _catch(study: Study, part: Part, index: int) -> list[_Shown]:
    found = _items(study, part, index, "catch")
    sided = part.kind != "single" and not part.order_shown
    return [
        _Shown(one.first, one.second, "catch", not sided or n % 2 == 0, catch=True)
        for n, one in enumerate(found)
    ]


def _practice(study: Study, part: Part) -> list[_Shown]:
    """Practice pictures in the order of the study, before the first part only."""
    first = part is study.protocol.parts[0]
    return _items(study, part, 0, "practice") if first else []


def _items(study: Study, part: Part, index: int, role: str) -> list[_Shown]:
    """What a part shows of the cases with a role, the same for every reader."""
    cases = [case for case in study.cases if case.role == role]
    if part.pairing == "none":
        return [_Shown(case, None, f"{case.source}|{case.finding}") for case in cases]
    if part.pairing == "before_after":
        by_id = {case.case_id: case for case in study.cases}
        return [
            _Shown(by_id[case.edit_of], case, f"{case.source}|{case.finding}")
            for case in cases
            if case.edit_of
        ]
    if part.pairing == "models":
        return _model_pairs(cases)
    return _matched_pairs(cases, generator(study.seed, 0, index, PAIRS))


def _model_pairs(cases: list[Case]) -> list[_Shown]:
    """Every two sources that have the same scene, sources in alphabetical order."""
    scenes: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.scene:
            scenes[case.scene].append(case)
    found = []
    for scene in sorted(scenes):
        members = sorted(scenes[scene], key=lambda case: case.source)
        for n, first in enumerate(members):
            for second in members[n + 1 :]:
                if first.source != second.source:
                    found.append(_Shown(first, second, f"{first.source}|{second.source}"))
    return found


def _matched_pairs(cases: list[Case], rng: np.random.Generator) -> list[_Shown]:
    """Each synthetic case with a real one of the same scene, else of the same finding.

    Real cases are used equally often up to one. Raises ``StudyError`` for a synthetic case whose
    finding no real case has.
    """
    real = [case for case in cases if not case.synthetic]
    used: dict[str, int] = defaultdict(int)
    found = []
    for case in (one for one in cases if one.synthetic):
        same = [one for one in real if case.scene and one.scene == case.scene]
        fitting = same or [one for one in real if one.finding == case.finding]
        if not fitting:
            raise StudyError(
                f"No real case has the finding '{case.finding}' of {case.case_id}, so it has no "
                "partner. Add such a case or leave this one out."
            )
        least = min(used[one.case_id] for one in fitting)
        equal = [one for one in fitting if used[one.case_id] == least]
        partner = equal[int(rng.integers(len(equal)))]
        used[partner.case_id] += 1
        found.append(_Shown(case, partner, f"{case.source}|{case.finding}"))
    return found
