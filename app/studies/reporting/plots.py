"""The plots of a report. Every estimate has its interval, every axis its unit."""

from collections.abc import Sequence
from itertools import pairwise
from math import exp
from typing import Any

from app.studies.reporting.drawing import (
    WIDTH,
    below,
    beside,
    joined,
    line,
    rect,
    scale,
    shades,
    svg,
    text,
    ticks,
)

LABEL = 138  # room for names on the left
NOTE = 170  # room for an estimate with its interval on the right
ROW = 24
LONGEST = 18  # letters of a name
LEGEND = 28  # letters of an answer that has room beside another one


def named(name: str) -> str:
    """A name that fits its room; the tables have it whole."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "\u2026"


def told(one: dict[str, Any], digits: int = 2, percent: bool = False) -> str:
    """An estimate in words: 0.64 (0.56 to 0.72), or 64 % (56 to 72)."""
    by, unit, digits = (100, " %", 0) if percent else (1, "", digits)
    value = _signed(f"{by * one['value']:.{digits}f}")
    if one["low"] is None:
        return f"{value}{unit}"
    low, high = (_signed(f"{by * one[end]:.{digits}f}") for end in ("low", "high"))
    return f"{value}{unit} ({low} to {high})"


def _signed(word: str) -> str:
    return word.replace("-", "\u2212")


def forest(
    rows: Sequence[tuple[str, dict[str, Any]]],
    summary: tuple[str, dict[str, Any]] | None,
    span: tuple[float, float],
    title: str,
    marks: tuple[float, float, float] | None = None,
    percent: bool = False,
) -> str:
    """Estimates with intervals, one a row, and their summary as a diamond.

    ``span`` gives the ends of the axis; ``marks`` a middle line and the ends of a band.
    """
    low, high = span
    right = WIDTH - NOTE
    count = len(rows) + (1 if summary else 0)
    bottom = 10 + count * ROW
    x = scale(low, high, LABEL, right)
    parts = []
    if marks:
        middle, start, end = marks
        parts.append(rect(x(start), 4, x(end) - x(start), bottom - 4, "band"))
        parts.append(line(x(middle), 4, x(middle), bottom, "dash"))
    for n, (name, one) in enumerate(rows):
        y = 18 + n * ROW
        parts.append(text(LABEL - 10, y + 4, named(name), "end"))
        parts.append(text(right + 14, y + 4, told(one, percent=percent)))
        if one["low"] is not None:
            parts.append(line(x(one["low"]), y, x(one["high"]), y, "whisker"))
            for end in ("low", "high"):
                parts.append(line(x(one[end]), y - 4, x(one[end]), y + 4, "whisker"))
        parts.append(rect(x(one["value"]) - 4, y - 4, 8, 8, "dot"))
    if summary:
        parts += _diamond(summary, 18 + len(rows) * ROW, x, right, percent)
    return svg(
        bottom + 40,
        "Estimates with intervals",
        [*parts, *below(low, high, x, bottom, title, percent)],
    )


def _diamond(
    summary: tuple[str, dict[str, Any]], y: float, x: Any, right: float, percent: bool
) -> list[str]:
    name, one = summary
    a, b, c = x(one["low"]), x(one["value"]), x(one["high"])
    shape = f"{a:.1f},{y} {b:.1f},{y - 7} {c:.1f},{y} {b:.1f},{y + 7}"
    return [
        line(LABEL, y - ROW / 2, right + NOTE, y - ROW / 2, "grid"),
        f'<polygon points="{shape}" class="diamond"/>',
        text(LABEL - 10, y + 4, name, "end", "strong"),
        text(right + 14, y + 4, told(one, percent=percent), "start", "strong"),
    ]


def roc(rows: Sequence[tuple[str, Sequence[Sequence[float]], str]], mean: str) -> str:
    """Empirical curves of readers, thin, and the mean of their heights, thick.

    ``rows`` are reader, curve and area in words; ``mean`` is the mean area in words.
    """
    size, left, top = 320, 74, 12
    x, y = scale(0, 1, left, left + size), scale(0, 1, top + size, top)
    curves = [curve for _, curve, _ in rows]

    def drawn(points: Sequence[Sequence[float]], kind: str) -> str:
        return joined([(x(a), y(b)) for a, b in points], kind)

    grid = [n / 100 for n in range(101)]
    average = [(0.0, 0.0)]
    average += [(f, sum(_height(c, f) for c in curves) / len(curves)) for f in grid]
    parts = [
        *beside(0, 1, y, left, left + size, "synthetic called synthetic", False),
        *[line(x(v), top, x(v), top + size, "grid") for v in ticks(0, 1, 5)],
        rect(left, top, size, size, "frame"),
        line(x(0), y(0), x(1), y(1), "dash"),
        *(drawn(one, "thin") for one in curves),
        drawn(average, "thick"),
        *below(0, 1, x, top + size, "real called synthetic", False),
    ]
    column = left + size + 36
    parts.append(text(column, 24, "Area under the curve", kind="title"))
    lines = [("Mean", mean), *((name, words) for name, _, words in rows)]
    for n, (name, words) in enumerate(lines[:14]):
        kind = "" if n else "strong"
        parts.append(text(column, 46 + n * 20, named(name), kind=kind))
        parts.append(text(column + 60, 46 + n * 20, words, kind=kind))
    return svg(top + size + 44, "ROC curves of the readers and their mean", parts)


def _height(curve: Sequence[Sequence[float]], false_alarms: float) -> float:
    """The highest point of a curve at a rate of false alarms, along its straight pieces."""
    best = 0.0
    for (x1, y1), (x2, y2) in pairwise(curve):
        if x1 <= false_alarms <= x2:
            share = (false_alarms - x1) / (x2 - x1) if x2 > x1 else 1.0
            best = max(best, y1 + share * (y2 - y1))
    return best


def stacked(
    rows: Sequence[tuple[str, Sequence[int], str]], names: Sequence[str], two_sided: bool = False
) -> str:
    """Shares of answers in %, one bar a source, with the answers named below.

    ``two_sided`` colours a scale that goes from real to synthetic.
    """
    right = WIDTH - 146
    colours = shades(len(names), two_sided)
    place = scale(0, 1, LABEL, right)
    parts = []
    for n, (name, counts, note) in enumerate(rows):
        y = 8 + n * (ROW + 10)
        parts += [text(LABEL - 10, y + 17, named(name), "end"), text(right + 12, y + 17, note)]
        whole, done = max(1, sum(counts)), 0
        for level, count in enumerate(counts):
            start, width = place(done / whole), place(count / whole) - LABEL
            parts.append(rect(start, y, width, ROW, fill=colours[level], more=' stroke="#fff"'))
            if width > 26:
                share = f"{100 * count / whole:.0f}"
                on = colours[level]
                parts.append(text(start + width / 2, y + 17, share, "middle", "in", on))
            done += count
    bottom = 8 + len(rows) * (ROW + 10)
    parts += below(0, 1, place, bottom, "share of answers", True)
    legend = bottom + 50
    columns = 2 if max(map(len, names)) <= LEGEND else 1
    for level, name in enumerate(names):
        y = legend + (level // columns) * 20
        x = LABEL + (level % columns) * (right - LABEL + 60) / 2
        parts.append(rect(x, y, 12, 12, fill=colours[level], more=' stroke="#888"'))
        parts.append(text(x + 18, y + 11, f"{level + 1}  {name}", kind="small"))
    return svg(legend + -(-len(names) // columns) * 20 + 4, "Shares of answers by source", parts)


def matrix(names: Sequence[str], values: Sequence[Sequence[float | None]]) -> str:
    """Agreement of every two readers, in numbers and shades."""
    cell, row = min(64, (WIDTH - LABEL - 130) // max(1, len(names))), 28
    colours = shades(6, two_sided=False)
    parts = []
    for i, name in enumerate(names):
        parts.append(text(LABEL - 10, 46 + i * row, name, "end"))
        parts.append(text(LABEL + (i + 0.5) * cell, 18, name, "middle"))
        for j, value in enumerate(values[i]):
            x, y = LABEL + j * cell, 28 + i * row
            if i == j or value is None:
                parts.append(rect(x, y, cell - 2, row - 2, "empty"))
                continue
            fill = colours[min(5, max(0, int(value * 6)))]
            parts.append(rect(x, y, cell - 2, row - 2, fill=fill))
            if cell >= 34:
                word = _signed(f"{value:.2f}")
                parts.append(text(x + cell / 2 - 1, y + 18, word, "middle", "in", fill))
    x = LABEL + cell * len(names) + 24
    for n, fill in enumerate(colours):
        y = 28 + n * 18
        parts.append(rect(x, y, 14, 14, fill=fill))
        word = "below 0.17" if n == 0 else f"from {n / 6:.2f}"
        parts.append(text(x + 20, y + 12, word, kind="small"))
    return svg(max(40 + row * len(names), 150), "Agreement of every two readers", parts)


def series(
    points: Sequence[tuple[int, int, dict[str, Any]]],
    span: tuple[float, float],
    title: str,
    percent: bool,
    middle: float | None = None,
) -> str:
    """Means along the order of trials: first and last place of a stretch, and its estimate."""
    low, high = span
    left, right, top, bottom = LABEL - 30, WIDTH - 30, 14, 174
    y = scale(low, high, bottom, top)
    parts = beside(low, high, y, left, right, title, percent)
    if middle is not None:
        parts.append(line(left, y(middle), right, y(middle), "dash"))
    step = (right - left) / max(1, len(points))
    places = [(left + step * (n + 0.5), y(one["value"])) for n, (_, _, one) in enumerate(points)]
    parts.append(joined(places, "thick"))
    for (first, last, one), (x, height) in zip(points, places, strict=True):
        if one["low"] is not None:
            parts.append(line(x, y(one["low"]), x, y(one["high"]), "whisker"))
        parts.append(f'<circle cx="{x:.1f}" cy="{height:.1f}" r="4" class="dot"/>')
        parts.append(text(x, bottom + 18, f"{first} to {last}", "middle", "small"))
    parts.append(line(left, bottom, right, bottom, "axis"))
    parts.append(
        text((left + right) / 2, bottom + 36, "place in the order of trials", "middle", "title")
    )
    return svg(bottom + 42, "Means along the order of trials", parts)


CELLS, SPREAD = 40, 0.045  # of the heat map; the spread is a share of the picture's side


Panel = tuple[str, str, Sequence[Sequence[float]], int, Sequence[Sequence[Sequence[float]]]]


def heat(panels: Sequence[Panel]) -> str:
    """Marks as density in a square that stands for the picture, all panels on one scale.

    A panel is source, words, places (shares of width and height), answers, and closed outlines
    of masks. The density is of marks an answer, smoothed by a Gaussian.
    """
    side, gap, top = 210, 18, 22
    grids = [_density(points, max(1, answers)) for _, _, points, answers, _ in panels]
    most = max((max(map(max, grid)) for grid in grids), default=0.0) or 1.0
    parts = []
    for n, ((name, words, _, _, shapes), grid) in enumerate(zip(panels, grids, strict=True)):
        x, y = 10 + (n % 3) * (side + gap), (n // 3) * (side + 52) + top
        parts.append(text(x, y - 7, named(name), kind="strong"))
        parts.append(rect(x, y, side, side, "film"))
        size = side / CELLS
        for i, row in enumerate(grid):
            for j, value in enumerate(row):
                share = value / most
                if share > 0.04:
                    more = f' fill-opacity="{share:.2f}" shape-rendering="crispEdges"'
                    parts.append(rect(x + j * size, y + i * size, size, size, "mark", more=more))
        for shape in shapes:
            points = " ".join(f"{x + side * a:.1f},{y + side * b:.1f}" for a, b in shape)
            parts.append(f'<polygon points="{points}" class="outline"/>')
        parts.append(rect(x, y, side, side, "frame"))
        parts.append(text(x, y + side + 16, words, kind="small"))
    rows = (len(panels) + 2) // 3
    return svg(rows * (side + 52) + 4, "Places of marks in the picture", parts)


def _density(points: Sequence[Sequence[float]], answers: int) -> list[list[float]]:
    centres = [(n + 0.5) / CELLS for n in range(CELLS)]
    across = [[exp(-((c - x) ** 2) / 2 / SPREAD**2) for c in centres] for x, _ in points]
    down = [[exp(-((c - y) ** 2) / 2 / SPREAD**2) for c in centres] for _, y in points]
    return [
        [
            sum(d[i] * a[j] for a, d in zip(across, down, strict=True)) / answers
            for j in range(CELLS)
        ]
        for i in range(CELLS)
    ]
