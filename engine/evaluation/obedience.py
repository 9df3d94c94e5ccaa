"""Obedience: is what the segmenter reads from a drawn film what the map said?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api import ORGAN_NAMES
from engine.masks import cardiothoracic_ratio, tidied
from engine.networks.segmenter import Segmenter
from engine.training.labels import HEART, LEFT, RIGHT, segmented


def read_maps(segmenter: Segmenter, films: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Organ maps (N, 128, 128) read from films (N, 256, 256), tidied as the product does."""
    if not len(films):
        return np.zeros((0, 128, 128), np.uint8)
    return np.stack([tidied(organs) for organs in segmented(segmenter, films)[0]])


def compared(asked: NDArray[np.uint8], read: NDArray[np.uint8]) -> dict[str, Any]:
    """Dice of each organ, and how the cardiothoracic ratio that is read follows the one drawn.

    Both (N, H, W). ``dice_10th`` is what nine films in ten exceed. ``ratio_error`` is the mean
    absolute difference; ``ratios`` are all pairs (drawn, read), for the plot.
    """
    figures: dict[str, Any] = {"maps": len(asked), "dice": {}, "dice_10th": {}}
    for k in (LEFT, RIGHT, HEART):
        values = dice(asked == k, read == k)
        figures["dice"][ORGAN_NAMES[k]] = round(float(values.mean()), 4)
        figures["dice_10th"][ORGAN_NAMES[k]] = round(float(np.quantile(values, 0.1)), 4)
    drawn = np.array([cardiothoracic_ratio(organs) for organs in asked], float)
    found = np.array([cardiothoracic_ratio(organs) for organs in read], float)
    kept = np.isfinite(drawn) & np.isfinite(found)
    drawn, found = drawn[kept], found[kept]
    figures |= {"ratio_maps": int(kept.sum()), "ratio_r": None, "ratio_slope": None}
    if len(drawn) > 2 and drawn.std() > 0 and found.std() > 0:
        figures["ratio_r"] = round(float(np.corrcoef(drawn, found)[0, 1]), 3)
        figures["ratio_slope"] = round(float(np.polyfit(drawn, found, 1)[0]), 3)
    if len(drawn):
        figures["ratio_error"] = round(float(np.abs(drawn - found).mean()), 4)
    pairs = zip(drawn.tolist(), found.tolist(), strict=True)
    figures["ratios"] = [[round(a, 3), round(b, 3)] for a, b in pairs]
    return figures


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Overlap of masks (N, H, W): (N,); 1 where both are empty."""
    both, sizes = (a & b).sum((1, 2)), a.sum((1, 2)) + b.sum((1, 2))
    return np.where(sizes > 0, 2 * both / np.maximum(sizes, 1), 1.0)
