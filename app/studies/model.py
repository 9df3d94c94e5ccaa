"""The words of a reader study as frozen values. One that exists is valid."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.studies.errors import StudyError

PHASES = ("draft", "frozen", "open", "closed", "unblinded")
QUESTION_KINDS = ("scale", "choice", "yes_no", "tags", "marks", "text", "side")
PART_KINDS = ("single", "pair", "edit")
PAIRINGS = ("none", "real_synthetic", "models", "before_after")
MEASURES = ("accuracy", "rating", "preference")
ROLES = ("main", "catch", "practice")
LATER = {"later": True}  # a field that older designs lack: left out, and out of the hash, if unset
FINDING = "{finding}"  # in the text of a question: the finding that the case was chosen for
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
LONGEST_TEXT = 4000


def _refuse(wrong: bool, sentence: str) -> None:
    if wrong:
        raise StudyError(sentence)


def _check_name(name: str, what: str) -> None:
    _refuse(
        not NAME.fullmatch(name),
        f"'{name}' cannot name {what}. Use up to 64 letters, digits, dots, dashes or underscores.",
    )


def _check_distinct(names: list[str], what: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    _refuse(
        bool(twice), f"{what} '{twice[0] if twice else ''}' is there twice. Rename one of them."
    )


@dataclass(frozen=True)
class Question:
    """One question of a trial.

    ``kind``: ``scale`` (1 to the number of anchors), ``choice`` and ``tags`` (one or several of
    the anchors), ``yes_no``, ``marks`` (up to ``most`` places in the picture), ``text``, or
    ``side`` (left, right, and tie where ``tie`` allows it). ``positive_from`` is, for a scale
    that decides real or synthetic, the lowest answer that says synthetic; 0 for every other one.
    """

    name: str
    kind: str
    text: str
    anchors: tuple[str, ...] = ()
    required: bool = True
    most: int = 0
    tie: bool = False
    positive_from: int = 0

    def __post_init__(self) -> None:
        _check_name(self.name, "a question")
        _refuse(self.kind not in QUESTION_KINDS, f"There is no kind of question '{self.kind}'.")
        _refuse(not self.text.strip(), f"The question '{self.name}' has no text.")
        listed = self.kind in ("scale", "choice", "tags")
        _refuse(
            listed and len(self.anchors) < 2,
            f"The question '{self.name}' needs at least two anchors, in words.",
        )
        _refuse(
            bool(self.anchors) and not listed and self.kind != "marks",
            f"The question '{self.name}' takes no anchors.",
        )
        _check_distinct(list(self.anchors), f"In the question '{self.name}' the anchor")
        _refuse(
            (self.kind == "marks") != (self.most > 0),
            f"'most' belongs to questions for marks and is at least 1 there ('{self.name}').",
        )
        _refuse(
            self.tie and self.kind != "side", f"'tie' is for questions of sides ('{self.name}')."
        )
        _refuse(
            self.positive_from != 0
            and not (self.kind == "scale" and 2 <= self.positive_from <= len(self.anchors)),
            f"'positive_from' of '{self.name}' must be an answer of its scale, from 2 up.",
        )

    def asked(self, finding: str) -> str:
        """The text as a reader sees it, with the finding in question where it has a place."""
        named = finding if finding != "none" else "no finding, a normal chest"
        return self.text.replace(FINDING, named)

    def check(self, value: Any) -> None:
        """Raise ``StudyError`` unless ``value`` is an answer to this question."""
        checks = {
            "scale": self._is_scale,
            "choice": lambda v: isinstance(v, str) and v in self.anchors,
            "yes_no": lambda v: isinstance(v, bool),
            "tags": self._is_tags,
            "marks": self._is_marks,
            "text": lambda v: isinstance(v, str) and len(v) <= LONGEST_TEXT,
            "side": lambda v: v in ("left", "right") or (v == "tie" and self.tie),
        }
        _refuse(
            not checks[self.kind](value),
            f"This is not an answer to '{self.asked('the finding in question')}'. Choose one of "
            "the answers that are shown.",
        )

    def _is_scale(self, value: Any) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and 1 <= value <= len(self.anchors)

    def _is_tags(self, value: Any) -> bool:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            return False
        return set(value) <= set(self.anchors) and len(set(value)) == len(value)

    def _is_marks(self, value: Any) -> bool:
        return (
            isinstance(value, list)
            and len(value) <= self.most
            and all(self._is_mark(one) for one in value)
        )

    def _is_mark(self, mark: Any) -> bool:
        """A mark is x and y as shares of the picture's width and height, and a tag or none."""
        if not isinstance(mark, dict) or not set(mark) <= {"x", "y", "tag", "side"}:
            return False
        places = (mark.get("x"), mark.get("y"))
        inside = all(
            isinstance(one, int | float) and not isinstance(one, bool) and 0 <= one <= 1
            for one in places
        )
        tagged = mark.get("tag", "") == "" or mark["tag"] in self.anchors
        return inside and tagged and mark.get("side", "left") in ("left", "right")


@dataclass(frozen=True)
class Part:
    """A stretch of trials with the same questions. ``before`` is read before it begins."""

    name: str
    kind: str
    questions: tuple[Question, ...]
    pairing: str = "none"
    before: str = ""
    order_shown: bool = False

    def __post_init__(self) -> None:
        _check_name(self.name, "a part")
        _refuse(self.kind not in PART_KINDS, f"There is no kind of trial '{self.kind}'.")
        _refuse(self.pairing not in PAIRINGS, f"There is no pairing '{self.pairing}'.")
        _refuse(
            (self.kind == "single") != (self.pairing == "none")
            or (self.kind == "edit") != (self.pairing == "before_after"),
            f"The part '{self.name}' of kind {self.kind} cannot have the pairing {self.pairing}.",
        )
        _refuse(not self.questions, f"The part '{self.name}' asks nothing.")
        _check_distinct([one.name for one in self.questions], "The question")
        _refuse(
            self.order_shown and self.kind != "edit", "'order_shown' belongs to edit reviews only."
        )
        _refuse(
            self.kind == "single" and any(one.kind == "side" for one in self.questions),
            f"The part '{self.name}' shows one picture and cannot ask for a side.",
        )

    def question(self, name: str) -> Question:
        for one in self.questions:
            if one.name == name:
                return one
        raise StudyError(f"The part '{self.name}' has no question '{name}'.")


@dataclass(frozen=True)
class Order:
    """How trials are ordered. Counts are trials; ``repeats`` is a share of the main trials.

    ``gap`` keeps two pictures of the same scene that many trials apart. ``by_source`` shows one
    source after the other, in the order of a Williams square over readers.
    """

    repeats: float = 0.125
    gap: int = 20
    block: int = 20
    session: int = 60
    by_source: bool = False

    def __post_init__(self) -> None:
        _refuse(not 0 <= self.repeats <= 0.5, "The share of repeats must be between 0 and 0.5.")
        _refuse(self.gap < 1, "The gap must be at least one trial.")
        _refuse(not 2 <= self.block <= 200, "A block has 2 to 200 trials.")
        _refuse(self.session < self.block, "A session is at least one block long.")


@dataclass(frozen=True)
class Plan:
    """The statistical plan, fixed at the freeze. ``margin`` is a share, or points of a rating.

    A mark is a hit within the mask of the edit or up to ``tolerance`` (a share of the picture's
    side) outside of it.
    """

    measure: str
    question: str
    part: str
    margin: float
    confidence: float = 0.95
    catch_failures: int = 2
    bootstrap: int = 2000
    # Ten px of 512, 8 mm of a film 40 cm wide: for the edge of a brush and the hand. Of 72 marks of
    # radiologists near nodules all but one lay within the border (Haygood 2013, Br J Radiol
    # 86:42313554), so no more is needed. Frozen designs rely on this number: it is never changed.
    tolerance: float = field(default=0.02, metadata=LATER)

    def __post_init__(self) -> None:
        _refuse(self.measure not in MEASURES, f"There is no measure '{self.measure}'.")
        _refuse(not self.margin > 0, "The margin must be above 0.")
        _refuse(not 0.5 < self.confidence < 1, "The confidence must lie between 0.5 and 1.")
        _refuse(self.catch_failures < 1, "Readers can be excluded from one failed catch trial on.")
        _refuse(not 0 <= self.tolerance <= 0.2, "The tolerance of marks is a share from 0 to 0.2.")
        _refuse(not 100 <= self.bootstrap <= 100_000, "The bootstrap takes 100 to 100000 draws.")


@dataclass(frozen=True)
class Protocol:
    """What is asked, in which parts, and how it will be analysed.

    ``feedback`` tells readers after each practice trial, and only there, what its pictures were.
    """

    name: str
    title: str
    version: int
    instructions: str
    consent: str
    parts: tuple[Part, ...]
    order: Order
    plan: Plan
    finish: str = ""
    feedback: bool = field(default=False, metadata=LATER)

    def __post_init__(self) -> None:
        _check_name(self.name, "a protocol")
        _refuse(not self.title.strip(), "The protocol has no title.")
        _refuse(self.version < 1, "Versions of a protocol begin at 1.")
        _refuse(not self.parts, "The protocol has no part.")
        _check_distinct([part.name for part in self.parts], "The part")
        question = self.part(self.plan.part).question(self.plan.question)
        fitting = {
            "accuracy": question.positive_from > 0 or question.kind == "side",
            "rating": question.kind == "scale",
            "preference": question.kind == "side",
        }
        _refuse(
            not fitting[self.plan.measure],
            f"The plan's measure {self.plan.measure} does not fit the question '{question.name}'.",
        )

    def part(self, name: str) -> Part:
        for part in self.parts:
            if part.name == name:
                return part
        raise StudyError(f"The protocol has no part '{name}'.")


@dataclass(frozen=True)
class Case:
    """One picture of the study with its truth. Never given to a reader.

    ``scene`` is shared by pictures of the same drawing, film or patient; ``edit_of`` names the
    case before an edit; ``sha256`` is that of the file as shown, empty where there is none yet;
    ``mask`` that of the file that says where the picture was edited, empty where none does.
    """

    case_id: str
    source: str
    synthetic: bool
    finding: str = "none"
    scene: str = ""
    role: str = "main"
    edit_of: str = ""
    sha256: str = ""
    origin: Mapping[str, Any] = field(default_factory=dict)
    mask: str = field(default="", metadata=LATER)

    def __post_init__(self) -> None:
        _check_name(self.case_id, "a case")
        _check_name(self.source, "a source")
        _refuse(self.role not in ROLES, f"There is no role '{self.role}' for a case.")
        _refuse(not self.finding, f"The case {self.case_id} needs a finding, or 'none'.")
        for sha256 in (self.sha256, self.mask):
            _refuse(
                bool(sha256) and not re.fullmatch(r"[0-9a-f]{64}", sha256),
                f"The checksum of the case {self.case_id} is not a SHA-256.",
            )


@dataclass(frozen=True)
class Reader:
    """A reader by pseudonym. Names are kept by the investigator, elsewhere."""

    reader_id: str
    years: str = ""
    specialty: str = ""
    independent: bool = True

    def __post_init__(self) -> None:
        _refuse(
            not re.fullmatch(r"R\d{2,3}", self.reader_id),
            f"'{self.reader_id}' is not a reader's number. Use R01, R02 and so on, never a name.",
        )


@dataclass(frozen=True)
class Study:
    """Everything that is fixed at the freeze.

    ``title`` is for investigators and may say what is tested; readers see ``shown_title``.
    """

    study_id: str
    title: str
    seed: int
    protocol: Protocol
    cases: tuple[Case, ...]
    readers: tuple[Reader, ...]
    shown_title: str = "Reading study"
    pilot: bool = False
    ethics: str = ""
    selection: str = ""

    def __post_init__(self) -> None:
        _check_name(self.study_id, "a study")
        _refuse(not self.title.strip(), "The study has no title.")
        _refuse(not 0 <= self.seed < 2**63, "The seed must be a whole number from 0 up.")
        _check_distinct([case.case_id for case in self.cases], "The case")
        _check_distinct([reader.reader_id for reader in self.readers], "The reader")
        known = {case.case_id for case in self.cases}
        for case in self.cases:
            _refuse(
                bool(case.edit_of) and (case.edit_of not in known or case.edit_of == case.case_id),
                f"The case {case.case_id} is an edit of '{case.edit_of}', which is not there.",
            )


@dataclass(frozen=True)
class Trial:
    """One place in one reader's order, with its truth: for the investigator only.

    ``left`` and ``right`` are the names under which the pictures are shown; ``left_case`` and
    ``right_case`` are what they are. The right ones are empty where one picture is shown.
    """

    trial_id: str
    reader_id: str
    position: int
    session: int
    block: int
    part: str
    practice: bool
    left: str
    right: str
    left_case: str
    right_case: str
    stratum: str
    repeat_of: str = ""
    catch: bool = False


@dataclass(frozen=True)
class Reading:
    """One current answer: what one reader said to one question of one trial.

    ``seconds`` is the time from showing the trial to submitting it, nan where it is unknown.
    """

    reader_id: str
    trial_id: str
    question: str
    value: Any
    at: str
    seconds: float = math.nan
