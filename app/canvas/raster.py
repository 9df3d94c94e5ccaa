"""The raster rules of ``static/raster.js`` again, in NumPy: the independent check of the browser.

Pixel (x, y) has its centre at (x + 0.5, y + 0.5); a shape covers the pixels whose centre it
contains. Every function gives a boolean array (h, w).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Covered = NDArray[np.bool_]
Point = tuple[float, float]


def capsule(shape: tuple[int, int], a: Point, b: Point, radius: float) -> Covered:
    """Pixels within ``radius`` of the segment from ``a`` to ``b`` (x, y), in pixels."""
    x, y = _centres(shape)
    dx, dy = b[0] - a[0], b[1] - a[1]
    length2 = dx * dx + dy * dy
    qx, qy = x - a[0], y - a[1]
    t = np.clip((qx * dx + qy * dy) / length2, 0, 1) if length2 else 0.0
    ex, ey = qx - t * dx, qy - t * dy
    return ex * ex + ey * ey <= radius * radius


def stroke(shape: tuple[int, int], points: Sequence[Point], radius: float) -> Covered:
    """A brush put down at the first point and drawn through the others."""
    covered = capsule(shape, points[0], points[0], radius)
    for a, b in pairwise(points):
        covered |= capsule(shape, a, b, radius)
    return covered


def polygon(shape: tuple[int, int], points: Sequence[Point]) -> Covered:
    """Even-odd rule at pixel centres; a centre on the left or upper border is inside."""
    x, y = _centres(shape)
    inside = np.zeros(shape, bool)
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        if ay == by:
            continue
        crosses = (ay <= y) != (by <= y)
        inside ^= crosses & (ax + ((y - ay) / (by - ay)) * (bx - ax) <= x)
    return inside


def ellipse(shape: tuple[int, int], centre: Point, rx: float, ry: float) -> Covered:
    x, y = _centres(shape)
    ux, uy = (x - centre[0]) / rx, (y - centre[1]) / ry
    return ux * ux + uy * uy <= 1


def grown(label: Covered, radius: float = 1) -> Covered:
    """The label and every pixel within ``radius`` pixels of it, centre to centre."""
    height, width = label.shape
    reach = int(radius)
    padded = np.pad(label, reach)
    found = np.zeros_like(label)
    for v in range(-reach, reach + 1):
        for u in range(-reach, reach + 1):
            if u * u + v * v <= radius * radius:
                found |= padded[reach + v : reach + v + height, reach + u : reach + u + width]
    return found


def shrunk(label: Covered, radius: float = 1) -> Covered:
    """The label without the pixels near a pixel outside it; beyond the border counts as inside."""
    return label & ~grown(~label, radius)


def smoothed(label: Covered) -> Covered:
    """Majority of the 5 x 5 pixels around each, the border repeated."""
    height, width = label.shape
    padded = np.pad(label.astype(np.int32), 2, mode="edge")
    votes = sum(padded[v : v + height, u : u + width] for v in range(5) for u in range(5))
    return np.asarray(votes) >= 13


def moved(label: Covered, inverse: Sequence[float]) -> Covered:
    """The label moved, scaled and turned, resampled by its nearest pixel.

    ``inverse`` is (a, b, c, d, e, f): the centre (x, y) of a pixel comes from
    (a x + b y + c, d x + e y + f) of ``label``; what comes from outside the picture is empty.
    """
    a, b, c, d, e, f = inverse
    x, y = _centres(label.shape)
    u = np.floor(a * x + b * y + c).astype(np.int64)
    v = np.floor(d * x + e * y + f).astype(np.int64)
    inside = (u >= 0) & (u < label.shape[1]) & (v >= 0) & (v < label.shape[0])
    return inside & label[np.where(inside, v, 0), np.where(inside, u, 0)]


def like_tone(
    grey: NDArray[np.uint8],
    seed: tuple[int, int],
    tolerance: int,
    allowed: Covered | None = None,
    *,
    connected: bool = True,
) -> Covered:
    """Pixels as bright as pixel ``seed`` (x, y), give or take ``tolerance`` grey levels (0 to 255).

    Only where ``allowed`` is true, and, when ``connected``, only the seed's 4-connected part.
    """
    x, y = seed
    open_ = np.abs(grey.astype(np.int32) - int(grey[y, x])) <= tolerance
    if allowed is not None:
        open_ &= allowed
    if not connected:
        return open_
    found = np.zeros_like(open_)
    found[y, x] = open_[y, x]
    while True:
        more = grown(found) & open_
        if np.array_equal(more, found):
            return found
        found = more


def mirrored(label: Covered) -> Covered:
    """The label flipped about the middle column of the picture."""
    return label[:, ::-1]


def resized(bits: NDArray[np.uint32], height: int, width: int) -> NDArray[np.uint32]:
    """Nearest sample at the centre of each target pixel, (h, w) -> (height, width)."""
    rows = np.floor((np.arange(height) + 0.5) * bits.shape[0] / height).astype(int)
    columns = np.floor((np.arange(width) + 0.5) * bits.shape[1] / width).astype(int)
    return bits[np.ix_(rows.clip(max=bits.shape[0] - 1), columns.clip(max=bits.shape[1] - 1))]


def _centres(shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    return x, y
