"""Small plots as SVG text: points against a diagonal, shares with intervals, two histograms."""

from collections.abc import Sequence
from html import escape

import numpy as np

INK, PALE, FIRST, SECOND = "#1f2933", "#d5dbe1", "#1f6feb", "#b35900"
LINE = 22  # px a row
Interval = tuple[float, float, float]  # value, low, high


def scatter(pairs: Sequence[Sequence[float]], across: str, upwards: str, side: int = 320) -> str:
    """Points (x, y) with the line where both are equal; both axes have the same range."""
    values = np.asarray(pairs, float).reshape(-1, 2)
    low, high = _round_range(values)
    margin, room = 46, side - 62

    def at(value: float) -> float:
        return margin + (value - low) / (high - low) * room

    def up(value: float) -> float:
        return side - at(value)

    parts = [_line(at(low), up(low), at(high), up(high), PALE)]
    for tick in np.linspace(low, high, 6):
        parts.append(_text(at(tick), side - margin + 16, f"{tick:.2f}", "middle"))
        parts.append(_text(margin - 6, up(tick) + 4, f"{tick:.2f}", "end"))
    parts.append(_line(margin, up(low), at(high), up(low), INK))
    parts.append(_line(margin, up(low), margin, up(high), INK))
    parts += [
        f'<circle cx="{at(x):.1f}" cy="{up(y):.1f}" r="2.6" fill="{FIRST}" fill-opacity="0.55"/>'
        for x, y in values
    ]
    parts.append(_text((margin + side) / 2, side - 8, across, "middle"))
    middle = (side - margin) / 2
    parts.append(
        f'<text x="12" y="{middle:.0f}" transform="rotate(-90 12 {middle:.0f})" '
        f'text-anchor="middle">{escape(upwards)}</text>'
    )
    return _svg(side, side, parts, f"{upwards} against {across}")


def shares(
    rows: Sequence[tuple[str, Sequence[Interval]]],
    names: Sequence[str],
    limits: Sequence[float] = (),
    span: tuple[float, float] = (0.0, 1.0),
) -> str:
    """One line a row with a value and its interval for each of up to two ``names``.

    ``limits`` are drawn as dashed lines.
    """
    left, width = 170, 560
    height = LINE * (len(rows) + 2) + 8
    low, high = span

    def at(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return left + share * (width - left - 20)

    parts = []
    for tick in np.linspace(low, high, 6):
        parts.append(_line(at(tick), LINE, at(tick), height - LINE, PALE))
        parts.append(_text(at(tick), height - 6, f"{tick:.2f}".rstrip("0").rstrip("."), "middle"))
    for limit in limits:
        parts.append(_line(at(limit), LINE, at(limit), height - LINE, INK, "4 3"))
    for i, (label, values) in enumerate(rows):
        y = LINE * (i + 1.6)
        parts.append(_text(left - 8, y + 4, label, "end"))
        for k, (value, bottom, top) in enumerate(values):
            colour, shift = (FIRST, SECOND)[k], (0, 6)[k] - (3 if len(values) > 1 else 0)
            parts.append(_line(at(bottom), y + shift, at(top), y + shift, colour, width=2))
            parts.append(
                f'<circle cx="{at(value):.1f}" cy="{y + shift:.1f}" r="3.6" fill="{colour}"/>'
            )
    parts += _legend(names, left)
    return _svg(width, height, parts, "; ".join(names))


def histograms(sets: Sequence[tuple[str, Sequence[float]]], across: str) -> str:
    """Two sets of numbers over one axis, each as shares of its own size."""
    width, height, left = 560, 210, 30
    everything = np.concatenate([np.asarray(values, float) for _, values in sets])
    edges = np.linspace(everything.min(), everything.max() + 1e-9, 25)
    counts = [np.histogram(values, edges)[0] / max(len(values), 1) for _, values in sets]
    most = max(float(count.max()) for count in counts)
    step = (width - left - 24) / (len(edges) - 1)
    parts = []
    for k, count in enumerate(counts):
        for i, share in enumerate(count):
            tall = share / most * (height - 2 * LINE - 16)
            parts.append(
                f'<rect x="{left + i * step:.1f}" y="{height - 36 - tall:.1f}" '
                f'width="{step - 1:.1f}" height="{tall:.1f}" fill="{(FIRST, SECOND)[k]}" '
                'fill-opacity="0.45"/>'
            )
    parts.append(_line(left, height - 36, width - 24, height - 36, INK))
    for i in range(0, len(edges), 6):
        parts.append(_text(left + i * step, height - 20, f"{edges[i]:.1f}", "middle"))
    parts.append(_text((left + width) / 2, height - 4, across, "middle"))
    parts += _legend([name for name, _ in sets], left)
    return _svg(width, height, parts, across)


def _round_range(values: np.ndarray) -> tuple[float, float]:
    """A range in steps of 0.05 that holds all values."""
    if not values.size:
        return 0.0, 1.0
    low, high = np.floor(values.min() * 20) / 20, np.ceil(values.max() * 20) / 20
    return float(low), float(max(high, low + 0.05))


def _legend(names: Sequence[str], left: float) -> list[str]:
    parts, x = [], left
    for k, name in enumerate(names):
        parts.append(f'<circle cx="{x + 4}" cy="10" r="4" fill="{(FIRST, SECOND)[k]}"/>')
        parts.append(_text(x + 14, 14, name, "start"))
        x += 40 + 7 * len(name)
    return parts


def _line(
    x1: float, y1: float, x2: float, y2: float, colour: str, dash: str = "", width: float = 1
) -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width}"{dashed}/>'
    )


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(width: float, height: float, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )
