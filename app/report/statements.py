"""What the page says about a report, statement by statement, and about the words of a finding.

The engine's own parser reads; here its mentions are laid beside the drawing. Nothing is drawn.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engine.api import Knows
from engine.errors import InvalidRequest
from engine.reports.parser import Mention, read_report
from engine.reports.spelling import hinted
from engine.vocabulary import NOTHING, PLACE
from engine.words import check_words, model_word, read_words

Mark = Literal["tick", "dash", "open"]
NORMAL_RATIO = 0.5  # cardiothoracic ratio from which a heart is called enlarged
HEART = "cardiomegaly"  # the one finding that the drawing of an organ shows
PLACE_WORDS = re.compile(r"\b(?:lobe|zone|lung|field|side|sided|hemithorax)s?\b")
LEFT_OVER = re.compile(r"\b(?:in|at|of|on|the|and)\b(?=\s*(?:[,.;]|$|(?:in|at|of|on|the|and)\b))")


@dataclass(frozen=True)
class Painted:
    """A finding of the drawing. ``side`` and ``zone`` as measured, None where no lung is drawn."""

    letter: str
    words: str
    side: str | None = None
    zone: str | None = None


@dataclass(frozen=True)
class Offer:
    """A region that can be proposed; ``words`` become those of the finding."""

    finding: str
    words: str
    side: str | None
    zone: str | None


@dataclass(frozen=True)
class Statement:
    """One row: ``mark`` is tick (fits the drawing), dash (nothing to draw) or open."""

    mark: Mark
    text: str
    note: str
    draw: Offer | None = None


@dataclass(frozen=True)
class Words:
    """The words of a finding as the model reads them; ``refused`` says why they cannot be run."""

    finding: str | None
    side: str | None
    zone: str | None
    ignored: tuple[str, ...]
    nearest: tuple[tuple[str, str], ...]
    refused: str | None


def statements(
    report: str, painted: Sequence[Painted], ratio: float | None, knows: Knows
) -> tuple[Statement, ...]:
    """One row for each thing that ``report`` says, in its order; each thing once."""
    found: dict[tuple[str, ...], Statement] = {}
    for mention in read_report(report).mentions:
        said = " ".join(report[slice(*mention.words)].lower().split())
        for one in _by_side(mention, painted, knows):
            row = _statement(one, said, painted, ratio, knows)
            key = ("heart",) if one.finding == HEART and row.mark != "open" else (row.text,)
            found.setdefault(key, row)
    return tuple(found.values())


def ignored(report: str, knows: Knows) -> tuple[str, ...]:
    """Words of a report that say nothing to the model, but for findings that it lacks; a word that
    looks misspelt with what it may mean."""
    if knows.free_text:
        return ()
    reading = read_words(report, knows)
    return tuple(hinted(word) for word in reading.unknown if word not in reading.lacking)


def words_of(text: str, knows: Knows) -> Words:
    """How the words of a finding are read, before a run; see :func:`engine.words.check_words`."""
    if knows.free_text or not text.strip():
        return Words(None, None, None, (), (), None)
    refused, reading = None, read_words(text, knows)
    try:
        check_words(text, knows)
    except InvalidRequest as error:
        refused = str(error)
    first = reading.findings[0] if reading.findings else None
    denied = () if refused or not reading.negated else tuple(f"no {n}" for n in reading.negated)
    unknown = tuple(hinted(w) for w in reading.unknown if w not in reading.lacking)
    return Words(
        finding=None if first is None else first.finding,
        side=None if first is None else first.side,
        zone=None if first is None else first.zone,
        ignored=(*denied, *(degree for degree, _ in reading.degrees), *unknown),
        nearest=reading.nearest,
        refused=refused,
    )


def placed(text: str, side: str | None, zone: str | None) -> str:
    """``text`` with this side and zone instead of those it names; None names none."""
    bare = PLACE_WORDS.sub(" ", PLACE.sub(" ", text.lower()))
    bare = LEFT_OVER.sub(" ", " ".join(bare.replace("-", " ").split()))
    return " ".join([*bare.split(), *filter(None, (side, zone))])


def _by_side(mention: Mention, painted: Sequence[Painted], knows: Knows) -> list[Mention]:
    """A finding of both sides is two regions, unless one that is drawn has no side at all."""
    if mention.side != "both" or mention.certainty not in ("present", "uncertain"):
        return [mention]
    if any(p.side is None and _says(p.words, mention, knows) for p in painted):
        return [mention]
    return [replace(mention, side=side) for side in ("right", "left")]


def _statement(
    mention: Mention,
    said: str,
    painted: Sequence[Painted],
    ratio: float | None,
    knows: Knows,
) -> Statement:
    if mention.finding == HEART:
        return _heart(mention, said, painted, ratio, knows)
    if mention.finding == NOTHING:
        return Statement("dash", "no abnormal finding", "nothing to draw")
    text = _named(mention)
    if mention.certainty == "absent":
        drawn = [p.letter for p in painted if _says(p.words, mention, knows) and _at(p, mention)]
        if drawn:
            return Statement("open", f"no {text}", f"but drawn as {', '.join(drawn)}")
        return Statement("dash", f"no {text}", "nothing to draw")
    if mention.certainty == "past":
        return Statement("dash", f"{text}, of the past", "nothing to draw")
    if mention.certainty == "uncertain":
        text = f"possible {text}"
    word = mention.finding if knows.free_text else model_word(mention.finding, knows)
    if word is None:
        return Statement("open", text, "not known to this model")
    same = [p for p in painted if _says(p.words, mention, knows)]
    there = [p.letter for p in same if _at(p, mention)]
    if there:
        return Statement("tick", text, f"drawn as {', '.join(there)}")
    elsewhere = next((p for p in same if p.side is not None), None)
    note = "not drawn"
    if elsewhere is not None:
        place = " ".join(filter(None, (elsewhere.side, elsewhere.zone)))
        note = f"{elsewhere.letter} lies {place}"
    words = " ".join(filter(None, (mention.degree, said)))
    return Statement("open", text, note, Offer(mention.finding, words, mention.side, mention.zone))


def _heart(
    mention: Mention,
    said: str,
    painted: Sequence[Painted],
    ratio: float | None,
    knows: Knows,
) -> Statement:
    large = mention.certainty in ("present", "uncertain")
    text = "enlarged heart" if large else "normal heart"
    if "cardiomegal" in said:
        text = "cardiomegaly" if large else "no cardiomegaly"
    if mention.certainty == "uncertain":
        text = f"possible {text}"
    if large:
        drawn = [p.letter for p in painted if _says(p.words, mention, knows)]
        if drawn:
            return Statement("tick", text, f"drawn as {', '.join(drawn)}")
    if mention.certainty == "past":
        return Statement("dash", f"{text}, of the past", "nothing to draw")
    if ratio is None:
        if large:
            return Statement("open", text, "no heart is drawn")
        return Statement("dash", text, "nothing to draw")
    fits = (ratio >= NORMAL_RATIO) == large
    verdict = "fits" if fits else "does not fit"
    return Statement("tick" if fits else "open", text, f"ratio {ratio:.2f} {verdict}")


def _named(mention: Mention) -> str:
    side = "both sides" if mention.side == "both" else mention.side
    return ", ".join(filter(None, (mention.finding, side, mention.zone)))


def _says(words: str, mention: Mention, knows: Knows) -> bool:
    """Whether the words of a painted finding name what is mentioned, or what is drawn for it."""
    named = [m.finding for m in read_report(words).mentions if m.certainty != "absent"]
    if mention.finding in named or words.strip().lower() == mention.finding:
        return True
    wanted = None if knows.free_text else model_word(mention.finding, knows)
    return wanted is not None and any(model_word(name, knows) == wanted for name in named)


def _at(painted: Painted, mention: Mention) -> bool:
    """Whether a painted finding lies where it is said to be, as far as both are known."""
    sides = mention.side is None or painted.side is None or mention.side in (painted.side, "both")
    return sides and (mention.zone is None or painted.zone in (None, mention.zone))
