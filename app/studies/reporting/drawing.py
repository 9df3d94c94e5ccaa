"""SVG text: no script, font or picture from elsewhere. Axes have round numbers and a title.

Colours of meaning are classes, so that the page's style decides them for screen and paper; a row
of shades is computed here, since its length is that of a scale.
"""

import math
from collections.abc import Callable, Sequence
from html import escape

WIDTH = 700
INK, PAPER = "#000000", "#ffffff"
LIGHT, DARK = (0xE3, 0xE7, 0xF6), (0x31, 0x43, 0xA6)
REAL, EVEN, MADE = (0x3C, 0x4F, 0xB8), (0xEE, 0xEC, 0xE8), (0xC2, 0x56, 0x1C)


def svg(height: float, name: str, parts: Sequence[str], width: float = WIDTH) -> str:
    """The picture with its name for those who cannot see it."""
    box = f'width="{width:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    return f'<svg {box} role="img" aria-label="{escape(name)}">{"".join(parts)}</svg>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def text(
    x: float, y: float, words: str, anchor: str = "start", kind: str = "", on: str = ""
) -> str:
    """Words at a place; ``on`` is the colour below them, on which they must be read."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    ink = f' style="fill:{readable(on)}"' if on else ""
    return f'<text {place} class="{kind}"{ink}>{escape(words)}</text>'


def upright(x: float, y: float, words: str) -> str:
    """The title of an axis that goes up; ``y`` is its middle."""
    return (
        f'<text transform="translate({x:.1f} {y:.1f}) rotate(-90)" text-anchor="middle" '
        f'class="title">{escape(words)}</text>'
    )


def rect(
    x: float, y: float, width: float, height: float, kind: str = "", fill: str = "", more: str = ""
) -> str:
    colour = f' fill="{fill}"' if fill else ""
    named = f' class="{kind}"' if kind else ""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f"<rect {place}{named}{colour}{more}/>"


def joined(points: Sequence[tuple[float, float]], kind: str) -> str:
    words = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{words}" class="{kind}"/>'


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """From values to places; what lies outside is drawn at the end."""
    return lambda v: start + (min(max(v, low), high) - low) / (high - low) * (end - start)


def ticks(low: float, high: float, most: int = 8) -> list[float]:
    """At most ``most`` steps of round numbers within an axis."""
    steps = [m * 10.0**e for e in range(-3, 4) for m in (1, 2, 5)]
    step = next((one for one in steps if (high - low) / one <= most + 1e-9), high - low)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 9) for n in range(first, last + 1)]


def below(
    low: float, high: float, place: Callable[[float], float], y: float, title: str, percent: bool
) -> list[str]:
    """An axis below a plot: its line, ticks, numbers and title; 34 px high."""
    parts = [line(place(low), y, place(high), y, "axis")]
    for value in ticks(low, high):
        parts.append(line(place(value), y, place(value), y + 5, "axis"))
        parts.append(text(place(value), y + 18, number(value, percent), "middle", "small"))
    parts.append(text((place(low) + place(high)) / 2, y + 34, title, "middle", "title"))
    return parts


def beside(
    low: float,
    high: float,
    place: Callable[[float], float],
    x: float,
    end: float,
    title: str,
    percent: bool,
    most: int = 5,
) -> list[str]:
    """An axis on the left of a plot that ends at ``end``, with lines across it."""
    parts = [upright(x - 46, (place(low) + place(high)) / 2, title)]
    for value in ticks(low, high, most):
        parts.append(line(x, place(value), end, place(value), "grid"))
        parts.append(text(x - 8, place(value) + 4, number(value, percent), "end", "small"))
    return parts


def number(value: float, percent: bool) -> str:
    return f"{100 * value:g} %" if percent else f"{value:g}".replace("-", "\u2212")


def shades(count: int, two_sided: bool) -> list[str]:
    """Colours of an ordered scale: light to dark, or from real over nothing to synthetic."""
    found = []
    for n in range(count):
        share = n / max(1, count - 1)
        if not two_sided:
            found.append(_mixed(LIGHT, DARK, share))
        elif share < 0.5:
            found.append(_mixed(REAL, EVEN, 2 * share))
        else:
            found.append(_mixed(EVEN, MADE, 2 * share - 1))
    return found


def readable(fill: str) -> str:
    """Ink or paper: which of them is read on ``fill``, by relative luminance (WCAG)."""
    parts = [int(fill[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return INK if light > 0.179 else PAPER  # either has 4.5 to 1 there


def _mixed(first: tuple[int, ...], second: tuple[int, ...], share: float) -> str:
    return "#" + "".join(
        f"{round(a + share * (b - a)):02x}" for a, b in zip(first, second, strict=True)
    )
