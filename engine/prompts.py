"""From what the user wrote to the words a painter's text encoder reads."""

from engine import masks
from engine.api import Finding, Organs
from engine.bundle import Painter
from engine.vocabulary import NOTHING
from engine.words import canonical, check_words, read_words


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
