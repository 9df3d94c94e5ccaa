"""Shares and what they are worth: Wilson's interval and McNemar's exact test."""

from math import comb, sqrt
from typing import Any

NORMAL_95 = 1.959964  # standard deviations that hold 95 %


def wilson_interval(hits: int, of: int, z: float = NORMAL_95) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927); (0, 1) where nothing was tried."""
    if of == 0:
        return 0.0, 1.0
    share, room = hits / of, z * z / of
    centre = (share + room / 2) / (1 + room)
    half = z / (1 + room) * sqrt(share * (1 - share) / of + room / (4 * of))
    return max(0.0, centre - half), min(1.0, centre + half)


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided exact p of a paired comparison from its two discordant counts (McNemar 1947)."""
    together = only_first + only_second
    if together == 0:
        return 1.0
    fewer = min(only_first, only_second)
    tail = sum(comb(together, i) for i in range(fewer + 1)) / 2**together
    return min(1.0, 2 * tail)


def rate(hits: int, of: int) -> dict[str, Any]:
    """A share with its count and interval, as it stands in the JSON."""
    low, high = wilson_interval(hits, of)
    return {
        "hits": int(hits),
        "of": int(of),
        "rate": round(hits / of, 3) if of else None,
        "interval": [round(low, 3), round(high, 3)],
    }
