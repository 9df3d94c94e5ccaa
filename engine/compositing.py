"""Putting an edited region back without touching anything else."""

import numpy as np

from engine.api import Mask, Pixels
from engine.masks import Spread, outside, spreading
from engine.tensors import on_grid


def paste(original: Pixels, edited: Pixels, mask: Mask) -> Pixels:
    """``edited`` where the mask is 1, ``original`` where it is 0, a blend in between.

    Pixels under a zero mask keep their exact value, bit for bit, so a reader comparing the two
    pictures finds differences only where the edit was asked for.
    """
    blend = np.clip(original + mask * (edited - original), 0, 1, dtype=np.float32)
    return np.where(mask > 0, on_grid(blend), original)


def match_surroundings(
    original: Pixels, edited: Pixels, zone: Mask, spread: Spread | None = None
) -> Pixels:
    """``edited`` shifted so that it meets ``original`` along the border of the zone.

    What the codec gets wrong just outside the zone is carried smoothly into it and taken off,
    so no seam shows. Only pixels outside the zone are compared. ``spread`` as in
    :func:`engine.masks.fill`.
    """
    if not (zone == 0).any():
        return edited
    spread = spread or spreading(outside(zone))
    difference = np.where(zone == 0, original - edited, np.float32(0)).astype(np.float32)
    return (edited + spread(difference)).astype(np.float32)
