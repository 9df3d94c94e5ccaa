"""Plots as SVG text: no script, font or picture from elsewhere; every estimate has its interval.

Colours are classes, so that the page's style decides them for the screen and for paper.
"""

import math
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Any

WIDTH = 640
LABEL = 120
ROW = 24
NOTE = 165  # room for an estimate with its interval
SHADES = 5


def _svg(height: float, name: str, parts: Sequence[str], width: int = WIDTH) -> str:
    """The picture with its name for those who cannot see it."""
    box = f'width="{width}" viewBox="0 0 {width} {height:.0f}"'
    return f'<svg {box} role="img" aria-label="{escape(name)}">{"".join(parts)}</svg>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} class="{kind}">{escape(words)}</text>'


def _rect(x: float, y: float, width: float, height: float, kind: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" class="{kind}"/>'
    )


def forest(
    rows: Sequence[tuple[str, dict[str, Any]]],
    summary: tuple[str, dict[str, Any]] | None,
    span: tuple[float, float],
    marks: tuple[float, float, float] | None = None,
    digits: int = 2,
) -> str:
    """Estimates with intervals, one a row, and their summary as a diamond.

    ``span`` gives the ends of the axis; ``marks`` a middle line and the ends of a band.
    """
    low, high = span
    count = len(rows) + (1 if summary else 0)
    bottom = count * ROW + 16
    right = WIDTH - NOTE

    def x(value: float) -> float:
        return LABEL + (min(max(value, low), high) - low) / (high - low) * (right - LABEL)

    parts = []
    if marks:
        middle, start, end = marks
        parts.append(_rect(x(start), 4, x(end) - x(start), bottom - 8, "band"))
        parts.append(_line(x(middle), 4, x(middle), bottom - 4, "dash"))
    for n, (name, one) in enumerate(rows):
        y = 18 + n * ROW
        parts += [
            _text(LABEL - 10, y + 4, name, "end"),
            _text(right + 10, y + 4, told(one, digits)),
        ]
        if one["low"] is not None:
            parts.append(_line(x(one["low"]), y, x(one["high"]), y, "whisker"))
        parts.append(_rect(x(one["value"]) - 4, y - 4, 8, 8, "dot"))
    if summary:
        name, one = summary
        y = 18 + len(rows) * ROW
        a, b, c = x(one["low"]), x(one["value"]), x(one["high"])
        parts.append(
            f'<polygon points="{a:.1f},{y} {b:.1f},{y - 7} {c:.1f},{y} {b:.1f},{y + 7}" '
            'class="diamond"/>'
        )
        parts += [
            _text(LABEL - 10, y + 4, name, "end"),
            _text(right + 10, y + 4, told(one, digits)),
        ]
    for value in _ticks(low, high):
        parts.append(_text(x(value), bottom + 14, f"{value:g}", "middle", "small"))
    return _svg(bottom + 20, "Estimates with intervals", parts)


def _ticks(low: float, high: float) -> list[float]:
    """At most eight round numbers within an axis."""
    step = next(one for one in (0.1, 0.2, 0.5, 1, 2, 5, 10, 1e9) if (high - low) / one <= 8)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 6) for n in range(first, last + 1)]


def told(one: dict[str, Any], digits: int = 2) -> str:
    """An estimate in words: 0.64 (0.56 to 0.72)."""
    if one["low"] is None:
        return f"{one['value']:.{digits}f}"
    return f"{one['value']:.{digits}f} ({one['low']:.{digits}f} to {one['high']:.{digits}f})"


def roc(curves: Sequence[Sequence[Sequence[float]]]) -> str:
    """Empirical curves of readers, thin, and the mean of their heights, thick."""
    size, left, top = 300, 60, 10

    def path(points: Sequence[Sequence[float]], kind: str) -> str:
        words = " ".join(f"{left + size * a:.1f},{top + size * (1 - b):.1f}" for a, b in points)
        return f'<polyline points="{words}" class="{kind}"/>'

    grid = [n / 50 for n in range(51)]
    mean = [(0.0, 0.0)]
    mean += [(f, sum(_height(c, f) for c in curves) / len(curves)) for f in grid]
    parts = [
        _rect(left, top, size, size, "frame"),
        _line(left, top + size, left + size, top, "dash"),
        *(path(one, "thin") for one in curves),
        path(mean, "thick"),
        _text(left + size / 2, top + size + 34, "real called synthetic", "middle"),
        _text(left - 8, top + 12, "1", "end", "small"),
        _text(left - 8, top + size, "0", "end", "small"),
        _text(left, top + size + 16, "0", "middle", "small"),
        _text(left + size, top + size + 16, "1", "middle", "small"),
        f'<text transform="translate(30 {top + size / 2}) rotate(-90)" text-anchor="middle">'
        "synthetic called synthetic</text>",
    ]
    return _svg(size + 60, "ROC curves of the readers and their mean", parts, 400)


def _height(curve: Sequence[Sequence[float]], false_alarms: float) -> float:
    """The highest point of a curve at a rate of false alarms, along its straight pieces."""
    best = 0.0
    for (x1, y1), (x2, y2) in pairwise(curve):
        if x1 <= false_alarms <= x2:
            share = (false_alarms - x1) / (x2 - x1) if x2 > x1 else 1.0
            best = max(best, y1 + share * (y2 - y1))
    return best


def stacked(rows: Sequence[tuple[str, Sequence[int], str]], names: Sequence[str]) -> str:
    """Shares of answers, one bar a source, with the answers named below."""
    right = WIDTH - NOTE
    parts = []
    for n, (name, counts, note) in enumerate(rows):
        y = 8 + n * (ROW + 8)
        parts += [_text(LABEL - 10, y + 16, name, "end"), _text(right + 10, y + 16, note)]
        x = float(LABEL)
        for level, count in enumerate(counts):
            width = (right - LABEL) * count / max(1, sum(counts))
            parts.append(_rect(x, y, width, ROW, f"shade s{_shade(level, len(counts))}"))
            if width > 26:
                share = f"{100 * count / sum(counts):.0f}"
                kind = "in dark" if _shade(level, len(counts)) < 3 else "in"
                parts.append(_text(x + width / 2, y + 16, share, "middle", kind))
            x += width
    y = 8 + len(rows) * (ROW + 8) + 8
    for level, name in enumerate(names):
        parts.append(_rect(LABEL, y + level * 18, 12, 12, f"shade s{_shade(level, len(names))}"))
        parts.append(_text(LABEL + 20, y + 11 + level * 18, f"{level + 1}  {name}", kind="small"))
    return _svg(y + len(names) * 18 + 6, "Shares of answers by source", parts)


def _shade(level: int, count: int) -> int:
    return round(level * (SHADES - 1) / max(1, count - 1))


def matrix(names: Sequence[str], values: Sequence[Sequence[float | None]]) -> str:
    """Agreement of every two readers, in numbers and shades."""
    cell = min(56, (WIDTH - LABEL) // max(1, len(names)))
    parts = []
    for i, name in enumerate(names):
        parts.append(_text(LABEL - 10, 44 + i * 28, name, "end"))
        parts.append(_text(LABEL + (i + 0.5) * cell, 18, name, "middle"))
        for j, value in enumerate(values[i]):
            if i == j or value is None:
                continue
            shade = min(SHADES - 1, max(0, int(value * SHADES)))
            x = LABEL + j * cell
            parts.append(_rect(x, 27 + i * 28, cell - 2, 26, f"shade s{shade}"))
            kind = "in dark" if shade < 3 else "in"
            parts.append(_text(x + cell / 2, 44 + i * 28, f"{value:.2f}", "middle", kind))
    return _svg(36 + 28 * len(names), "Agreement of every two readers", parts)


def series(points: Sequence[tuple[str, float]], span: tuple[float, float]) -> str:
    """Means along the session, joined."""
    low, high = span
    step = (WIDTH - LABEL - 60) / max(1, len(points))
    places = [
        (LABEL + step * (n + 0.5), 150 - 130 * (value - low) / (high - low))
        for n, (_, value) in enumerate(points)
    ]
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [
        _text(LABEL - 10, 154, f"{low:g}", "end", "small"),
        _text(LABEL - 10, 24, f"{high:g}", "end", "small"),
        _line(LABEL, 150, WIDTH - 60, 150, "grid"),
        _line(LABEL, 20, WIDTH - 60, 20, "grid"),
        f'<polyline points="{joined}" class="thick"/>',
    ]
    for (name, value), (x, y) in zip(points, places, strict=True):
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="dot"/>')
        parts.append(_text(x, 170, name, "middle", "small"))
        parts.append(_text(x, y - 10, f"{value:.2f}", "middle", "small"))
    return _svg(180, "Means along the session", parts)


def places(points: Sequence[Sequence[float]]) -> str:
    """Marks in a square that stands for the picture; what is marked often is dense."""
    side = 280
    dots = [
        f'<circle cx="{10 + side * x:.1f}" cy="{10 + side * y:.1f}" r="12" class="mark"/>'
        for x, y in points
    ]
    return _svg(
        side + 20,
        "Places of marks in the picture",
        [_rect(10, 10, side, side, "frame"), *dots],
        300,
    )
