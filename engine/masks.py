"""Masks in their forms: painted pixels, the zone that may change, latent cells.

Everywhere in this program 1 means "may change". Samplers take ``keep``, its complement; the
flip happens at the call, where both names are visible.
"""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engine.api import HEART, LEFT_LUNG, RIGHT_LUNG, Mask, Organs, Pixels

LARGE, NARROWEST = 512, 16  # px: films beyond this side, and the Gaussian of a smaller copy
Spread = Callable[[NDArray[np.float32]], NDArray[np.float32]]
SATURATION = 1.25  # of full scale, beyond which more tissue would change nothing
CHEST_RIM = 0.015  # of the longer side, between the outline of the lungs and the chest wall


def cells(zone: Tensor, cell: int) -> Tensor:
    """1 for every latent cell that contains any of the zone: an edit may grow, never shrink.

    (1, 1, H, W) -> (1, 1, H / cell, W / cell).
    """
    return (F.max_pool2d(zone, cell) > 0).float()


def grown(mask: Mask, radius: int) -> Mask:
    """``mask`` and all pixels within ``radius`` px of it, hard: the rule of the page's canvas.

    A pixel belongs to it where its centre is no further than ``radius`` from that of a masked one.
    """
    if radius < 1:
        return mask
    outside = (mask <= 0).astype(np.uint8)
    padded = cv2.copyMakeBorder(outside, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    away = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return (away <= radius + 1e-3).astype(np.float32)


def window(zone: Mask, context: int | None, smallest: int) -> tuple[slice, slice]:
    """Rows and columns of the zone with ``context`` px around, no side below ``smallest`` px.

    It stays inside the picture; all of it for None.
    """
    if context is None:
        return slice(0, zone.shape[0]), slice(0, zone.shape[1])
    found = []
    for axis, length in enumerate(zone.shape):
        used = np.flatnonzero((zone > 0).any(1 - axis))
        first, last = int(used[0]) - context, int(used[-1]) + 1 + context
        missing = max(smallest - (last - first), 0)
        first, last = first - missing // 2, last + (missing + 1) // 2
        shift = max(-first, 0) - max(last - length, 0) if last - first < length else 0
        found.append(slice(max(first + shift, 0), min(last + shift, length)))
    return found[0], found[1]


def feather(mask: Mask, radius: int) -> Mask:
    """Fade the inside of the edge over about ``radius`` pixels; the outside stays exactly 0.

    Parts thinner than the fade keep their full strength at their middle line.
    """
    if radius < 1:
        return mask
    inside = (mask > 0).astype(np.uint8)
    padded = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    widest = cv2.dilate(depth, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8))
    return (mask * np.clip(depth / np.clip(widest, 1, radius), 0, 1)).astype(np.float32)


def fill(image: Pixels, mask: Mask, spread: Spread | None = None) -> Pixels:
    """``image`` with the masked pixels replaced by a smooth guess from their surroundings.

    ``spread`` is :func:`spreading` of what is not masked, where the caller has it already. The
    result does not depend on what lies under the mask, so nothing that is erased can influence,
    or be read back from, what replaces it.
    """
    hidden = mask > 0
    if hidden.all():
        return np.full_like(image, 0.5)
    spread = spread or spreading(outside(mask))
    filled = spread(np.where(hidden, np.float32(0), image))
    return np.where(hidden, filled, image).astype(np.float32)


def outside(mask: Mask) -> NDArray[np.float32]:
    """1 where nothing may change, 0 in the zone."""
    return (mask <= 0).astype(np.float32)


def denser(image: Pixels, mask: Mask, density: float) -> Pixels:
    """``image`` with the masked area denser by ``density`` of full scale, clearer below 0.

    Fades in over a twenty-fourth of the picture. Shadows saturate: where little light comes
    through, more tissue changes little, and where none does, less changes nothing.
    """
    if density == 0:
        return image
    soft = feather(mask, round(max(image.shape) / 24))
    room = np.clip(SATURATION - image, 0, 1) if density > 0 else image
    return np.clip(image + density * soft * room, 0, 1).astype(np.float32)


def spreading(known: NDArray[np.float32]) -> Spread:
    """A function that extends values from where ``known`` is 1 into the rest, from fine to coarse
    averages.

    What depends on the area alone is worked out once for all values: that is half of the work.
    """
    weight = np.zeros_like(known)
    parts: list[tuple[float, NDArray[np.float32], NDArray[np.float32]]] = []
    sigma, longest = 2.0, max(known.shape)
    while True:
        near = blurred(known, sigma)
        trust = (1 - weight) * np.clip(near * 4, 0, 1)
        parts.append((sigma, np.maximum(near, 1e-6), trust))
        weight = weight + trust
        if sigma > longest / 2 or (weight == 1).all():  # wider averages would count nothing
            break
        sigma *= 2

    def extended(values: NDArray[np.float32]) -> NDArray[np.float32]:
        smooth = np.zeros_like(values)
        for sigma, near, trust in parts:
            smooth = smooth + trust * (blurred(values * known, sigma) / near)
        overall = float((values * known).sum() / known.sum())
        return (smooth + (1 - weight) * overall).astype(np.float32, copy=False)

    return extended


def blurred(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """``image`` (H, W) under a Gaussian of ``sigma`` px.

    The wide ones of a large film are taken on a smaller copy, where they are still some pixels
    wide: at full size their thousands of taps for each pixel would take minutes.
    """
    height, width = image.shape
    shrink = 2 ** int(max(np.log2(sigma / NARROWEST), 0)) if max(image.shape) > LARGE else 1
    if shrink == 1:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
    small = (-(-width // shrink), -(-height // shrink))
    soft = cv2.GaussianBlur(
        cv2.resize(image, small, interpolation=cv2.INTER_AREA),
        (0, 0),
        sigma * small[0] / width,
        sigmaY=sigma * small[1] / height,
    )
    whole = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole, np.float32)


def place(mask: Mask, organs: Organs) -> tuple[str, str]:
    """Side ("left", "right", "both") and zone ("upper", "middle", "lower") of a region.

    From the share of the region over each lung and its height within them; sides are the
    patient's. Empty strings where the map has no lungs to tell.
    """
    painted = mask > 0
    rows = np.flatnonzero(np.isin(organs, (LEFT_LUNG, RIGHT_LUNG)).any(1))
    if len(rows) == 0:
        return "", ""
    columns = np.arange(organs.shape[1])
    middle = np.mean(
        [np.average(columns, weights=(organs == o).sum(0) + 1e-9) for o in (LEFT_LUNG, RIGHT_LUNG)]
    )
    share_right = float(painted[:, columns < middle].sum() / painted.sum())
    side = "right" if share_right > 0.75 else "left" if share_right < 0.25 else "both"
    height = (np.average(np.arange(len(painted)), weights=painted.sum(1)) - rows[0]) / max(
        len(rows), 1
    )
    zone = "upper" if height < 1 / 3 else "middle" if height < 2 / 3 else "lower"
    return side, zone


def inside_chest(mask: Mask, organs: Organs) -> Mask:
    """``mask`` without what lies beyond the chest: a hull around lungs and heart, with a rim.

    A region painted over the chest wall would be filled with lung or disease there. The mask as
    it is where the map lacks a lung, or where nothing of it lies in the chest.
    """
    if not all((organs == lung).any() for lung in (LEFT_LUNG, RIGHT_LUNG)):
        return mask
    points = np.argwhere(np.isin(organs, (LEFT_LUNG, RIGHT_LUNG, HEART)))[:, ::-1]
    chest = np.zeros(organs.shape, np.uint8)
    cv2.fillConvexPoly(chest, cv2.convexHull(points.astype(np.int32)), 1)
    rim = max(round(CHEST_RIM * max(organs.shape)), 1)
    chest = cv2.dilate(chest, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1,) * 2))
    clipped = (mask * chest).astype(np.float32)
    return clipped if clipped.any() else mask


def square(array: NDArray, value: float | None = None) -> NDArray:
    """Pad the shorter side, evenly, to a square: with ``value``, or with the border's values."""
    height, width = array.shape
    longest = max(height, width)
    top, left = (longest - height) // 2, (longest - width) // 2
    pads = ((top, longest - height - top), (left, longest - width - left))
    if value is None:
        return np.pad(array, pads, mode="edge")
    return np.pad(array, pads, constant_values=value)


def unsquare(array: NDArray, height: int, width: int) -> NDArray:
    """Undo :func:`square`: the (height, width) middle of a square of the longer side."""
    longest = max(height, width)
    top, left = (longest - height) // 2, (longest - width) // 2
    return array[top : top + height, left : left + width]


def organs_at(organs: Organs, side: int) -> Organs:
    """The label map padded to a square and resampled to ``side`` px, nearest label."""
    at_side = cv2.resize(square(organs, 0), (side, side), interpolation=cv2.INTER_NEAREST_EXACT)
    return at_side.astype(np.uint8, copy=False)


def mask_at(mask: Mask, side: int) -> Tensor:
    """The mask padded to a square at ``side`` px, (1, 1, side, side); thin strokes survive."""
    padded = torch.from_numpy(square(mask, 0))[None, None]
    longest = padded.shape[-1]
    if longest > side:
        return F.adaptive_max_pool2d(padded, side)
    if longest < side:
        return F.interpolate(padded, (side, side), mode="nearest-exact")
    return padded


def cardiothoracic_ratio(organs: Organs) -> float | None:
    """Widest heart over widest span of the lungs, in columns; None without heart or lungs."""
    heart = np.flatnonzero((organs == HEART).any(0))
    lungs = np.flatnonzero(np.isin(organs, (LEFT_LUNG, RIGHT_LUNG)).any(0))
    if len(heart) == 0 or len(lungs) == 0:
        return None
    return float((heart[-1] - heart[0] + 1) / (lungs[-1] - lungs[0] + 1))


def tidied(labels: Organs) -> Organs:
    """Keep the largest piece of each organ and fill its holes."""
    clean = np.zeros_like(labels)
    for label in np.unique(labels[labels > 0]):
        count, pieces, stats, _ = cv2.connectedComponentsWithStats(
            (labels == label).astype(np.uint8)
        )
        if count < 2:
            continue
        largest = (pieces == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])).astype(np.uint8)
        contours, _ = cv2.findContours(largest, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(largest, contours, -1, 1, cv2.FILLED)
        clean[(largest > 0) & ((clean == 0) | (labels == label))] = label
    return clean
