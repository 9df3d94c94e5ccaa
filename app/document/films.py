"""What of an opened film is in a picture, and whether a person has looked for words in it.

Every picture that came of an opened film shares one :class:`Source` with it and says where in it
the film lies. So a decision about words in the film holds for all of them, also for those that are
made later, and an edited DICOM film can be written with its own stored values.
"""

import math
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api import GenerateRequest, OutpaintRequest, Pixels, Result, UpscaleRequest
from engine.burned_in import Box, find_text
from engine.dicom.film import Film
from engine.dicom.tones import stored_for
from engine.errors import InvalidRequest
from engine.provenance import Inputs, Recipe, fingerprint, zone_of

MOST_BLACKED = 200  # boxes
NOT_LOOKED = (
    "Nobody has looked yet whether words in the film name the patient. Open Words in the film, "
    "black out what names anybody or say that nothing does, then export."
)
NAMED = (
    "The file says that words in its picture name the patient. Mark where they are, so that they "
    "are blacked out."
)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person said after looking: what was blacked out, none where nothing names anybody.
    Boxes are in px of the film, ``at`` in seconds since 1970."""

    blacked: tuple[Box, ...]
    at: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """An opened film of ``shape`` (H, W). ``film`` holds the stored values of a DICOM file;
    ``stated`` is its BurnedInAnnotation, ``found`` where words may be. A ``synthetic`` one needs
    nobody to look."""

    shape: tuple[int, int]
    film: Film | None = None
    stated: bool | None = None
    found: tuple[Box, ...] = ()
    synthetic: bool = False
    decision: Decision | None = None
    key: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def open(self) -> bool:
        """Whether somebody still has to look."""
        return not self.synthetic and self.decision is None


@dataclass(frozen=True, kw_only=True, eq=False)
class Descent:
    """How a picture came of a film: the film's corner is at ``top``, ``left`` (px), enlarged by
    ``scale``; ``changed`` (H, W) is True where models replaced it, None where they did not."""

    source: Source
    top: int = 0
    left: int = 0
    scale: float = 1.0
    changed: NDArray[np.bool_] | None = None

    @property
    def in_place(self) -> bool:
        return (self.top, self.left, self.scale) == (0, 0, 1.0)

    def boxes(self) -> list[Box]:
        """What was blacked out, in px of this picture."""
        decision = self.source.decision
        return [] if decision is None else [self._here(box) for box in decision.blacked]

    def _here(self, box: Box) -> Box:
        spread = 0 if self.scale == 1 else 2  # what enlarging drew over the edge, px of the film
        top, left, bottom, right = (
            (side + by) * self.scale
            for side, by in zip(box, (-spread, -spread, spread, spread), strict=True)
        )
        return (
            math.floor(top) + self.top,
            math.floor(left) + self.left,
            math.ceil(bottom) + self.top,
            math.ceil(right) + self.left,
        )


def opened(image: Pixels, film: Film | None, *, synthetic: bool) -> Descent | None:
    """The descent of a picture that was just opened; None where nothing in it is a film's."""
    if synthetic and film is None:
        return None
    height, width = image.shape
    return Descent(
        source=Source(
            shape=(height, width),
            film=film,
            stated=None if film is None else film.burned_in,
            found=() if synthetic else find_text(image),
            synthetic=synthetic,
        )
    )


def after(before: Descent | None, shape: tuple[int, ...], result: Result) -> Descent | None:
    """The descent of what an edit made of a picture of ``shape``; None where nothing of a film
    is in it."""
    if before is None:
        return None
    request, height = result.request, result.image.shape[0]
    if isinstance(request, UpscaleRequest):
        by = height / request.image.shape[0]
        top, left = round(before.top * by), round(before.left * by)
        return Descent(source=before.source, top=top, left=left, scale=before.scale * by)
    zone = zone_of(request)
    if zone is None:
        return None
    top = left = 0
    known = before.changed
    if isinstance(request, OutpaintRequest) and request.keep.shape != shape:
        top, left = _added(request.keep)
    if known is None or known.shape != zone.shape:
        known = np.zeros(zone.shape, bool)
    return replace(before, top=before.top + top, left=before.left + left, changed=known | zone)


Before = tuple[Descent | None, tuple[int, ...]]  # of a picture: its descent and its shape


def before(result: Result, origin: str, known: Before | None) -> Before | None:
    """What a result was made from: ``known``, or a film that nobody has looked at where the
    picture is gone."""
    if isinstance(result.request, GenerateRequest):
        return None
    if known is None and origin != "synthetic":
        image = result.request.image
        return opened(image, None, synthetic=False), image.shape
    return known


def kept(
    before: Before | None,
    result: Result,
    recipe: Recipe,
    inputs: Inputs | None,
) -> tuple[Pixels, Recipe, Inputs | None, Descent | None]:
    """Picture, recipe, inputs and descent of a result, made of a picture of this descent and
    shape. What was blacked out while it was being made is black in it."""
    descent = None if before is None else after(*before, result)
    if descent is None:
        return result.image, recipe, inputs, None
    image = without_words(result.image, descent)
    return image, *inputs_without_words(recipe, inputs, image, descent), descent


def _added(keep: NDArray[Any]) -> tuple[int, int]:
    """Rows and columns that outpainting added above and on the left of what it keeps."""
    rows, columns = np.flatnonzero((keep > 0).any(1)), np.flatnonzero((keep > 0).any(0))
    return (int(rows[0]), int(columns[0])) if rows.size else (0, 0)


def spacing_after(before: float | None, shape: tuple[int, ...], result: Result) -> float | None:
    """The side of a pixel in mm after an edit of a picture of ``shape``: only upscaling makes
    pixels smaller."""
    if before is None or not isinstance(result.request, UpscaleRequest):
        return before
    return before * shape[1] / result.image.shape[1]


def decided(source: Source, boxes: list[Box]) -> Source:
    """``source`` after a person looked and drew ``boxes`` around what names somebody. What was
    blacked out before stays so. Raises where the file itself says that there are words."""
    height, width = source.shape
    asked = {
        (max(top, 0), max(left, 0), min(bottom, height), min(right, width))
        for top, left, bottom, right in boxes
    }
    before = () if source.decision is None else source.decision.blacked
    blacked = {box for box in {*before, *asked} if box[0] < box[2] and box[1] < box[3]}
    if len(blacked) > MOST_BLACKED:
        raise InvalidRequest(f"At most {MOST_BLACKED} places can be blacked out.")
    if source.stated and not source.synthetic and not blacked:
        raise InvalidRequest(NAMED)
    film = source.film
    if film is not None and asked:
        film = replace(film, stored=_black(film, sorted(blacked)))
    decision = Decision(blacked=tuple(sorted(blacked)), at=time.time())
    return replace(source, film=film, decision=decision)


def _black(film: Film, boxes: list[Box]) -> NDArray[np.int32]:
    """The stored values with the one that is shown darkest in ``boxes``."""
    darkest = int(stored_for(film.table, np.zeros(1, np.uint16))[0]) + film.least
    stored = film.stored.copy()
    for top, left, bottom, right in boxes:
        stored[top:bottom, left:right] = darkest
    return stored


def darkest(source: Source) -> np.float32:
    """What a blacked-out pixel shows."""
    if source.film is None:
        return np.float32(0)
    return np.float32(source.film.table.min()) / np.float32(65535)


def without_words(image: Pixels, descent: Descent) -> Pixels:
    """``image`` with what was blacked out in its film black; the same array where nothing was."""
    return _filled(image, descent.boxes(), darkest(descent.source))


def inputs_without_words(
    recipe: Recipe, inputs: Inputs | None, image: Pixels, descent: Descent
) -> tuple[Recipe, Inputs | None]:
    """Recipe and inputs of ``image`` that hold nothing of what was blacked out.

    A replay works on the blacked-out film, so what it makes nearby may differ from the picture.
    """
    boxes = descent.boxes()
    if not boxes or inputs is None or "image" not in inputs:
        return recipe, inputs
    before = inputs["image"]
    if before.shape != image.shape:  # of an upscaled picture: the one it was made from
        by = before.shape[0] / image.shape[0]
        boxes = [
            (math.floor(t * by), math.floor(x * by), math.ceil(b * by), math.ceil(r * by))
            for t, x, b, r in boxes
        ]
    filled = _filled(before, boxes, np.float32(darkest(descent.source)))
    if filled is before or np.array_equal(filled, before):
        return recipe, inputs
    named = {**recipe.get("inputs", {}), "image": fingerprint(filled)}
    return {**recipe, "inputs": named, "blacked_out": len(boxes)}, {**inputs, "image": filled}


def _filled(image: Pixels, boxes: list[Box], tone: np.float32) -> Pixels:
    if not boxes:
        return image
    filled = image.copy()
    for top, left, bottom, right in boxes:
        filled[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = tone
    return filled
