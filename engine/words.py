"""What a model that knows a list of words can read in a sentence: finding, side, zone, view.

Only what the model knows is kept, in the model's own words; what is denied ("no effusion") is
kept apart. This reads short requests and simple reports; it is no parser of whole reports.
"""

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from engine.api import Knows
from engine.errors import InvalidRequest
from engine.vocabulary import (
    ASSERTED,
    DENIED,
    DENIED_AFTER,
    FILLER,
    FINDING,
    NEAREST,
    NOTHING,
    PHRASES,
    PLACE,
    PLACES,
    SENTENCE_END,
    UNPLACED,
    VIEWS,
)


@dataclass(frozen=True)
class Mention:
    """One finding in the model's own word; ``side`` left, right, both; ``zone`` by thirds."""

    finding: str
    side: str | None = None
    zone: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    findings: tuple[Mention, ...] = ()
    view: str | None = None  # "ap" or "pa"
    negated: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def located(self, side: str, zone: str) -> "Reading":
        """This reading with side and zone where the words leave them open; "" fills nothing."""
        return replace(
            self,
            findings=tuple(
                mention
                if mention.finding.lower() in UNPLACED
                else Mention(
                    mention.finding, mention.side or side or None, mention.zone or zone or None
                )
                for mention in self.findings
            ),
        )


def read_words(text: str, knows: Knows) -> Reading:
    """What of ``text`` a model with ``knows`` can obey; see the module's first lines."""
    found: list[Mention] = []
    negated: list[str] = []
    unknown: list[str] = []
    for sentence in re.split(SENTENCE_END, _plain(text), flags=re.I):
        denied = False
        for clause in sentence.strip().split(","):
            if ASSERTED.search(clause):
                denied = False
            denied = _read_clause(clause.strip(), knows, denied, found, negated, unknown)
    sick = [m for m in found if m.finding != NOTHING]
    return Reading(
        findings=tuple(dict.fromkeys(sick or found)),
        view=_view(text, knows),
        negated=tuple(dict.fromkeys(negated)),
        unknown=tuple(dict.fromkeys(unknown)),
    )


def canonical(reading: Reading) -> str:
    """The prompt in the words the model was trained with: "effusion left lower, ap view"."""
    words = [" ".join(filter(None, (m.finding, m.side, m.zone))) for m in reading.findings]
    if reading.view:
        words.append(f"{reading.view} view")
    return ", ".join(words)


def check_words(text: str, knows: Knows) -> Reading:
    """The reading of a finding's words; refuses words in which the model knows no finding."""
    reading = read_words(text, knows)
    if reading.findings or knows.free_text:
        return reading
    if reading.negated:
        raise InvalidRequest(
            f"'{text}' says what is absent. To remove what is there, leave the words empty."
        )
    raise InvalidRequest(
        f"The model does not know '{text}'. It knows: {', '.join(knows.findings) or 'no words'}."
    )


def _read_clause(
    clause: str,
    knows: Knows,
    denied: bool,
    found: list[Mention],
    negated: list[str],
    unknown: list[str],
) -> bool:
    """Sort one clause into the three lists; says whether a denial is still open at its end."""
    hits = list(FINDING.finditer(clause))
    where = _place(clause, knows)
    if not hits and found and found[-1].side is None and found[-1].zone is None and any(where):
        if found[-1].finding.lower() not in UNPLACED:  # "effusion, on the left"
            found[-1] = Mention(found[-1].finding, *where)
        return denied
    after = DENIED_AFTER.search(clause)
    cues = [cue.start() for cue in DENIED.finditer(clause)]
    places = _places(clause, hits, knows)
    for hit, (side, zone) in zip(hits, places, strict=True):
        finding = list(PHRASES)[int((hit.lastgroup or "f0")[1:])]
        word = _model_word(finding, knows)
        if finding == NOTHING:
            if word:
                found.append(Mention(word))
        elif (
            denied
            or any(cue < hit.end() for cue in cues)
            or (after is not None and hit.start() < after.start())
        ):
            negated.append(word or finding)
        elif word is None:
            unknown.append(hit.group().lower())
        elif finding in UNPLACED:
            found.append(Mention(word))
        else:
            found.append(Mention(word, side, zone))
    rest = PLACE.sub(" ", FINDING.sub(" ", clause))
    for pattern in VIEWS.values():
        rest = re.sub(pattern, " ", rest, flags=re.I)
    unknown += [w for w in re.findall(r"[^\W\d_][\w-]+", rest.lower()) if w not in FILLER.split()]
    normal = any(hit.lastgroup == "f0" for hit in hits)
    return denied or (bool(cues) and not normal)


def _places(
    clause: str, hits: list[re.Match[str]], knows: Knows
) -> list[tuple[str | None, str | None]]:
    """Side and zone of each finding: those nearest it, shared by "X and Y in the left base"."""
    if not hits:
        return []
    ends = [_border(clause, a, b) for a, b in pairwise(hits)] + [len(clause)]
    starts = [0, *ends[:-1]]
    places = [_place(clause[a:b], knows) for a, b in zip(starts, ends, strict=True)]
    nowhere = (None, None)
    for i in reversed(range(len(hits) - 1)):
        leading = _place(clause[starts[i + 1] : hits[i + 1].start()], knows)
        if places[i] == nowhere and leading == nowhere:
            places[i] = places[i + 1]
    return places


def _border(clause: str, first: re.Match[str], second: re.Match[str]) -> int:
    """Where the words about ``first`` end: at the "and" between them, else at ``second``."""
    joint = re.search(r"\b(?:and|or|with)\b", clause[first.end() : second.start()], re.I)
    return first.end() + joint.start() if joint else second.start()


def _place(text: str, knows: Knows) -> tuple[str | None, str | None]:
    said = [list(PLACES.values())[(hit.lastindex or 1) - 1] for hit in PLACE.finditer(text)]
    sides = {side for side, _ in said if side in knows.sides}
    zones = {zone for _, zone in said if zone in knows.zones}
    side = sides.pop() if len(sides) == 1 else "both" if sides and "both" in knows.sides else None
    return side, zones.pop() if len(zones) == 1 else None


def _model_word(finding: str, knows: Knows) -> str | None:
    """The model's own word for ``finding`` or for the nearest thing it can draw."""
    for candidate in (finding, *NEAREST.get(finding, ())):
        for word in knows.findings:
            same = word.lower() == candidate
            if same or re.fullmatch(PHRASES[candidate], word, re.I):
                return word
    return None


def _view(text: str, knows: Knows) -> str | None:
    for view, pattern in VIEWS.items():
        offered = any(view in known.lower().split() for known in knows.views)
        if offered and re.search(pattern, text, re.I):
            return view
    return None


def _plain(text: str) -> str:
    return re.sub(r"[ \t_/]+", " ", text.replace("\r", "\n"))
