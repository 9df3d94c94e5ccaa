"""How far denial, doubt and the past reach: what each finding of a sentence is made by its cues."""

import re
from dataclasses import dataclass
from itertools import pairwise

from engine.reports.cues import ALSO, CUE, EITHER, ENDS, FRESH, JOINT, STILL, VERB, WITH
from engine.reports.findings import Certainty, Hit
from engine.vocabulary import NOTHING


@dataclass(frozen=True)
class Cue:
    """Words that deny or doubt: what it makes of a finding, and where it stands."""

    kind: str
    start: int
    end: int


def certainties(text: str, hits: list[Hit]) -> list[Certainty]:
    """Absent, past, uncertain or present, for each hit; what is stronger stands first."""
    cues = _cues(text)
    reached: dict[str, set[int]] = {"not": set(), "maybe": set(), "past": set()}
    for cue in cues:
        what, _, way = cue.kind.partition("_")
        if what in reached:
            reached[what].update(_reached(text, hits, cues, cue, way))
    if STILL.search(text):
        prior = {c.end for c in cues if c.kind == "past" and text[c.start] == "p"}
        if prior and not any(c.kind == "past" and c.end not in prior for c in cues):
            reached["past"] = set()
    found: list[Certainty] = []
    for number, hit in enumerate(hits):
        if hit.certainty is not None:
            found.append(hit.certainty)
        elif number in reached["not"]:
            found.append("absent")
        elif number in reached["past"]:
            found.append("past")
        else:
            found.append("uncertain" if number in reached["maybe"] else "present")
    return found


def _cues(text: str) -> list[Cue]:
    return [
        Cue(m.lastgroup or "", m.start(), m.end())
        for m in CUE.finditer(text)
        if m.lastgroup != "pseudo"
    ]


def _reached(text: str, hits: list[Hit], cues: list[Cue], cue: Cue, way: str) -> list[int]:
    """Numbers of the hits on which ``cue`` acts."""
    ahead = [n for n, hit in enumerate(hits) if hit.end > cue.end or hit.start >= cue.start]
    inside = [n for n, hit in enumerate(hits) if hit.start < cue.start < hit.end]
    behind = [n for n, hit in enumerate(hits) if hit.end <= cue.start]
    if way == "both":
        apart = r"\b(?:c/w|consistent|compatible|represent\w*|suggest\w*|with)\b|,"
        between = text[hits[behind[-1]].end : cue.start] if behind else ""
        near = [] if ENDS.search(between) or re.search(apart, between) else behind[-1:]
        return near + _forward(text, hits, cues, cue, ahead)[:1]
    if inside:
        return inside
    if way == "after":
        follows = ahead and text[cue.end : hits[ahead[0]].start]
        says = cue.kind.startswith("maybe") and ahead and not JOINT.search(str(follows))
        if behind and not (says and not ENDS.search(str(follows))):
            return _backward(text, hits, cue, behind)
    if cue.kind == "past" and text.startswith("p", cue.start) and ahead:
        near = text[cue.end : hits[ahead[0]].start]
        return ahead[:1] if "," not in near and near.count(" ") <= 4 else []
    return _forward(text, hits, cues, cue, ahead)


def _forward(text: str, hits: list[Hit], cues: list[Cue], cue: Cue, ahead: list[int]) -> list[int]:
    """A list of findings after the cue, up to the first gap at which its reach ends."""
    found: list[int] = []
    at = cue.end
    for number in ahead:
        hit = hits[number]
        gap = text[at : hit.start]
        if at < hit.start and _stops(text, hits, cues, cue, number, at, gap, bool(found)):
            break
        if hit.finding != NOTHING or not found:
            found.append(number)
        at = max(at, hit.end)
    return found


def _stops(
    text: str, hits: list[Hit], cues: list[Cue], cue: Cue, number: int, at: int, gap: str,
    listed: bool,
) -> bool:  # fmt: skip
    """Whether the reach of ``cue`` ends in ``gap``, which leads to the hit ``number``."""
    if ENDS.search(gap):
        return True
    comma = max(gap.rfind(","), gap.rfind(":"))
    also = list(ALSO.finditer(gap))
    joint = max([comma + 1, *(m.end() for m in also)]) if comma >= 0 or also else 0
    if EITHER.search(gap):
        return False
    if WITH.search(gap):
        return True
    if not joint:
        return listed and VERB.search(gap) is not None
    rest = gap[joint:]
    if text[cue.start] == "?" and gap[: joint - 1].strip():  # "?TB, effusion"
        return True
    if any(at + joint <= other.start < at + len(gap) for other in cues):
        return True
    if VERB.search(gap):
        return True
    if also:
        return FRESH.match(rest) is not None
    if _list_goes_on(text, hits, number):
        return False
    if cue.kind.startswith("maybe") and listed:
        return True
    return FRESH.match(rest) is not None


def _list_goes_on(text: str, hits: list[Hit], number: int) -> bool:
    """Whether an "or" follows in the list of which the hit ``number`` is a part."""
    for first, second in pairwise(hits[number:]):
        gap = text[first.end : second.start]
        if EITHER.search(gap):
            return True
        if ENDS.search(gap) or VERB.search(gap) or "," not in gap:
            return False
    return False


def _backward(text: str, hits: list[Hit], cue: Cue, behind: list[int]) -> list[int]:
    """The subject of "is absent": the last finding, or the list of which it is the last."""
    last = behind[-1]
    between = text[hits[last].end : cue.start]
    if ENDS.search(between):
        return []
    found = [last]
    said = between + text[cue.start : cue.end]
    one = re.search(r"\b(?:is|has|was|remains|appears)\b", said)
    listed = False
    for number in reversed(behind[:-1]):
        gap = text[hits[number].end : hits[number + 1].start]
        if ENDS.search(gap) or VERB.search(gap) or VERB.search(text[: hits[number].start]):
            break
        if EITHER.search(gap) or (ALSO.search(gap) and not one):
            listed = True
        elif not (listed and "," in gap):
            break
        found.append(number)
    return found
