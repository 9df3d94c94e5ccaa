"""Findings in a sentence: by their names, or as a part of the chest of which something is said."""

import re
from dataclasses import dataclass
from typing import Literal

from engine.reports.cues import FILLER
from engine.vocabulary import EDGE, FINDING, FINDINGS, NOTHING, PART, PARTS, WELL

Certainty = Literal["present", "uncertain", "absent", "past"]


@dataclass(frozen=True)
class Hit:
    """A finding in a sentence. ``sized`` ends where words of size may stand before it."""

    finding: str
    start: int
    end: int
    sized: int
    certainty: Certainty | None = None  # where the words themselves decide it


def hits_in(text: str) -> list[Hit]:
    """Findings by their names, and parts of the chest of which something is said."""
    found = []
    for match in FINDING.finditer(text):
        finding = FINDINGS[int((match.lastgroup or "f0")[1:])]
        sure: Certainty | None = "present" if finding == NOTHING else None
        found.append(Hit(finding, match.start(), match.end(), match.start(), sure))
    taken = [(hit.start, hit.end) for hit in found]
    parts = [m for m in PART.finditer(text) if not _overlaps(m.start(), m.end(), taken)]
    for part in parts:
        hit = _judged(text, part)
        if hit is not None and not _overlaps(hit.start, hit.end, taken):
            found.append(hit)
    return sorted(found, key=lambda hit: hit.start)


def _overlaps(start: int, end: int, taken: list[tuple[int, int]]) -> bool:
    return any(a < end and start < b for a, b in taken)


def _judged(text: str, part: re.Match[str]) -> Hit | None:
    """A part of the chest as a finding, by what is said before it or after it; None if nothing."""
    finding, wrong, right = list(PARTS.values())[int((part.lastgroup or "p0")[1:])]
    said = re.compile(rf"\b(?:(?P<edge>{EDGE})|(?P<wrong>{wrong})|(?P<right>{WELL}|{right}))\b")
    before = text[max(0, part.start() - 60) : part.start()]
    word = None
    for candidate in said.finditer(before):
        if _bare(before[candidate.end() :]) and not re.search("[,:;]", before[candidate.end() :]):
            word = candidate
    offset = part.start() - len(before)
    if word is None:
        after = text[part.end() : part.end() + 90]
        word = said.search(after)
        offset = part.end()
        if word is None or not _bare(after[: word.start()]):
            return None
    start, end = word.start() + offset, word.end() + offset
    denied = re.search(r"\b(?:not|n't)(?: \w+)?\s*$", text[:start][-24:])
    sure: Certainty | None = None
    if word.lastgroup == "edge":
        sure = "uncertain" if finding == "cardiomegaly" else "absent"
    elif word.lastgroup == "right":
        if denied:
            return None
        sure = "present" if finding == NOTHING else "absent"
    first, last = min(part.start(), start), max(part.end(), end)
    return Hit(finding, first, last, start, sure)


def _bare(between: str) -> bool:
    """Nothing but small words and other parts of the chest stand between."""
    words = PART.sub(" ", between).replace(",", " ").replace(":", " ").split()
    return len(words) <= 10 and all(FILLER.fullmatch(word) for word in words)
