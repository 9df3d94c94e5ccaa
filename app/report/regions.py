"""Regions proposed for what a report says: computed from the organs of a drawing, never a model.

A start for the person's own hand, drawn where such a finding usually lies.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.api import HEART, LEFT_LUNG, RIGHT_LUNG, Organs
from engine.errors import InvalidRequest
from engine.vocabulary import DEGREES

Region = NDArray[np.bool_]  # (H, W)
LUNGS = {"right": RIGHT_LUNG, "left": LEFT_LUNG}  # the patient's; his right is the image's left
ZONES = {"upper": 0, "middle": 1, "lower": 2}
USUAL_ZONE = {"effusion": "lower", "atelectasis": "lower", "pneumothorax": "upper"}
BOTH_LUNGS = {"edema", "emphysema", "interstitial changes", "hyperinflation"}
WHOLE_LUNG = {"emphysema", "hyperinflation", "interstitial changes"}
SIZES = {
    **dict.fromkeys(("trace", "tiny", "minimal", "minor"), 0.5),
    **dict.fromkeys(("slight", "small", "mild"), 0.7),
    **dict.fromkeys(("large", "marked", "severe", "gross", "extensive"), 1.4),
    **dict.fromkeys(("massive", "huge"), 1.8),
}  # times the usual size, by word of degree
SMALLEST = 12  # px; less cannot be seen, nor taken hold of


def has_lungs(organs: Organs | None, side: str | None) -> bool:
    """Whether the lung of ``side`` is drawn, or both where no side is said."""
    wanted = [LUNGS[side]] if side in LUNGS else list(LUNGS.values())
    return organs is not None and all(bool((organs == lung).any()) for lung in wanted)


def proposed(
    finding: str, words: str, side: str | None, zone: str | None, organs: Organs
) -> Region:
    """Where to draw ``finding`` on ``organs`` (H, W), which must hold the lungs it lies in.

    ``side`` is the patient's; without one, findings of both lungs are drawn in both, others on
    the right. A word of size among ``words`` makes the region smaller or larger.
    """
    if finding == "cardiomegaly":
        found = organs == HEART
    else:
        sides = [side] if side in LUNGS else ["right"]
        if side == "both" or (side is None and finding in BOTH_LUNGS):
            sides = list(LUNGS)
        size = next((SIZES[d] for w, d in DEGREES.items() if w in words.split() and d in SIZES), 1)
        parts = [
            shape_of(finding)(Lung(organs, name), zone or USUAL_ZONE.get(finding), size)
            for name in sides
        ]
        found = np.logical_or.reduce(parts)
    if found.sum() < SMALLEST:
        raise InvalidRequest("There is no room for this region in what is drawn. Paint it by hand.")
    return found


class Lung:
    """One lung of a map as its place, with coordinates that fit any chest."""

    def __init__(self, organs: Organs, side: str):
        self.inside: Region = organs == LUNGS[side]
        if not self.inside.any():
            raise InvalidRequest(f"The {side} lung is not drawn. Draw it, or paint the region.")
        rows, columns = (np.flatnonzero(self.inside.any(axis)) for axis in (1, 0))
        self.top, self.bottom = int(rows[0]), int(rows[-1]) + 1
        self.first, self.last = int(columns[0]), int(columns[-1]) + 1
        height, width = organs.shape
        self.y, self.x = np.mgrid[0:height, 0:width] + 0.5
        self.depth = (self.y - self.top) / (self.bottom - self.top)  # 0 apex to 1 base
        across = (self.x - self.first) / (self.last - self.first)
        self.outward = 1 - across if side == "right" else across  # 0 at the heart to 1 at the ribs

    def third(self, zone: str | None) -> Region:
        """The part of the lung that lies in a zone; the middle one where none is said."""
        number = ZONES.get(zone or "middle", 1)
        return self.inside & (self.depth >= number / 3) & (self.depth < (number + 1) / 3)


Shape = Callable[[Lung, str | None, float], Region]


def ellipse(lung: Lung, zone: str | None, size: float, wide: float = 0.4, high: float = 0.42):
    """An ellipse in the zone of the lung, ``wide`` and ``high`` in shares of its extent there."""
    part = lung.third(zone)
    if not part.any():
        return part
    rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
    y, x = lung.y[part].mean(), lung.x[part].mean()
    tall, broad = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    grown = np.sqrt(size)
    distance = ((lung.y - y) / (high * tall * grown)) ** 2 + (
        (lung.x - x) / (wide * broad * grown)
    ) ** 2
    return lung.inside & (distance <= 1)


def flat(lung: Lung, zone: str | None, size: float) -> Region:
    return ellipse(lung, zone, size, wide=0.42, high=0.26)


def spot(lung: Lung, zone: str | None, size: float) -> Region:
    """A disc, a tenth of the lung's height across."""
    part = lung.third(zone)
    if not part.any():
        return part
    radius = 0.05 * (lung.bottom - lung.top) * size
    y, x = lung.y[part].mean(), lung.x[part].mean()
    return lung.inside & (np.hypot(lung.y - y, lung.x - x) <= max(radius, 3))


def lump(lung: Lung, zone: str | None, size: float) -> Region:
    return spot(lung, zone, 2.2 * size)


def fluid(lung: Lung, zone: str | None, size: float) -> Region:
    """The base up to a meniscus that climbs towards the ribs."""
    level = 1 - size * (0.18 + 0.24 * np.clip(lung.outward, 0, 1) ** 2.5)
    return lung.inside & (lung.depth >= level)


def air(lung: Lung, zone: str | None, size: float) -> Region:
    """A cap over the apex that thins out along the ribs."""
    collapsed = np.zeros_like(lung.inside)
    down = round(0.12 * size * (lung.bottom - lung.top))
    width = lung.last - lung.first
    inward = round(0.16 * size * width) * (1 if lung.outward[0, 0] > lung.outward[0, -1] else -1)
    tall = len(collapsed)
    moved = np.roll(lung.inside[: tall - down], inward, axis=1)
    collapsed[down:] = moved
    return lung.inside & ~collapsed & (lung.depth < 0.6) & (lung.outward > 0.25)


def wings(lung: Lung, zone: str | None, size: float) -> Region:
    """Around the hilum, as edema spreads."""
    distance = ((lung.depth - 0.52) / 0.3) ** 2 + (lung.outward / 0.62) ** 2
    return lung.inside & (distance <= size)


def all_of(lung: Lung, zone: str | None, size: float) -> Region:
    return lung.inside if zone is None else lung.third(zone)


SHAPES: dict[str, Shape] = {
    "effusion": fluid,
    "pneumothorax": air,
    "atelectasis": flat,
    "edema": wings,
    "nodule": spot,
    "granuloma": spot,
    "mass": lump,
    "cavity": lump,
}


def shape_of(finding: str) -> Shape:
    return all_of if finding in WHOLE_LUNG else SHAPES.get(finding, ellipse)
