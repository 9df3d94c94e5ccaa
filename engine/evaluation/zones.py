"""The region a user would paint for a finding, from the organ map: an ellipse in a lung's zone."""

import numpy as np

from engine.api import LEFT_LUNG, RIGHT_LUNG, Mask, Organs

LUNGS = {"left": (LEFT_LUNG,), "right": (RIGHT_LUNG,), "both": (LEFT_LUNG, RIGHT_LUNG)}
HEIGHTS = {"upper": 1 / 6, "middle": 1 / 2, "lower": 5 / 6, "": 1 / 2}  # share of the lung
# Half axes in shares of the lung's width and height; what is not named is of middling size.
SIZES = {
    "nodule": (0.13, 0.06),
    "mass": (0.27, 0.12),
    "effusion": (0.62, 0.19),
    "pneumothorax": (0.5, 0.2),
    "edema": (0.46, 0.4),
}
USUAL = (0.4, 0.18)


def region_of(organs: Organs, finding: str, side: str, zone: str) -> Mask:
    """(H, W) float32: 1 inside the ellipses; the middle of the map where it has no such lung."""
    rows, columns = np.mgrid[: organs.shape[0], : organs.shape[1]]
    across, down = SIZES.get(finding, USUAL)
    mask = np.zeros(organs.shape, np.float32)
    for lung in LUNGS[side]:
        inside = organs == lung
        if not inside.any():
            inside = np.ones(organs.shape, bool)
        tall = np.flatnonzero(inside.any(1))
        height = tall[-1] - tall[0] + 1
        row = tall[0] + HEIGHTS[zone] * height
        there = np.flatnonzero(inside[int(np.clip(row, tall[0], tall[-1]))])
        width = np.flatnonzero(inside.any(0))
        wide = width[-1] - width[0] + 1
        column = there.mean() if len(there) else width.mean()
        shape = ((rows - row) / (down * height)) ** 2 + ((columns - column) / (across * wide)) ** 2
        mask[shape <= 1] = 1
    return mask
