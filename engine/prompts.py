"""From what the user wrote to the words a painter's text encoder reads."""

from collections.abc import Sequence

from engine import masks
from engine.api import Finding, Mask, Organs
from engine.bundle import Painter
from engine.vocabulary import NOTHING
from engine.words import canonical, check_words, notes_of, read_words, report_words

NOTABLY = 0.9  # share of a painted region that is left, below which the user is told


def finding_prompt(painter: Painter, finding: Finding, organs: Organs | None) -> str:
    """Free text as it stands; for a model that knows a list, its own words with side and zone.

    Where the words leave the side or the zone open, they are taken from the region itself.
    Raises InvalidRequest where they name a finding that the painter cannot draw.
    """
    if painter.knows.free_text:
        return finding.text
    if not finding.text.strip():
        return NOTHING if NOTHING in painter.knows.findings else ""
    reading = check_words(finding.text, painter.knows)
    if organs is not None:
        side, zone = masks.place(finding.mask, organs)
        reading = reading.located(
            side if side in painter.knows.sides else "", zone if zone in painter.knows.zones else ""
        )
    return canonical(reading)


def finding_density(painter: Painter, finding: Finding) -> float:
    """How much denser than its surroundings the region is guessed to be (shares of full scale)."""
    densities = painter.knows.densities
    if not densities or not finding.text.strip() or painter.knows.free_text:
        return 0.0
    reading = check_words(finding.text, painter.knows)
    known = [densities.get(mention.finding, 0.0) for mention in reading.findings]
    return finding.strength * max(known, key=abs, default=0.0)


def finding_notes(painter: Painter, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Sentences about the words of findings that are not obeyed as they stand; refuses as
    :func:`finding_prompt` does. The size of a finding is that of its region."""
    notes: list[str] = []
    for finding in findings:
        if finding.text.strip() and not painter.knows.free_text:
            notes += notes_of(check_words(finding.text, painter.knows), painter.name)
        if finding.strength not in (0, 1) and not finding_density(painter, finding):
            notes.append(f"The strength of '{finding.text}' is not obeyed by these models.")
    return tuple(dict.fromkeys(notes))


def unpainted_notes(painter: Painter, report: str, findings: Sequence[Finding]) -> tuple[str, ...]:
    """A sentence about what a report asks for beside painted findings: films of which a region is
    told are drawn healthy outside it, so it may not appear."""
    if painter.knows.free_text or not findings:
        return ()
    painted = words_of(painter, findings)
    asked = [m.finding for m in read_words(report, painter.knows).findings]
    missing = [word for word in dict.fromkeys(asked) if word not in painted and word != NOTHING]
    if not missing:
        return ()
    return (f"Beside painted findings this may not appear: {', '.join(missing)}. Paint it, too.",)


def words_of(painter: Painter, findings: Sequence[Finding]) -> set[str]:
    """The painter's words for what is painted."""
    return {m.finding for f in findings for m in read_words(f.text, painter.knows).findings}


def report_prompt(
    painter: Painter, report: str, findings: Sequence[Finding] = ()
) -> tuple[str, tuple[str, ...]]:
    """The words of a report that the painter reads, and sentences about those it does not."""
    return report_words(report, painter.knows, painter.name, words_of(painter, findings))


def finding_zone(painter: Painter, finding: Finding, organs: Organs | None) -> tuple[Mask, str]:
    """The part of a finding's mask that may change, and a sentence where it is notably less.

    The findings of a list are those of the chest, so painting over the chest wall stays without
    effect. Free text may ask for anything anywhere, and so may a removal.
    """
    if organs is None or painter.knows.free_text or not finding.text.strip():
        return finding.mask, ""
    zone = masks.inside_chest(finding.mask, organs)
    if zone.sum() > NOTABLY * finding.mask.sum():
        return zone, ""
    return zone, f"What was painted for '{finding.text}' outside the chest was left as it is."
