"""Outlines of a label map as numbered points, found by landmarks that every chest has."""

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.api import HEART, LEFT_LUNG, RIGHT_LUNG, Organs
from engine.outlines import HEART_ARCS, LUNG, Points

SIDE = 512  # px at which outlines are followed
SMOOTH = 1.5  # px; takes the stair steps of a coarse map away
TOUCH = 0.014  # shares of the side; lungs this near to the heart touch it


def landmarks(organs: Organs) -> Points | None:
    """The points of a label map, see :mod:`engine.outlines`; None where a landmark is missing.

    A lung's landmarks are its apex, the costophrenic angle, and the lowest and the highest place
    where it touches the heart; the heart's are the places nearest to these.
    """
    heart = contour(organs == HEART)
    lungs = {"left": contour(organs == LEFT_LUNG), "right": contour(organs == RIGHT_LUNG)}
    if heart is None or any(lung is None for lung in lungs.values()):
        return None
    lung_points, corners = [], {}
    for side, lung in lungs.items():
        assert lung is not None
        found = _lung(lung, heart, -1.0 if side == "right" else 1.0)
        if found is None:
            return None
        lung_points.append(found)
        after = len(found) - LUNG["hilum"]
        corners[side] = (found[after - 1], found[after])  # lowest and highest touch
    arcs = _heart(heart, corners)
    return None if arcs is None else np.concatenate([*lung_points, arcs])


def contour(mask: NDArray[np.bool_]) -> Points | None:
    """The outline (N, 2) of the largest piece, clockwise on the screen, in shares of the side."""
    large = cv2.resize(mask.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    inside = (cv2.GaussianBlur(large, (0, 0), SMOOTH) >= 0.5).astype(np.uint8)
    found, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not found:
        return None
    line = max(found, key=cv2.contourArea)[:, 0].astype(float)
    if len(line) < 40:
        return None
    line = (line + 0.5) / SIDE
    x, y = line[:, 0], line[:, 1]
    clockwise = (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() > 0
    return line if clockwise else line[::-1]


def _lung(line: Points, heart: Points, lateral: float) -> Points | None:
    """Points of one lung; ``lateral`` is the direction of its chest wall, 1 to the right."""
    if lateral < 0:
        line = line[::-1]
    top = np.flatnonzero(line[:, 1] == line[:, 1].min())
    line = np.roll(line, -top[len(top) // 2], axis=0)
    angle = int((line[:, 1] + 0.6 * lateral * line[:, 0]).argmax())  # lowest, outermost
    away = np.sqrt(((line[:, None] - heart[None, ::4]) ** 2).sum(-1).min(1))
    touching = np.flatnonzero(away < TOUCH)
    touching = touching[touching > angle]
    if len(touching) < SIDE // 50:
        return None
    low, high = int(touching[0]), int(touching[-1])
    return np.concatenate(
        [
            _spaced(line[: angle + 1], LUNG["wall"]),
            _spaced(line[angle : low + 1], LUNG["base"]),
            line[low : low + 1],
            _spaced(np.concatenate([line[high:], line[:1]]), LUNG["hilum"]),
        ]
    )


def _heart(line: Points, corners: dict[str, tuple[Points, Points]]) -> Points | None:
    """The heart from where its top leaves the right lung; ``corners`` are lowest, highest."""
    (left_low, left_high), (right_low, right_high) = corners["left"], corners["right"]
    turns = [
        int(((line - corner) ** 2).sum(1).argmin())
        for corner in (right_high, left_high, left_low, right_low)
    ]
    line = np.roll(line, -turns[0], axis=0)
    turns = [(turn - turns[0]) % len(line) for turn in turns]
    if turns != sorted(turns) or len(set(turns)) < 4:
        return None
    line = np.concatenate([line, line[:1]])
    ends = [*turns, len(line) - 1]
    return np.concatenate(
        [
            _spaced(line[start : end + 1], count)
            for start, end, count in zip(ends[:-1], ends[1:], HEART_ARCS.values(), strict=True)
        ]
    )


def _spaced(line: Points, count: int) -> Points:
    """``count`` points at equal steps along a line, its first included and its last left out."""
    if len(line) < 2:
        return np.repeat(line[:1], count, 0)
    along = np.concatenate([[0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
    at = np.arange(count) * along[-1] / count
    return np.stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)], 1)
