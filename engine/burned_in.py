"""Where a film may hold words that were burned into its pixels: boxes for a person to look at.

Nothing is read. Letters that a program drew have edges as sharp as one pixel, strokes of one tone
and stand in rows; anatomy has none of the three. The search is meant to miss little: lead markers,
wires and screws are shown as well, and a person says what they are. No search finds all, so the
person is asked in any case. docs/dicom.md has the rates.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.api import Pixels

Box = tuple[int, int, int, int]  # top, left, bottom, right in px; bottom and right are outside

LONGEST_SIDE = 2048  # px; larger films are looked at in a smaller copy
STEP = 0.16  # of the tones, from a stroke to what lies around it
LOWEST, HIGHEST = 5, 110  # px, height of letters that are looked for
WIDEST_STROKE = 17  # px; wider is no stroke of a letter
LONGEST_PIECE = 6  # heights; letters may touch
FEWEST, MOST, LEAST_AREA = 0.12, 0.92, 6  # of a box that a letter fills; px
ALONE = 12  # px, height of a letter that has none beside it
GAP = 1.2  # heights between two letters of a row
MARGIN = 0.35  # heights around a row
MOST_BOXES = 64
MOST_LETTERS, MOST_ROWS = 1500, 300  # of one polarity, the tallest and longest; noise has more


def find_text(pixels: Pixels) -> tuple[Box, ...]:
    """Boxes in which words may stand, from the top; ``pixels`` (H, W) in [0, 1]."""
    height, width = pixels.shape
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    shown = pixels
    if scale < 1:
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        shown = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    found: list[Box] = []
    for strokes in _strokes(np.ascontiguousarray(shown, np.float32)):
        found += [_grown(box, scale, (height, width)) for box in _rows(_letters(strokes))]
    return tuple(_apart(found)[:MOST_BOXES])


def _strokes(shown: NDArray[np.float32]) -> list[NDArray[np.uint8]]:
    """Thin structures, brighter and then darker than what lies around them, with sharp edges."""
    small, wide = np.ones((3, 3), np.uint8), np.ones((WIDEST_STROKE, WIDEST_STROKE), np.uint8)
    sharp = cv2.dilate(shown, small) - cv2.erode(shown, small) >= STEP
    near = cv2.dilate(sharp.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    bright = shown - cv2.morphologyEx(shown, cv2.MORPH_OPEN, wide)
    dark = cv2.morphologyEx(shown, cv2.MORPH_CLOSE, wide) - shown
    return [((part >= STEP) & near).astype(np.uint8) for part in (bright, dark)]


def _letters(strokes: NDArray[np.uint8]) -> list[Box]:
    """Boxes of pieces that have the size and the shape of letters, or of a few that touch."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    found = []
    for left, top, width, height, area in stats[1:count].tolist():
        fits = LOWEST <= height <= HIGHEST and width <= LONGEST_PIECE * height
        if fits and FEWEST <= area / (width * height) <= MOST and area >= LEAST_AREA:
            found.append((top, left, top + height, left + width))
    return sorted(found, key=lambda box: box[0] - box[2])[:MOST_LETTERS]


def _rows(letters: list[Box]) -> list[Box]:
    """Letters of like height beside each other, joined; a letter alone must be tall."""
    left = sorted(letters, key=lambda box: box[1])
    rows: list[list[Box]] = []
    for box in left:
        home = next((row for row in rows if _continues(row[-1], box)), None)
        if home is None:
            rows.append([box])
        else:
            home.append(box)
    found = []
    for row in sorted(rows, key=len, reverse=True)[:MOST_ROWS]:
        top, first, bottom, last = _around(row)
        if len(row) >= 2 or (bottom - top >= ALONE and last - first <= 2 * (bottom - top)):
            found.append((top, first, bottom, last))
    return found


def _continues(before: Box, box: Box) -> bool:
    """Whether ``box`` is the next letter of the row that ends with ``before``."""
    tall, other = before[2] - before[0], box[2] - box[0]
    larger = max(tall, other)
    over = min(before[2], box[2]) - max(before[0], box[0])
    return (
        box[1] - before[3] <= GAP * larger
        and over >= 0.5 * min(tall, other)
        and larger <= 2.2 * min(tall, other)
    )


def _around(boxes: list[Box]) -> Box:
    tops, lefts, bottoms, rights = zip(*boxes, strict=True)
    return min(tops), min(lefts), max(bottoms), max(rights)


def _grown(box: Box, scale: float, shape: tuple[int, int]) -> Box:
    """A box with a margin, in px of the film."""
    margin = 2 + MARGIN * (box[2] - box[0])
    top, left, bottom, right = (
        (box[0] - margin) / scale,
        (box[1] - margin) / scale,
        (box[2] + margin) / scale,
        (box[3] + margin) / scale,
    )
    height, width = shape
    return (
        max(int(top), 0),
        max(int(left), 0),
        min(int(bottom) + 1, height),
        min(int(right) + 1, width),
    )


def _apart(boxes: list[Box]) -> list[Box]:
    """Boxes that overlap become one, from the top."""
    left, found = sorted(boxes), []
    while left:
        box = left.pop(0)
        touching = [other for other in left if _overlap(box, other)]
        if touching:
            left = [_around([box, *touching]), *(o for o in left if o not in touching)]
        else:
            found.append(box)
    return sorted(found)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
