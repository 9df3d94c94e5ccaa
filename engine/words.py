"""What a model that knows a list of words can obey of a report: finding, side, zone, view.

The report is read by :mod:`engine.reports.parser`; here its mentions become the model's own
words. What is denied, what is past and what the model lacks are kept apart, so that nothing is
dropped without a word about it.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from engine.api import Knows
from engine.errors import InvalidRequest
from engine.reports.cues import CUE
from engine.reports.parser import Mention, read_report
from engine.reports.sentences import sentences
from engine.reports.spelling import hinted, meant
from engine.vocabulary import (
    DEGREE,
    FINDING,
    NEAREST,
    NOTHING,
    PART,
    PHRASES,
    PLACE,
    SMALL_WORDS,
    UNPLACED,
    VIEWS,
)

__all__ = [
    "Mention",
    "Reading",
    "canonical",
    "check_words",
    "model_word",
    "notes_of",
    "read_words",
    "report_words",
]
MOST_NAMED = 12  # unknown words in one sentence; a report in another language is all unknown
WITHOUT_SIDE = UNPLACED | {"edema"}  # the labels of training films place no edema
LATERAL = re.compile(r"\blateral (?:view|film|projection|radiograph)s?\b|\b(?:pa|ap) and lateral\b")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A report as one model can obey it.

    ``findings`` are to be drawn, in the model's own words; ``uncertain`` are those among them of
    which the report is not sure. ``view`` is "ap" or "pa". Not drawn: ``negated``, ``past``,
    ``lacking`` (findings that the model cannot draw, as written). ``nearest`` are pairs of what was
    asked for and what is drawn instead. ``unknown`` are all words that say nothing to the model.
    ``degrees`` are words of size, which no model obeys yet, each with the model's word for what
    has that size; ``passed_over`` headings not read.
    """

    findings: tuple[Mention, ...] = ()
    view: str | None = None
    negated: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    nearest: tuple[tuple[str, str], ...] = ()
    degrees: tuple[tuple[str, str | None], ...] = ()
    passed_over: tuple[str, ...] = ()

    def located(self, side: str, zone: str) -> "Reading":
        """This reading with side and zone where the words leave them open; "" fills nothing."""
        return replace(
            self,
            findings=tuple(
                mention
                if mention.finding.lower() in WITHOUT_SIDE
                else replace(
                    mention, side=mention.side or side or None, zone=mention.zone or zone or None
                )
                for mention in self.findings
            ),
        )


def read_words(text: str, knows: Knows) -> Reading:
    """What of ``text`` a model with ``knows`` can obey; see the module's first lines."""
    report = read_report(text)
    drawn: list[Mention] = []
    told: dict[str, list[str]] = {"negated": [], "uncertain": [], "past": [], "lacking": []}
    nearest: list[tuple[str, str]] = []
    spans = [mention.words for mention in report.mentions]
    unknown = [  # "heart enlarged" is named once, not its words again
        (at, word)
        for at, word in _other_words(text)
        if not any(begin <= at < end for begin, end in spans)
    ]
    for mention in report.mentions:
        word = model_word(mention.finding, knows)
        said = " ".join(text[slice(*mention.words)].lower().split())
        if mention.certainty == "absent":
            told["negated"].append(word or mention.finding)
        elif mention.certainty == "past":
            told["past"].append(word or mention.finding)
        elif word is None:
            if mention.finding != NOTHING:
                told["lacking"].append(said)
                unknown.append((mention.words[0], said))
        else:
            placed = _obeyed(mention, word, knows)
            lost = [p for p in (mention.side, mention.zone) if p not in (placed.side, placed.zone)]
            unknown += [(mention.words[0], place) for place in lost if place]
            drawn.append(placed)
            if mention.certainty == "uncertain":
                told["uncertain"].append(word)
            if not _same(word, mention.finding):
                nearest.append((said, word))
    view, others = _view(text, knows)
    sure = {m.finding for m in drawn if m.certainty == "present"}
    unknown_words = [word for _, word in sorted(unknown)] + others
    return Reading(
        findings=_merged(drawn),
        view=view,
        negated=_once(told["negated"]),
        unknown=_once(unknown_words),
        uncertain=_once([word for word in told["uncertain"] if word not in sure]),
        past=_once(told["past"]),
        lacking=_once(told["lacking"]),
        nearest=tuple(dict.fromkeys(nearest)),
        degrees=tuple(
            dict.fromkeys(
                (m.degree, model_word(m.finding, knows))
                for m in report.mentions
                if m.degree and m.certainty != "absent"
            )
        ),
        passed_over=report.passed_over,
    )


def canonical(reading: Reading) -> str:
    """The prompt in the words the model was trained with: "effusion left lower, ap view"."""
    words = [" ".join(filter(None, (m.finding, m.side, m.zone))) for m in reading.findings]
    if reading.view:
        words.append(f"{reading.view} view")
    return ", ".join(words)


def check_words(text: str, knows: Knows) -> Reading:
    """The reading of a finding's words; refuses words that name what the model cannot draw."""
    reading = read_words(text, knows)
    if knows.free_text:
        return reading
    known = ", ".join(word for word in knows.findings if word != NOTHING) or "no words"
    if reading.lacking and reading.findings:
        lacking = ", ".join(reading.lacking)
        raise InvalidRequest(f"The model does not know '{lacking}' in '{text}'. It knows: {known}.")
    if reading.findings:
        return reading
    if reading.past:
        raise InvalidRequest(f"'{text}' tells of the past. Say what is to be seen now.")
    if reading.negated and not reading.lacking:
        raise InvalidRequest(
            f"'{text}' says what is absent. To remove what is there, leave the words empty."
        )
    right = " ".join(meant(word) or word for word in text.split())
    perhaps = f"Did you mean '{right}'? " if read_words(right, knows).findings else ""
    raise InvalidRequest(f"The model does not know '{text}'. {perhaps}It knows: {known}.")


def report_words(
    report: str, knows: Knows, name: str, painted: Collection[str] = ()
) -> tuple[str, tuple[str, ...]]:
    """What the model ``name`` reads of a report, and sentences about what it does not obey.

    ``painted`` are the model's words of findings that are painted: their size is in the paint.
    """
    if knows.free_text or not report.strip():
        return report, ()
    reading = read_words(report, knows)
    words = canonical(reading)
    notes = notes_of(reading, name)
    sizes = [degree for degree, finding in reading.degrees if finding not in painted]
    if sizes and reading.findings:
        notes += (f"Sizes are not obeyed: {', '.join(_once(sizes))}. Paint the finding instead.",)
    if not words and not reading.negated:
        known = ", ".join(word for word in knows.findings if word != NOTHING)
        nothing = f"Nothing in the report is known to '{name}', which reads: {known}."
        return "", (nothing, *notes)
    return words, notes


def notes_of(reading: Reading, name: str) -> tuple[str, ...]:
    """What of ``reading`` the model ``name`` draws otherwise than it is written, or not at all."""
    notes = []
    if reading.lacking:
        lacking = ", ".join(reading.lacking)
        notes.append(f"The model '{name}' cannot draw: {lacking}. That was left out.")
    for said, drawn in reading.nearest:
        notes.append(f"'{said}' is drawn as '{drawn}', the nearest that '{name}' knows.")
    if reading.uncertain:
        uncertain = ", ".join(reading.uncertain)
        notes.append(f"Uncertain in the words, drawn all the same: {uncertain}.")
    if reading.past:
        notes.append(f"Of the past, therefore not drawn: {', '.join(reading.past)}.")
    if reading.passed_over:
        headings = ", ".join(reading.passed_over)
        notes.append(f"Not read, because it does not say what is on the film: {headings}.")
    unknown = [word for word in reading.unknown if word not in reading.lacking]
    if unknown:
        ignored = ", ".join(hinted(word) for word in unknown[:MOST_NAMED])
        more = len(unknown) - MOST_NAMED
        ignored += f" and {more} more" if more > 0 else ""
        notes.append(f"The model '{name}' does not know these words: {ignored}.")
    return tuple(notes)


def model_word(finding: str, knows: Knows) -> str | None:
    """The model's own word for ``finding`` or for the nearest thing it can draw."""
    for candidate in (finding, *NEAREST.get(finding, ())):
        for word in knows.findings:
            if _same(word, candidate):
                return word
    return None


def _same(word: str, finding: str) -> bool:
    """Whether the model's ``word`` means ``finding``: "Pleural effusion" is "effusion"."""
    pattern = PHRASES.get(finding, re.escape(finding))
    return word.lower() == finding or re.fullmatch(pattern, word.lower()) is not None


def _obeyed(mention: Mention, word: str, knows: Knows) -> Mention:
    """The mention in the model's word, with the places that the model knows."""
    side = zone = None
    if mention.finding not in WITHOUT_SIDE:
        side = mention.side if mention.side in knows.sides else None
        zone = mention.zone if mention.zone in knows.zones else None
    return Mention(word, side, zone, mention.certainty)


def _merged(drawn: list[Mention]) -> tuple[Mention, ...]:
    """Each once; a finding without a place gives way to the same finding with one."""
    plain = [replace(mention, certainty="present") for mention in drawn]
    sick = [mention for mention in plain if mention.finding != NOTHING]
    placed = {mention.finding for mention in sick if mention.side or mention.zone}
    kept = [m for m in sick or plain if m.side or m.zone or m.finding not in placed]
    return tuple(dict.fromkeys(kept))


def _once(words: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _view(text: str, knows: Knows) -> tuple[str | None, list[str]]:
    """The view the model can obey, and words for the views it cannot."""
    plain = " ".join(text.lower().split())
    others = ["lateral view"] if LATERAL.search(plain) else []
    for view, pattern in VIEWS.items():
        if re.search(pattern, plain):
            if any(view in known.lower().split() for known in knows.views):
                return view, others
            others.append(f"{view} view")
    return None, others


def _other_words(text: str) -> list[tuple[int, str]]:
    """Words that no table of ours holds, with their place in ``text``."""
    found = []
    for sentence in sentences(text)[0]:
        rest = sentence.text
        for known in (FINDING, CUE, PART, PLACE, DEGREE, *map(re.compile, VIEWS.values())):
            rest = known.sub(lambda m: " " * len(m.group()), rest)
        for match in re.finditer(r"[^\W\d_][\w-]+", rest):
            if match.group().strip("-") not in SMALL_WORDS:
                first, last = sentence.source[match.start()], sentence.source[match.end() - 1] + 1
                found.append((first, text[first:last].lower()))
    return found
