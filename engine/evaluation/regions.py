"""Where a finding would plausibly be on a given chest: the regions that findings are asked in."""

from dataclasses import dataclass

import numpy as np

from engine.api import HEART, LEFT_LUNG, RIGHT_LUNG, Mask, Organs
from engine.training.data import Box
from engine.training.labels import ellipse

SIDE = 256  # px
JITTER = 0.06  # of the lung's size, how far a region is moved at random


@dataclass(frozen=True)
class Spot:
    """A region in one lung: centre and size in shares of the lung's bounding box.

    ``across`` runs from the middle of the chest (0) to the chest wall (1), ``down`` from the
    apex (0) to the base (1); one of ``downs`` is drawn.
    """

    across: float
    downs: tuple[float, ...]
    width: float
    height: float


ANYWHERE = (0.22, 0.5, 0.78)
SPOTS = {
    "atelectasis": Spot(0.5, (0.78, 0.88), 0.8, 0.22),
    "consolidation": Spot(0.5, ANYWHERE, 0.7, 0.32),
    "effusion": Spot(0.55, (0.88,), 0.95, 0.36),
    "infiltration": Spot(0.5, ANYWHERE, 0.7, 0.36),
    "opacity": Spot(0.5, ANYWHERE, 0.7, 0.34),
    "mass": Spot(0.5, ANYWHERE, 0.45, 0.22),
    "nodule": Spot(0.5, ANYWHERE, 0.22, 0.11),
    "pleural thickening": Spot(0.88, (0.2, 0.5, 0.75), 0.3, 0.4),
    "pneumonia": Spot(0.5, (0.5, 0.78), 0.7, 0.34),
    "pneumothorax": Spot(0.6, (0.2,), 0.75, 0.36),
    "edema": Spot(0.4, (0.5,), 0.9, 0.6),
}
WHOLE_HEART = "cardiomegaly"  # its region is the heart, somewhat enlarged
BOTH_LUNGS = ("edema",)


def region_for(finding: str, organs: Organs, seed: int) -> Mask | None:
    """A region (256, 256) of 0 and 1 for ``finding`` in this chest; None where lungs are missing.

    Side, height and a small shift follow from ``seed``.
    """
    luck = np.random.default_rng([seed, len(finding)])
    boxes = {label: box_of(organs, label) for label in (LEFT_LUNG, RIGHT_LUNG, HEART)}
    if boxes[LEFT_LUNG] is None or boxes[RIGHT_LUNG] is None:
        return None
    if finding == WHOLE_HEART:
        heart = boxes[HEART]
        return None if heart is None else drawn(enlarged(heart, 1.25))
    spot = SPOTS[finding]
    side = (LEFT_LUNG, RIGHT_LUNG)[int(luck.integers(2))]
    down = spot.downs[int(luck.integers(len(spot.downs)))]
    shift = luck.uniform(-JITTER, JITTER, 2)
    sides = (LEFT_LUNG, RIGHT_LUNG) if finding in BOTH_LUNGS else (side,)
    masks = []
    for label in sides:
        lung = boxes[label]
        assert lung is not None
        # The patient's left lung is on the right of the picture: its wall is its right edge.
        across = spot.across if label == LEFT_LUNG else 1 - spot.across
        x, y = lung.x + (across + shift[0]) * lung.w, lung.y + (down + shift[1]) * lung.h
        w, h = spot.width * lung.w, spot.height * lung.h
        masks.append(drawn(Box("", x - w / 2, y - h / 2, w, h)))
    return np.max(masks, axis=0)


def box_of(organs: Organs, label: int) -> Box | None:
    """The bounding box of an organ in shares of the side; None where it is not there."""
    rows, columns = np.nonzero(organs == label)
    if len(rows) == 0:
        return None
    height, width = organs.shape
    x, y = columns.min() / width, rows.min() / height
    return Box("", x, y, (columns.max() + 1) / width - x, (rows.max() + 1) / height - y)


def enlarged(box: Box, by: float) -> Box:
    w, h = box.w * by, box.h * by
    return Box("", box.x - (w - box.w) / 2, box.y - (h - box.h) / 2, w, h)


def drawn(box: Box) -> Mask:
    return ellipse(box, SIDE).astype(np.float32)
