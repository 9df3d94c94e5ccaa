"""What the original files told of their source, and what of that is left in what readers see.

Size, kind, bits and length are gone when all pictures are made alike; a shape is gone as a number
but decides what was cut off; borders and the blocks of JPEG may outlive it. All of this is for
the investigator, before the freeze.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from app.studies.appearance import Numbers, blocks, border
from app.studies.framing import Pixels
from app.studies.model import Case

FEWEST = 10  # originals of each class, below which nothing is said
# Median of a class from which its steps are said to be JPEG's: at quality 90 it is 0.15, at 75
# 0.45; drawn pictures that never were JPEG have 0.02, with sharp edges in them less than nothing.
BLOCKY = 0.1
SMALLEST_GRID = 16  # px, below which no blocks of eight can be told
TELLS = 0.65  # area under the curve from which a fact is said to tell
CHANCE = 0.01  # of any fact of all being called one that tells by accident
# Facts that no shown file has any more, and how each is called.
GONE = {
    "width": "the width",
    "height": "the height",
    "bits": "the number of bits",
    "bytes": "the length of the file",
}
WORDS = {"kind": "the kind of file", "colour": "colour in the file"}  # facts that are no numbers
COUNT = len(GONE) + len(WORDS) + 3  # tests a pair of classes: with shape, border and blocks

Class = tuple[str, NDArray[np.bool_]]  # its name, and which cases are of it


@dataclass(frozen=True)
class Told:
    """One fact that tells two classes apart: in words, and how well (area under the curve)."""

    name: str
    area: float
    first: float = np.nan  # medians
    second: float = np.nan


def facts_of(pixels: Pixels) -> dict[str, Any]:
    """What (H, W) in [0, 1] tells of the original beside anatomy; told to no reader."""
    height, width = pixels.shape
    codes = np.round(pixels.clip(0, 1) * 255).astype(np.uint8)
    share = border(codes)
    edge = -(-round(share * min(codes.shape)) // 8) * 8  # a border is no block of JPEG
    inner = codes[edge : height - edge, edge : width - edge]
    told = min(inner.shape) >= SMALLEST_GRID
    return {
        "width": width,
        "height": height,
        "border": round(share, 4),
        "blocks": round(blocks(inner.astype(np.float64)), 4) if told else 0.0,
    }


def said(
    cases: Sequence[Case], pairs: Sequence[tuple[Class, Class]], shown: Mapping[str, Numbers]
) -> list[str]:
    """Sentences on every two classes. ``shown`` holds, for every case, the numbers ``border``,
    ``blocks`` and ``side`` of the picture as readers see it."""
    facts = [case.origin.get("original") for case in cases]
    found = []
    for (first, a), (second, b) in pairs:
        rows = [[n for n in np.flatnonzero(one) if isinstance(facts[n], Mapping)] for one in (a, b)]
        if min(map(len, rows)) < FEWEST:
            continue
        sides = [[facts[n] for n in one] for one in rows]
        after = {name: [values[one] for one in rows] for name, values in shown.items()}
        found += [
            f"{first.capitalize()} against {second}: {sentence}"
            for sentence in _of_pair(first, second, sides, after)
        ]
    return found


def _of_pair(
    first: str, second: str, sides: list[list[Any]], after: dict[str, list[Numbers]]
) -> list[str]:
    found = []
    gone = [_number(name, sides, lambda f, key=key: f.get(key)) for key, name in GONE.items()]
    gone += [_word(name, sides, key) for key, name in WORDS.items()]
    telling = [f"{one.name} ({one.area:.2f})" for one in gone if one is not None]
    if telling:
        found.append(
            f"the original files told them apart by {_listed(telling)}; 0.5 is not at all, 1 "
            "always. In what readers see these are gone."
        )
        found += _enlarged(first, second, sides, float(after["side"][0][0]))
    shape = _number("shape", sides, lambda f: f["width"] / f["height"])
    if shape is not None:
        found.append(
            f"width by height of the originals tells them apart ({shape.area:.2f}; medians "
            f"{shape.first:.2f} and {shape.second:.2f}). All are squares now, but other parts "
            "were cut off, which readers may learn. Crop the originals alike if so."
        )
    frames = _number("border", sides, lambda f: f["border"])
    if frames is not None:
        rest = _left("border", after)
        remains = (
            f"It remains in what readers see ({rest.area:.2f}): equalise the borders."
            if rest is not None
            else "In what readers see it is gone."
        )
        found.append(
            f"a border of one tone tells the originals apart ({frames.area:.2f}; medians "
            f"{100 * frames.first:.1f} and {100 * frames.second:.1f} % of the side). {remains}"
        )
    grid = _number("blocks", sides, lambda f: f["blocks"])
    if grid is not None and max(grid.first, grid.second) >= BLOCKY:
        rest = _left("blocks", after)
        remains = (
            f"They remain in what readers see ({rest.area:.2f}): bring originals without JPEG."
            if rest is not None
            else "In what readers see they cannot be told."
        )
        found.append(
            f"blocks of eight pixels, as JPEG leaves them, tell the originals apart "
            f"({grid.area:.2f}). {remains}"
        )
    return found


def _enlarged(first: str, second: str, sides: list[list[Any]], shown: float) -> list[str]:
    """Pictures of one class were smaller than what is shown, those of the other were not."""
    short = [float(np.median([min(f["width"], f["height"]) for f in one])) for one in sides]
    if (short[0] < shown) == (short[1] < shown):
        return []
    name, size = (first, short[0]) if short[0] < shown else (second, short[1])
    return [
        f"originals of {name} are about {size:.0f} px and were enlarged to {shown:.0f}, the others "
        "were not. Their softness remains: show all at the smaller size."
    ]


def _left(name: str, after: dict[str, list[Numbers]]) -> Told | None:
    one, two = after[name]
    return _compared(name, one, two)


def _number(name: str, sides: list[list[Any]], of: Callable[[Any], Any]) -> Told | None:
    """A fact that is a number, if it is known of all and tells the two classes apart."""
    values = [[of(facts) for facts in one] for one in sides]
    if any(value is None for one in values for value in one):
        return None
    return _compared(name, *(np.array(one, dtype=float) for one in values))


def _compared(name: str, one: Numbers, two: Numbers) -> Told | None:
    if np.ptp(np.concatenate([one, two])) == 0:
        return None
    test = stats.mannwhitneyu(one, two)
    share = float(test.statistic) / (len(one) * len(two))
    area = max(share, 1 - share)
    if test.pvalue >= CHANCE / COUNT or area < TELLS:
        return None
    return Told(name, area, float(np.median(one)), float(np.median(two)))


def _word(name: str, sides: list[list[Any]], key: str) -> Told | None:
    """A fact that is a word: the one whose share differs most between the two classes."""
    words = [[str(facts.get(key)) for facts in one] for one in sides]
    best: Told | None = None
    for word in sorted(set(words[0]) | set(words[1])):
        counts = [one.count(word) for one in words]
        shares = [count / len(one) for count, one in zip(counts, words, strict=True)]
        area = 0.5 + abs(shares[0] - shares[1]) / 2
        table = [[n, len(one) - n] for n, one in zip(counts, words, strict=True)]
        p = float(np.asarray(stats.fisher_exact(table))[1])
        if p < CHANCE / COUNT and area >= TELLS and (best is None or area > best.area):
            best = Told(name, area)
    return best


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
