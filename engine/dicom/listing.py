"""What is told of each film of a folder: how it was taken and how large it is.

Nothing that names anybody, and neither file names nor paths, which often do.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from engine.dicom.film import Film


def facts(film: Film) -> dict[str, Any]:
    """Kind (CR, DX, DX for processing, SC), view (PA, AP, LL, RL or None), px, bits stored."""
    height, width = film.stored.shape
    return {
        "kind": film.kind,
        "view": film.view or None,
        "width": width,
        "height": height,
        "bits": film.bits_stored,
    }


def line(told: dict[str, Any]) -> str:
    """ "CR, PA, 2022 x 2022 px, 12 bits": one film in one line."""
    view = told["view"] or "view not stated"
    return f"{told['kind']}, {view}, {told['width']} x {told['height']} px, {told['bits']} bits"


def refused(sentences: Iterable[str]) -> str:
    """One line on the files that are no film, the most frequent reason first; "" without any."""
    counted = Counter(first(sentence) for sentence in sentences)
    total = counted.total()
    if not total:
        return ""
    are = "1 file is not a film" if total == 1 else f"{total} files are not films"
    reasons = counted.most_common()
    if len(reasons) == 1:
        return f"{are} that can be opened: {reasons[0][0]}"
    told = " ".join(f"{count} x: {reason}" for reason, count in reasons)
    return f"{are} that can be opened: {told}"


def first(sentence: str) -> str:
    """The first sentence of a refusal, which says what the file is."""
    start, stop, _ = sentence.partition(". ")
    return start + stop.rstrip()
