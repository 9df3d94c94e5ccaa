"""Putting an edited region back without touching anything else."""

import numpy as np

from engine.api import Mask, Pixels
from engine.masks import spread
from engine.tensors import on_grid


def paste(original: Pixels, edited: Pixels, mask: Mask) -> Pixels:
    """``edited`` where the mask is 1, ``original`` where it is 0, a blend in between.

    Pixels under a zero mask keep their exact value, bit for bit, so a reader comparing the two
    pictures finds differences only where the edit was asked for.
    """
    blend = np.clip(original + mask * (edited - original), 0, 1, dtype=np.float32)
    return np.where(mask > 0, on_grid(blend), original)


def match_surroundings(original: Pixels, edited: Pixels, zone: Mask) -> Pixels:
    """``edited`` shifted so that it meets ``original`` along the border of the zone.

    What the codec gets wrong just outside the zone is carried smoothly into it and taken off,
    so no seam shows. Only pixels outside the zone are compared.
    """
    outside = (zone == 0).astype(np.float32)
    if not outside.any():
        return edited
    difference = np.where(zone == 0, original - edited, np.float32(0)).astype(np.float32)
    return (edited + spread(difference, outside)).astype(np.float32)
