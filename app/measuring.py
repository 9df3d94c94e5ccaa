"""What the segmenter reads from a picture: the measures beside those of the drawing."""

import numpy as np

from engine.api import HEART, LEFT_LUNG, RIGHT_LUNG, Organs

Measures = dict[str, float]


def measures(organs: Organs) -> Measures:
    """Of a label map (H, W), as the canvas measures a drawing; what is not there is left out.

    ``ratio``: width of the heart over the width of both lungs together. ``left``, ``right``: the
    share of each lung in the area of both.
    """
    found: Measures = {}
    heart = np.flatnonzero((organs == HEART).any(axis=0))
    left, right = organs == LEFT_LUNG, organs == RIGHT_LUNG
    both = float(left.sum() + right.sum())
    if both:
        found["left"], found["right"] = float(left.sum()) / both, float(right.sum()) / both
    if heart.size and left.any() and right.any():
        chest = np.flatnonzero((left | right).any(axis=0))
        found["ratio"] = float(np.ptp(heart) + 1) / float(np.ptp(chest) + 1)
    return found
