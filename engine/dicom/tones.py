"""From stored values to what is shown, and back. The order is that of the standard:

    stored value -> modality LUT or rescale -> VOI LUT or window -> inverted (MONOCHROME1) -> [0, 1]

Every step looks at one value alone, so all of them together are one table: what is shown for
each value that can be stored.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

GRID = 65535
Function = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


@dataclass(frozen=True, kw_only=True)
class Lut:
    """A look-up table: ``first`` is the input of entry 0, ``bits`` those of an entry."""

    first: int
    bits: int
    entries: tuple[int, ...]

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The entries at ``values``; what lies outside the table gets its nearest end."""
        at = np.clip(np.round(values) - self.first, 0, len(self.entries) - 1).astype(np.int64)
        return np.array(self.entries, np.float64)[at]

    @property
    def most(self) -> int:
        """The largest entry that the stated bits allow; a table that exceeds them counts."""
        return max((1 << self.bits) - 1, *self.entries, 1)


@dataclass(frozen=True, kw_only=True)
class Window:
    """``center`` and ``width`` in the units behind the modality step; ``width`` above 0."""

    center: float
    width: float
    function: Function = "LINEAR"

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """[0, 1], by the formulas of the standard (C.11.2.1.2 and C.11.2.1.3 of PS3.3)."""
        if self.function == "SIGMOID":
            steepness = np.clip(-4 * (values - self.center) / self.width, -700, 700)
            return 1 / (1 + np.exp(steepness))
        center, width = self.center, self.width
        if self.function == "LINEAR":
            center, width = center - 0.5, width - 1
        if width <= 0:
            return (values > center).astype(np.float64)
        return np.clip((values - center) / width + 0.5, 0, 1)


@dataclass(frozen=True, kw_only=True)
class Tones:
    """How a film's stored values become tones. ``modality`` replaces slope and intercept."""

    voi: Window | Lut
    slope: float = 1.0
    intercept: float = 0.0
    modality: Lut | None = None
    inverted: bool = False

    def table(self, bits: int, signed: bool) -> NDArray[np.uint16]:
        """What is shown, 0 to 65535, for each value from the least that can be stored upwards."""
        values = units(self, span(bits, signed))
        shown = self.voi.of(values)
        if isinstance(self.voi, Lut):
            shown = shown / self.voi.most
        if self.inverted:
            shown = 1 - shown
        return np.round(np.clip(shown, 0, 1) * GRID).astype(np.uint16)


def span(bits: int, signed: bool) -> NDArray[np.float64]:
    """Every value that ``bits`` can store, ascending."""
    least = -(1 << (bits - 1)) if signed else 0
    return np.arange(least, least + (1 << bits), dtype=np.float64)


def units(tones: Tones, stored: NDArray[Any]) -> NDArray[np.float64]:
    """Stored values behind the modality step."""
    values = stored.astype(np.float64)
    if tones.modality is not None:
        return tones.modality.of(values)
    return values * tones.slope + tones.intercept


def stored_for(table: NDArray[np.uint16], codes: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Places in ``table`` whose tone is nearest to each of ``codes``.

    Of the many values that a window shows as black (or white), the one next to the greys.
    """
    order = np.argsort(table, kind="stable")
    tones = table[order].astype(np.int64)
    inner = np.flatnonzero((table > table.min()) & (table < table.max()))
    middle = inner.mean() if inner.size else (len(table) - 1) / 2
    starts = np.flatnonzero(np.r_[True, tones[1:] != tones[:-1]])
    levels = tones[starts]
    by_distance = np.lexsort((np.abs(order - middle), tones))
    places = order[by_distance[starts]]
    wanted = np.arange(GRID + 1)
    above = np.clip(np.searchsorted(levels, wanted), 0, len(levels) - 1)
    below = np.maximum(above - 1, 0)
    nearer = np.abs(levels[below] - wanted) <= np.abs(levels[above] - wanted)
    return places[np.where(nearer, below, above)][codes]
