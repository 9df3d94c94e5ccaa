"""Modelled readers: a whole study through the real design, store and statistics, and coverage.

The model: a decision is right with probability expit(skill + reader + case), reader and case
drawn once each from normal distributions. Ratings are a cut normal variable, preferences a
logistic one. Nothing here claims to be like radiologists; it is for planning and for tests.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from app.studies import protocols
from app.studies.errors import StudyError
from app.studies.exporting import analyse_export, export
from app.studies.masks import keep_mask
from app.studies.model import Case, Part, Question, Reader, Study, Trial
from app.studies.ordering import generator
from app.studies.replay import verify
from app.studies.statistics.proportions import clopper_pearson
from app.studies.statistics.readers_and_cases import bootstrap_of_mean, mean_share_in_strata
from app.studies.store import Store, create

FINDINGS = ("effusion", "opacity")
UNITS = {"pair": 2, "preference": 6, "edit": 2}  # main trials come in multiples of this, else 4
REPEATED = 0.125
CATCH = 2
EDIT_SIDE = 128  # px of the masks
Place = tuple[float, float]  # shares of width and height
# Readers, cases, standard deviations of readers and cases on the logit scale.
TABLE = ((3, 60, 0.5, 1.0), (6, 60, 0.5, 1.0), (6, 100, 0.3, 0.5), (10, 100, 0.5, 1.0))


@dataclass(frozen=True)
class Modelled:
    """The modelled readers. ``skill`` 0 is guessing; standard deviations are on its scale."""

    skill: float = 0.5
    reader_sd: float = 0.5
    case_sd: float = 1.0

    def true_accuracy(self) -> float:
        """The expected share of right answers over all readers and cases, by quadrature."""
        spread = np.hypot(self.reader_sd, self.case_sd)
        nodes, weights = np.polynomial.hermite_e.hermegauss(64)
        return float((weights * special.expit(self.skill + spread * nodes)).sum() / weights.sum())


def simulated_study(protocol: str, readers: int, trials: int, seed: int) -> Study:
    """A study in which every reader has ``trials`` trials a part, repeats and catch included.

    Raises ``StudyError`` for sizes that no design fits.
    """
    if not 1 <= readers <= 99:
        raise StudyError("A simulated study has 1 to 99 readers.")
    if not 16 <= trials <= 1000:
        raise StudyError("A simulated study has 16 to 1000 trials for each reader.")
    shipped = protocols.shipped(protocol)
    single = shipped.parts[0].kind == "single"
    catch = CATCH if single and trials >= 40 else 0
    unit = UNITS.get(protocol, 4)
    main = int((trials - catch) / (1 + REPEATED)) // unit * unit
    order = replace(
        shipped.order,
        repeats=(trials - catch - main) / main,
        gap=max(1, min(shipped.order.gap, main // 4)),
    )
    cases = _cases(protocol, main) + _catch_cases(catch)
    people = tuple(Reader(f"R{n + 1:02d}") for n in range(readers))
    selection = "All were made up for a simulation; there are no pictures."
    return Study(
        f"simulated-{protocol}",
        f"Simulated: {shipped.title}",
        seed,
        replace(shipped, order=order),
        cases,
        people,
        selection=selection,
    )


def _cases(protocol: str, main: int) -> tuple[Case, ...]:
    if protocol == "preference":
        models = ("model-a", "model-b", "model-c")
        return tuple(_case(m, n, True, f"scene-{n}") for n in range(main // 3) for m in models)
    if protocol == "edit":
        films = [_case("film", n, False, "") for n in range(main)]
        edits = [
            replace(_case(("model-a", "model-b")[n % 2], n, True, ""), edit_of=f"film-{n}")
            for n in range(main)
        ]
        return tuple(films + edits)
    made = main // 2  # half of all shown are real; every pair shows a real one
    reals = main if protocol == "pair" else made
    each = made if protocol == "pair" else made // 2
    real = [_case("hospital", n, False, f"film-{n}") for n in range(reals)]
    a = [_case("model-a", n, True, f"scene-{n}") for n in range(each)]
    b = [_case("model-b", n, True, f"scene-{n}") for n in range(each)]
    return tuple(real + a + b)


def _case(source: str, n: int, synthetic: bool, scene: str) -> Case:
    return Case(f"{source}-{n}", source, synthetic, FINDINGS[n % 2], scene)


def _catch_cases(count: int) -> tuple[Case, ...]:
    return tuple(
        Case(f"catch-{n}", "obvious", n % 2 == 0, "none", role="catch") for n in range(count)
    )


class ModelledReaders:
    """Answers of modelled readers. The same reader gives a case the same chance every time."""

    def __init__(
        self, study: Study, model: Modelled, seed: int, edits: Mapping[str, Place] | None = None
    ) -> None:
        rng = generator(seed, 101)
        self._edits = edits or {}
        self._model = model
        self._seed = seed
        self._cases = {case.case_id: case for case in study.cases}
        self._case = {case.case_id: rng.normal(0, model.case_sd) for case in study.cases}
        self._reader = {one.reader_id: rng.normal(0, model.reader_sd) for one in study.readers}
        sources = sorted({case.source for case in study.cases})
        quality = {source: 0.4 - 0.5 * n for n, source in enumerate(sources)}
        self._quality = quality

    def answers(self, part: Part, trial: Trial) -> dict[str, Any]:
        """Answers to all questions of a trial, the same whenever it is asked."""
        rng = generator(self._seed, zlib.crc32(trial.trial_id.encode()))
        return {one.name: self._answer(one, part, trial, rng) for one in part.questions}

    def _answer(
        self, question: Question, part: Part, trial: Trial, rng: np.random.Generator
    ) -> Any:
        kinds = {
            "scale": self._scale,
            "side": self._side,
            "marks": self._marks,
            "yes_no": lambda *_: bool(rng.random() < 0.8),
            "text": lambda *_: "as expected",
            "tags": lambda *_: [str(rng.choice(question.anchors))],
            "choice": lambda *_: str(rng.choice(question.anchors)),
        }
        return kinds[question.kind](question, part, trial, rng)

    def _chance(self, trial: Trial) -> float:
        """On the logit scale: how likely the decision is right."""
        if trial.catch:
            return 6.0
        shown = [self._case[one] for one in (trial.left_case, trial.right_case) if one]
        effect = sum(shown) / len(shown) ** 0.5
        return self._model.skill + self._reader[trial.reader_id] + effect

    def _scale(self, question: Question, part: Part, trial: Trial, rng: Any) -> int:
        steps = len(question.anchors)
        case = self._cases[trial.right_case or trial.left_case]
        if not question.positive_from:
            centre = (steps + 1) / 2 + self._quality[case.source] + self._reader[trial.reader_id]
            value = centre + 0.5 * self._case[case.case_id] + rng.normal(0, 0.7)
            return int(np.clip(round(value), 1, steps))
        chance = self._chance(trial)
        right = rng.random() < special.expit(chance)
        says_synthetic = case.synthetic == right
        room = steps - question.positive_from if says_synthetic else question.positive_from - 2
        sure = int(rng.binomial(room, special.expit(abs(chance) - 0.5)))
        start = question.positive_from + sure
        return start if says_synthetic else question.positive_from - 1 - sure

    def _side(self, question: Question, part: Part, trial: Trial, rng: Any) -> str:
        left, right = self._cases[trial.left_case], self._cases[trial.right_case]
        if part.pairing == "real_synthetic":
            fake = "left" if left.synthetic else "right"
            other = "right" if left.synthetic else "left"
            return fake if rng.random() < special.expit(self._chance(trial)) else other
        if question.tie and rng.random() < 0.1:
            return "tie"
        gap = self._quality[left.source] - self._quality[right.source]
        gap += 0.3 * (self._case[left.case_id] - self._case[right.case_id])
        return "left" if rng.random() < special.expit(gap) else "right"

    def _marks(self, question: Question, part: Part, trial: Trial, rng: Any) -> list[dict]:
        case = self._cases[trial.right_case or trial.left_case]
        count = min(question.most, int(rng.poisson(1.2 if case.synthetic else 0.3)))
        tags = question.anchors or ("",)
        places = [(float(rng.beta(2, 2)), float(rng.beta(2, 2))) for _ in range(count)]
        edit = self._edits.get(case.case_id)
        if edit is not None and rng.random() < special.expit(self._chance(trial)):
            places = [edit, *places[: question.most - 1]]
        side = {"side": "right"} if trial.right_case else {}
        return [
            {"x": round(x, 4), "y": round(y, 4), "tag": str(rng.choice(tags)), **side}
            for x, y in places
        ]


def with_edits(study: Study, folder: Path, seed: int) -> tuple[Study, dict[str, Place]]:
    """The study with a round mask for every synthetic main case, kept in the study's ``folder``,
    and the middle of each; as it is where no question asks for marks."""
    if not any(one.kind == "marks" for part in study.protocol.parts for one in part.questions):
        return study, {}
    rng = generator(seed, 102)
    y, x = (np.mgrid[:EDIT_SIDE, :EDIT_SIDE] + 0.5) / EDIT_SIDE
    cases, places = [], {}
    for case in study.cases:
        if case.synthetic and case.role == "main":
            centre = rng.uniform(0.25, 0.75, 2)
            flags = np.hypot(x - centre[0], y - centre[1]) < rng.uniform(0.05, 0.12)
            places[case.case_id] = (float(centre[0]), float(centre[1]))
            case = replace(case, mask=keep_mask(folder, flags))
        cases.append(case)
    return replace(study, cases=tuple(cases)), places


def simulate(study: Study, folder: Path, model: Modelled, seed: int) -> dict[str, Any]:
    """Run a study from draft to export in ``folder`` and say what came of it.

    Readers take turns, so that their answers are mixed in the log as in a real study. Where marks
    are asked for, pictures have edits, which a modelled reader marks as likely as it is right.
    """
    study, edits = with_edits(study, folder / "study", seed)
    store = create(folder / "study", study)
    sha256 = store.freeze()
    store.open_reading()
    acknowledged = _read(store, ModelledReaders(study, model, seed, edits))
    store.close_reading("simulation")
    store.unblind("simulation")
    results = export(store, folder / "export", "simulation")
    store.close_file()
    return {
        "design_sha256": sha256,
        "readers": len(study.readers),
        "trials": acknowledged,
        "acknowledged": sum(acknowledged.values()),
        "true_accuracy": model.true_accuracy(),
        "faults": [f"{one.where}: {one.what}" for one in verify(folder / "study")],
        "same_from_export": analyse_export(folder / "export") == results,
        "results": results,
    }


def _read(store: Store, modelled: ModelledReaders) -> dict[str, int]:
    """Every reader answers all trials, one each in turn; returns acknowledgements by reader."""
    design = store.design()
    truth = {trial.trial_id: trial for trial in design.trials}
    count = {reader.reader_id: 0 for reader in design.study.readers}
    waiting = list(count)
    while waiting:
        for reader in list(waiting):
            shown = store.for_reader(reader)
            if shown is None:
                waiting.remove(reader)
                continue
            trial = truth[shown.trial_id]
            store.show(reader, trial.trial_id)
            answers = modelled.answers(design.study.protocol.part(trial.part), trial)
            store.submit(reader, trial.trial_id, answers, f"simulated-{trial.trial_id}")
            count[reader] += 1
    return count


def coverage(
    readers: int, cases: int, model: Modelled, studies: int, seed: int, draws: int = 1000
) -> dict[str, Any]:
    """How often 95 % intervals of mean accuracy hold the true one, over simulated studies.

    The intervals are those of the results, with cases drawn within sources. These studies are
    matrices of right and wrong answers; they do not pass through the store.
    """
    true = model.true_accuracy()
    sources = np.resize([0, 0, 1, 2], cases)  # half real, two models, as in ``simulated_study``
    held = {"pooled": 0, "bootstrap": 0, "obuchowski_rockette": 0}
    widths = dict.fromkeys(held, 0.0)
    for number in range(studies):
        rng = generator(seed, readers, cases, number)
        logit = model.skill + rng.normal(0, model.reader_sd, (readers, 1))
        logit = logit + rng.normal(0, model.case_sd, (1, cases))
        correct = (rng.random((readers, cases)) < special.expit(logit)).astype(float)
        intervals = {
            "pooled": clopper_pearson(int(correct.sum()), correct.size),
            "bootstrap": bootstrap_of_mean(correct, draws, rng, sources),
            "obuchowski_rockette": mean_share_in_strata(correct, sources).estimate,
        }
        for name, one in intervals.items():
            held[name] += one.low <= true <= one.high
            widths[name] += one.high - one.low
    return {
        "readers": readers,
        "cases": cases,
        "reader_sd": model.reader_sd,
        "case_sd": model.case_sd,
        "studies": studies,
        "true_accuracy": true,
        "coverage": {name: count / studies for name, count in held.items()},
        "width": {name: total / studies for name, total in widths.items()},
    }


def coverage_table(studies: int, seed: int, skill: float = 0.5) -> list[dict[str, Any]]:
    """Coverage for the sizes and spreads of ``TABLE``."""
    return [
        coverage(readers, cases, Modelled(skill, reader_sd, case_sd), studies, seed)
        for readers, cases, reader_sd, case_sd in TABLE
    ]
