"""From what the user wrote to the words a painter's text encoder reads, and what is said of it."""

from collections.abc import Sequence

from engine import masks
from engine.api import Finding, Organs
from engine.bundle import Painter
from engine.vocabulary import NOTHING
from engine.words import Reading, canonical, check_words, read_words

MOST_NAMED = 12  # unknown words in one sentence; a report in another language is all unknown


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


def finding_notes(painter: Painter, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Sentences about the words of findings that are not obeyed as they stand; refuses as
    :func:`finding_prompt` does. The size of a finding is that of its region."""
    notes: list[str] = []
    for finding in findings:
        if finding.text.strip() and not painter.knows.free_text:
            notes += notes_of(painter.name, check_words(finding.text, painter.knows))
    return tuple(dict.fromkeys(notes))


def report_prompt(painter: Painter, report: str) -> tuple[str, tuple[str, ...]]:
    """The words of a report that the painter reads, and sentences about those it does not."""
    if painter.knows.free_text or not report.strip():
        return report, ()
    reading = read_words(report, painter.knows)
    words = canonical(reading)
    notes = notes_of(painter.name, reading)
    if reading.degrees and reading.findings:
        notes += (
            f"Sizes are not obeyed: {', '.join(reading.degrees)}. Paint the finding instead.",
        )
    if not words and not reading.negated:
        known = ", ".join(painter.knows.findings)
        nothing = f"Nothing in the report is known to '{painter.name}', which reads: {known}."
        return "", (nothing, *notes)
    return words, notes


def notes_of(name: str, reading: Reading) -> tuple[str, ...]:
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
    if reading.unknown:
        ignored = ", ".join(reading.unknown[:MOST_NAMED])
        more = len(reading.unknown) - MOST_NAMED
        ignored += f" and {more} more" if more > 0 else ""
        notes.append(f"The model '{name}' does not know these words: {ignored}.")
    return tuple(notes)
