"""From what the user wrote to the words a painter's text encoder reads."""

from engine import masks
from engine.api import Finding, Mask, Organs
from engine.bundle import Painter
from engine.vocabulary import NOTHING
from engine.words import canonical, check_words, read_words

NOTABLY = 0.9  # share of a painted region that is left, below which the user is told


def finding_prompt(painter: Painter, finding: Finding, organs: Organs | None) -> str:
    """Free text as it stands; for a model that knows a list, its own words with side and zone.

    Where the words leave the side or the zone open, they are taken from the region itself.
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


def report_prompt(painter: Painter, report: str) -> tuple[str, tuple[str, ...]]:
    """The words of a report that the painter reads, and sentences about those it does not."""
    if painter.knows.free_text or not report.strip():
        return report, ()
    reading = read_words(report, painter.knows)
    words = canonical(reading)
    if not words and not reading.negated:
        known = ", ".join(painter.knows.findings)
        return "", (f"Nothing in the report is known to '{painter.name}', which reads: {known}.",)
    if reading.unknown:
        ignored = ", ".join(reading.unknown)
        return words, (f"The model '{painter.name}' does not know these words: {ignored}.",)
    return words, ()


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
