"""Which findings of a drawing a picture already holds, so that a run adds only what is new."""

import zlib

import numpy as np

from app.canvas.drawing import Drawing, FindingRegion
from engine.api import Finding, Mask

Held = tuple[str, int]  # words, and a checksum of the region


def held(drawing: Drawing, region: FindingRegion) -> Held:
    """The mark of a finding; the drawing must have the size of the picture."""
    return (region.words.strip(), _checksum(drawing.finding_mask(region.bit)))


def held_of(finding: Finding) -> Held:
    return (finding.text, _checksum(finding.mask))


def with_findings(holds: tuple[Held, ...], findings: tuple[Finding, ...]) -> tuple[Held, ...]:
    """What a picture holds after these were inserted; empty words remove their region."""
    found = list(holds)
    for finding in findings:
        mark = held_of(finding)
        found = [old for old in found if old[1] != mark[1]]
        if finding.text:
            found.append(mark)
    return tuple(found)


def carried_over(
    holds: tuple[Held, ...], before: Drawing | None, after: Drawing | None
) -> tuple[Held, ...]:
    """The same findings on a picture of another size: ``after`` is the drawing that lies on it."""
    if before is None or after is None or before.bits.shape == after.bits.shape:
        return holds
    return tuple(held(after, r) for r in before.findings if held(before, r) in holds)


def _checksum(mask: Mask) -> int:
    return zlib.crc32(np.packbits(mask > 0).tobytes())
