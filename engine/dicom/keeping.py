"""A film inside a document of ours: its stored values and how they become tones, nothing else.

One line of JSON with numbers and words from closed lists, then the stored values as a PNG of 16
bits. Whoever reads it back trusts nothing: a document may come from a stranger.
"""

import json
import math
from dataclasses import asdict
from typing import Any, get_args

import numpy as np

from engine import png
from engine.checks import LARGEST_SIDE, MOST_PIXELS
from engine.dicom.film import Film, Kind
from engine.dicom.gate import SYNTAXES
from engine.dicom.reading import film_of_facts
from engine.dicom.tones import Function, Lut, Tones, Window
from engine.errors import ImageUnreadable

SAID = ("stored", "notes", "view")  # apart from the facts, or only told when it is opened
LONGEST_HEAD = 4_000_000  # bytes; two tables of 65536 entries have some 900 thousand
DAMAGED = "The stored values of a film are not what was saved."
PLACES = ("", "detector", "patient", "calibrated", "scanned film")


def packed(film: Film) -> bytes:
    """``film`` as bytes, without what was said of it when it was opened."""
    facts = {name: value for name, value in asdict(film).items() if name not in SAID}
    codes = (film.stored - film.least).astype(np.uint16)
    return json.dumps(facts, allow_nan=False).encode() + b"\n" + png.encode(codes)


def unpacked(data: bytes) -> Film:
    """The reverse of :func:`packed`; raises :class:`ImageUnreadable` for anything else."""
    head, _, picture = data.partition(b"\n")
    try:
        if len(head) > LONGEST_HEAD:
            raise ValueError("head")
        facts = json.loads(head)
        width, height, depth, colour = png.header(picture)
        if (depth, colour) != (16, 0) or max(width, height) > LARGEST_SIDE:
            raise ValueError("picture")
        if width * height > MOST_PIXELS:
            raise ValueError("size")
        codes = png.decode(picture).astype(np.int32)
        film = film_of_facts({**facts, "notes": (), "view": ""}, codes)
        _check(film)
        return film_of_facts({**facts, "notes": (), "view": ""}, codes + np.int32(film.least))
    except Exception as error:  # every part fails in its own way; the document is at fault in all
        raise ImageUnreadable(DAMAGED) from error


def _check(film: Film) -> None:
    """Whether ``film``, its values counted from 0, can have been read from a DICOM file."""
    right = (
        film.kind in get_args(Kind)
        and film.syntax in SYNTAXES.values()
        and film.bits_allocated in (8, 16)
        and type(film.bits_stored) is int
        and 1 <= film.bits_stored <= film.bits_allocated
        and type(film.overlays) is int
        and all(
            type(value) is bool
            for value in (film.signed, film.turned, film.synthetic, film.altered, film.lossy)
        )
        and film.burned_in in (True, False, None)
        and film.spacing_of in PLACES
        and _fits(film.orientation, lambda side: side in tuple("LRHFAP"))
        and _fits(film.spacing_mm, lambda mm: _number(mm) and mm > 0)
        and int(film.stored.max()) < 1 << film.bits_stored
    )
    if not right:
        raise ValueError("film")
    _check_tones(film.tones)


def _check_tones(tones: Tones) -> None:
    right = _number(tones.slope) and _number(tones.intercept) and tones.slope != 0
    right = right and type(tones.inverted) is bool
    if isinstance(tones.voi, Window):
        window = tones.voi
        right = right and _number(window.center) and _number(window.width) and window.width > 0
        right = right and window.function in get_args(Function)
    for table in (tones.voi, tones.modality):
        if isinstance(table, Lut):
            right = right and type(table.first) is int and -65536 < table.first < 65536
            right = right and type(table.bits) is int and 1 <= table.bits <= 16
            right = right and 1 <= len(table.entries) <= 65536
            right = right and all(type(e) is int and 0 <= e < 65536 for e in table.entries)
    if not right:
        raise ValueError("tones")


def _fits(pair: Any, right: Any) -> bool:
    return pair is None or (len(pair) == 2 and all(right(one) for one in pair))


def _number(value: Any) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and math.isfinite(value) and abs(value) < 1e12
