"""What a report says: findings with side, zone, size, and whether they are there.

A parser on plain rules (their tables: :mod:`engine.vocabulary`, :mod:`engine.reports.cues`) that
knows nothing of models. Each sentence is read alone: its findings are found, then the places and
sizes beside each, then how far every denial and doubt reaches. Any text can be read; what is not
understood gives no mention. The time is linear in the length of the text.
"""

from dataclasses import dataclass, replace

from engine.reports.findings import Certainty, hits_in
from engine.reports.places import degrees_and_places
from engine.reports.reach import certainties
from engine.reports.sentences import Sentence, sentences


@dataclass(frozen=True)
class Mention:
    """One finding as a report mentions it.

    ``side`` is left, right or both (the patient's), ``zone`` upper, middle or lower, ``degree`` the
    word of size or severity; None where nothing is said. "past" is what there was once. ``words``
    are where the finding's name begins and ends in the report, as in ``report[begin:end]``.
    """

    finding: str
    side: str | None = None
    zone: str | None = None
    certainty: Certainty = "present"
    degree: str | None = None
    words: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Report:
    """Mentions in the order of the text; ``passed_over`` are the headings that were not read."""

    mentions: tuple[Mention, ...]
    passed_over: tuple[str, ...] = ()


def read_report(report: str) -> Report:
    """Everything that ``report`` mentions; see the module's first lines."""
    found, passed = sentences(report)
    return Report(tuple(m for sentence in found for m in _read(sentence)), passed)


def _read(sentence: Sentence) -> list[Mention]:
    text = sentence.text
    hits = hits_in(text)
    if not hits:
        return []
    sure = certainties(text, hits)
    found = []
    for number, (degree, places) in enumerate(degrees_and_places(text, hits, sure)):
        hit = hits[number]
        words = (sentence.source[hit.start], sentence.source[hit.end - 1] + 1)
        plain = Mention(hit.finding, certainty=sure[number], degree=degree, words=words)
        found += [replace(plain, side=side, zone=zone) for side, zone in places]
    return found
