"""What is cut and resampled of a picture before readers see it; its mask goes the same way."""

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]
Codes = NDArray[np.uint8]
Flags = NDArray[np.bool_]
SMALLEST_KEPT = 16  # px; less is no picture


def middle(array: NDArray, crop: float) -> NDArray:
    """The square in the middle, less ``crop`` of its side at every edge."""
    side = min(array.shape)
    keep = max(SMALLEST_KEPT, round(side * (1 - 2 * crop)))
    top, left = (array.shape[0] - keep) // 2, (array.shape[1] - keep) // 2
    return array[top : top + keep, left : left + keep]


def resampled(grey: Pixels, side: int) -> Pixels:
    """To ``side`` by areas, or by cubics where it grows; one that has the size already goes
    through half the size of a pixel of blur, so that none is spared what the others get."""
    if grey.shape[0] == side:
        return cv2.GaussianBlur(grey, (0, 0), 0.5).astype(np.float32)
    way = cv2.INTER_AREA if grey.shape[0] > side else cv2.INTER_CUBIC
    small = cv2.resize(np.ascontiguousarray(grey), (side, side), interpolation=way)
    return small.astype(np.float32)


def framed_mask(mask: Flags, crop: float, side: int) -> Flags:
    """(side, side) of a mask as its picture is framed: true where half a pixel or more was."""
    cut = np.ascontiguousarray(middle(mask, crop)).astype(np.float32)
    way = cv2.INTER_AREA if cut.shape[0] > side else cv2.INTER_LINEAR
    return cv2.resize(cut, (side, side), interpolation=way) >= 0.5
