"""What the arrays and numbers of a request must be; each refuses with a sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import InvalidRequest

Array = NDArray[Any]
SMALLEST_SIDE, LARGEST_SIDE, MOST_PIXELS = 32, 8192, 40_000_000
WIDEST_ZONE = 1024  # px by which a zone is grown, faded, or looked around
LAST_ORGAN = 4  # the labels of an organ map go up to it


def check_image(image: Array) -> None:
    if image.ndim != 2:
        raise InvalidRequest("The picture must be one grey image.")
    if min(image.shape) < SMALLEST_SIDE:
        raise InvalidRequest(
            f"The picture is {_size(image)} px; the smallest that can be used is "
            f"{SMALLEST_SIDE} x {SMALLEST_SIDE} px."
        )
    if max(image.shape) > LARGEST_SIDE or image.size > MOST_PIXELS:
        raise InvalidRequest(
            f"The picture is {_size(image)} px; the largest that can be used has "
            f"{LARGEST_SIDE} px a side and {MOST_PIXELS // 10**6} million pixels."
        )
    if image.dtype != np.float32 or not np.isfinite(image).all():
        raise InvalidRequest("The picture must hold finite 32-bit numbers.")
    if image.min() < 0 or image.max() > 1:
        raise InvalidRequest("The picture has values outside 0 (black) to 1 (white).")


def check_mask(mask: Array, shape: Sequence[int], what: str) -> None:
    """``mask`` has this shape, lies in 0 to 1, and is not empty; ``what`` starts a sentence."""
    if mask.shape != tuple(shape):
        height, width = shape
        raise InvalidRequest(
            f"{what} is {_size(mask)} px but the drawing is {width} x {height} px."
        )
    if mask.dtype != np.float32 or not np.isfinite(mask).all():
        raise InvalidRequest(f"{what} must hold finite 32-bit numbers.")
    if mask.min() < 0 or mask.max() > 1:
        raise InvalidRequest(f"{what} has values outside 0 to 1.")
    if not mask.any():
        raise InvalidRequest(f"{what} is empty. Paint over the region to change.")


def check_zone(grow: int, feather: int | None, context: int | None, *, exact: bool) -> None:
    """The zone of an edit, in px of its picture.

    ``grow`` widens what is painted; nothing beyond it changes. ``feather`` fades the change at the
    inner rim of the zone (None: as the verb does by itself). ``context`` is how far around the
    zone the model sees (None: the whole picture); it then works at a finer scale.
    """
    for what, value in (("Grow", grow), ("Feather", feather), ("Context", context)):
        if value is None and what != "Grow":
            continue
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise InvalidRequest(f"{what} must be a whole number of pixels; '{value}' is not one.")
        if not 0 <= value <= WIDEST_ZONE:
            raise InvalidRequest(f"{what} goes from 0 to {WIDEST_ZONE} px; {value} was asked for.")
    if exact and (grow or feather is not None or context is not None):
        raise InvalidRequest(
            "Exact reference arithmetic knows no grow, feather or context. Leave them out."
        )


def check_organs(organs: Array) -> None:
    if organs.ndim != 2 or min(organs.shape, default=0) < SMALLEST_SIDE:
        raise InvalidRequest(
            f"The organ map must be a label map of {SMALLEST_SIDE} px a side or more."
        )
    if max(organs.shape) > LARGEST_SIDE or organs.size > MOST_PIXELS:
        raise InvalidRequest(f"The organ map is too large: {_size(organs)} px.")
    if organs.dtype != np.uint8:
        raise InvalidRequest("The organ map must hold 8-bit labels.")
    if organs.max() > LAST_ORGAN:
        raise InvalidRequest(
            f"The organ map uses label {organs.max()}; labels go from 0 to {LAST_ORGAN}."
        )
    if not organs.any():
        raise InvalidRequest("The organ map is empty. Paint an organ, or leave the map out.")


def check_outlines(organs: Array | None, image: Array) -> None:
    if organs is None:
        return
    if organs.shape != image.shape:
        raise InvalidRequest(
            f"The organ outlines are {_size(organs)} px but the picture is {_size(image)} px."
        )
    if organs.dtype != np.uint8 or organs.max() > LAST_ORGAN:
        raise InvalidRequest(f"The organ outlines must hold 8-bit labels from 0 to {LAST_ORGAN}.")


def _size(image: Array) -> str:
    return " x ".join(str(n) for n in reversed(image.shape))
