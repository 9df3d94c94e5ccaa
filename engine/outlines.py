"""Chests as outlines: numbered points on lungs and heart, polygons, label maps and measures.

A chest is ``Points``, (146, 2) x and y as shares of the picture's side, y downwards. The points of
:data:`PARTS` follow one another clockwise on the screen for the left lung and the heart and as
their mirror image for the right lung. Where a lung touches the heart it has no points of its own:
its border there is the heart's, so that the two can neither overlap nor leave a gap.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api import HEART, LEFT_LUNG, RIGHT_LUNG, Organs

Points = NDArray[np.floating]

# How many points lie, evenly spaced, on each stretch; each begins at its landmark and ends before
# the next one. The mirror images of the left lung's stretches make the right lung.
LUNG = {"wall": 20, "base": 12, "cardiophrenic": 1, "hilum": 14}
HEART_ARCS = {"top": 12, "left": 14, "bottom": 14, "right": 12}
NAMES = (
    *(f"left {name}" for name in LUNG),
    *(f"right {name}" for name in LUNG),
    *(f"heart {name}" for name in HEART_ARCS),
)
COUNTS = (*LUNG.values(), *LUNG.values(), *HEART_ARCS.values())
POINTS = sum(COUNTS)  # 146


def _parts() -> dict[str, slice]:
    ends = np.cumsum(COUNTS).tolist()
    return {
        name: slice(end - count, end) for name, end, count in zip(NAMES, ends, COUNTS, strict=True)
    }


PARTS: Mapping[str, slice] = _parts()
ALL_LUNG = slice(0, 2 * sum(LUNG.values()))
ALL_HEART = slice(ALL_LUNG.stop, POINTS)
UNDER = 0.2  # how far a lung goes on under the heart when it is drawn, towards the heart's centre
FINER = 4  # steps from point to point of a drawn curve
EDGE = 0.01  # share of the side that a placed chest keeps free
MEASURES = ("ratio", "volume", "rotation", "habitus", "diaphragm", "tilt")


def lung_polygon(points: Points, side: str, under: float = 0.0) -> Points:
    """The outline of the "left" or "right" lung, along the heart where they touch.

    ``under`` moves the common border towards the heart's centre, below what the heart covers.
    """
    heart = points[ALL_HEART]
    border = points[PARTS[f"heart {side}"]]
    following = points[PARTS["heart bottom" if side == "left" else "heart top"]][:1]
    border = np.concatenate([border, following])
    if side == "left":
        border = border[::-1]  # upwards, as the lung goes on from its base
    border = border + under * (heart.mean(0) - border)
    stretches = [points[PARTS[f"{side} {name}"]] for name in LUNG]
    return np.concatenate([*stretches[:3], border, stretches[3]])


def drawn_lung(points: Points, side: str) -> Points:
    """The curve of a lung: smooth over the apex, sharp at its angles, going on under the heart."""
    wall, base, low, hilum = (points[PARTS[f"{side} {name}"]] for name in LUNG)
    border = lung_polygon(points, side, UNDER)[len(wall) + len(base) + len(low) : -len(hilum)]
    outer = curve(np.concatenate([hilum, wall, base[:1]]))
    lower = curve(np.concatenate([base, low]))
    return np.concatenate([outer, lower, border])


def drawn_heart(points: Points) -> Points:
    """The curve of the heart, smooth all round."""
    heart = points[ALL_HEART]
    round_trip = curve(np.concatenate([heart[-2:], heart, heart[:2]]))
    return round_trip[2 * FINER : -FINER - 1]


def curve(line: Points) -> Points:
    """A smooth line through all points: Catmull and Rom's cubics, :data:`FINER` steps each."""
    wide = np.concatenate([2 * line[:1] - line[1:2], line, 2 * line[-1:] - line[-2:-1]])
    a, b, c, d = (wide[i : len(wide) - 3 + i, None] for i in range(4))
    t = np.arange(FINER)[:, None] / FINER
    fine = b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.concatenate([fine.reshape(-1, 2), line[-1:]])


def filled(polygon: Points, size: int) -> NDArray[np.bool_]:
    """(size, size): pixels whose centres lie inside the polygon, by the even-odd rule."""
    x, y = polygon[:, 0] * size - 0.5, polygon[:, 1] * size - 0.5
    x2, y2 = np.roll(x, -1), np.roll(y, -1)
    rows = np.arange(size)[:, None]
    crossed = (y <= rows) != (y2 <= rows)  # (size, edges)
    row, edge = np.nonzero(crossed)
    at = x[edge] + (row - y[edge]) * (x2[edge] - x[edge]) / (y2[edge] - y[edge])
    flips = np.zeros((size, size + 1), np.int32)
    np.add.at(flips, (row, np.clip(np.ceil(at), 0, size).astype(int)), 1)
    return flips.cumsum(1)[:, :size] % 2 == 1


def organ_map(points: Points, size: int) -> Organs:
    """The label map (size, size) of a chest; the heart lies over the lungs."""
    organs = np.zeros((size, size), np.uint8)
    organs[filled(drawn_lung(points, "right"), size)] = RIGHT_LUNG
    organs[filled(drawn_lung(points, "left"), size)] = LEFT_LUNG
    organs[filled(drawn_heart(points), size)] = HEART
    return organs


def area(polygon: Points) -> float:
    """Share of the picture inside a polygon, positive for a clockwise one."""
    x, y = polygon[:, 0], polygon[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def measured(points: Points) -> NDArray[np.float64]:
    """What :data:`MEASURES` name, of one chest.

    ratio: widest heart over widest span of the lungs. volume: log of the lungs' area. rotation:
    how far mediastinum and heart lie to the patient's right of the middle between the chest walls,
    in spans. habitus: log of the span. diaphragm: how much higher the right half lies, in spans.
    tilt: how far the apices lie to the patient's right of the costophrenic angles, in spans.
    """
    lungs = points[ALL_LUNG]
    span = float(np.ptp(lungs[:, 0]))
    heart = float(np.ptp(points[ALL_HEART][:, 0]))
    both = area(lung_polygon(points, "left")) - area(lung_polygon(points, "right"))
    x, y = points[:, 0], points[:, 1]
    hilum = (x[PARTS["left hilum"]].mean() + x[PARTS["right hilum"]].mean()) / 2
    middle = (hilum + x[ALL_HEART].mean()) / 2
    walls = (x[PARTS["left wall"]].mean() + x[PARTS["right wall"]].mean()) / 2
    higher = y[PARTS["left base"]].mean() - y[PARTS["right base"]].mean()
    apices, angles = (
        x[PARTS[f"left {name}"].start] + x[PARTS[f"right {name}"].start]
        for name in ("wall", "base")
    )
    tilt = (angles - apices) / 2
    rest = np.array([walls - middle, higher, tilt]) / span
    return np.array([heart / span, np.log(both), rest[0], np.log(span), rest[1], rest[2]])


def placed(points: Points) -> Points:
    """The chest moved into the picture where it reaches over an edge, as far as there is room."""
    low, high = points.min(0), points.max(0)
    return points + np.maximum(EDGE - low, 0) + np.minimum(1 - EDGE - high, 0)


def crossings(polygon: Points) -> int:
    """How many pairs of edges of a polygon cross; 0 for an outline that a chest can have."""
    a, b = polygon, np.roll(polygon, -1, 0)

    def turn(p: Any, q: Any, r: Any) -> NDArray[np.floating]:
        return (q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1]) - (q[..., 1] - p[..., 1]) * (
            r[..., 0] - p[..., 0]
        )

    a1, b1, a2, b2 = a[:, None], b[:, None], a[None], b[None]
    apart = (turn(a1, b1, a2) * turn(a1, b1, b2) < 0) & (turn(a2, b2, a1) * turn(a2, b2, b1) < 0)
    return int(np.triu(apart).sum())


def sound(points: Points) -> bool:
    """Whether the outlines are simple and in place: inside the picture, lungs left and right."""
    outlines = [lung_polygon(points, "left"), lung_polygon(points, "right"), points[ALL_HEART]]
    if any(crossings(outline) for outline in outlines):
        return False
    if points.min() < 0 or points.max() > 1:
        return False
    x = points[:, 0]
    return bool(x[PARTS["right hilum"]].max() < x[PARTS["left hilum"]].min())


def within_walls(points: Points) -> bool:
    """Whether some lung is left between the heart and the chest wall on both sides."""
    heart = points[ALL_HEART]
    for side, widest in (("left", heart[:, 0].argmax()), ("right", heart[:, 0].argmin())):
        wall = np.concatenate([points[PARTS[f"{side} wall"]], points[PARTS[f"{side} base"]][:1]])
        order = wall[:, 1].argsort()
        x, y = heart[widest]
        at = np.interp(y, wall[order, 1], wall[order, 0])
        if abs(at - 0.5) < abs(x - 0.5) + EDGE / 2:
            return False
    return True
