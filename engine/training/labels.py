"""Organ maps for films without human masks, checked by rules, and regions from boxes."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch.nn import functional as F

from engine.masks import cardiothoracic_ratio, tidied
from engine.networks.segmenter import SIDE, Segmenter
from engine.training.data import Box, Film, Pack

LEFT, RIGHT, HEART = 1, 2, 3
REGION_SIDE = 64
# Diseases that hide lung: the lung's outline alone must not give them away.
DENSE = {"Effusion", "Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Mass"}
DENSE |= {"Infiltration", "Lung Opacity", "Edema"}


@dataclass(frozen=True)
class Labelled:
    """What the diffusion model trains on besides the pixels; all arrays have one row a film.

    ``organs`` (N, 128, 128) uint8; ``sound`` (N,) bool, whether the map may be trusted;
    ``regions`` (N, 64, 64) uint8, 255 where the findings of a boxed film are.
    """

    organs: NDArray[np.uint8]
    sound: NDArray[np.bool_]
    regions: NDArray[np.uint8]


@torch.inference_mode()
def segmented(
    network: Segmenter, images: NDArray[np.uint8], batch: int = 32
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Organ maps (N, 128, 128) and mean confidence (N,) of films (N, 256, 256) uint8."""
    maps, confidence = [], []
    network.eval()
    for start in range(0, len(images), batch):
        films = torch.from_numpy(images[start : start + batch]).float()[:, None] / 255
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(F.avg_pool2d(films, films.shape[-1] // SIDE))
        shares, found = logits.float().softmax(1).max(1)
        maps.append(found.to(torch.uint8).numpy())
        confidence.append(shares.mean((1, 2)).numpy())
    return np.concatenate(maps), np.concatenate(confidence)


def solidity(mask: NDArray[np.bool_]) -> float:
    """Area over the area after closing with a disc of a sixteenth of the side."""
    from scipy import ndimage

    radius = len(mask) // 16
    wide = np.pad(mask, 2 * radius)
    outside = np.asarray(ndimage.distance_transform_edt(~wide)) > radius
    closed = np.asarray(ndimage.distance_transform_edt(~outside)) > radius
    return float(mask.sum() / max(int(closed.sum()), 1))


def looks_sound(organs: NDArray[np.uint8], confidence: float) -> bool:
    """Whether a map has the areas, places and outlines that chests have.

    The bounds are wide: they refuse what the segmenter could not read, not what is unusual.
    """
    share = {k: float((organs == k).mean()) for k in (LEFT, RIGHT, HEART)}
    if not (0.045 < share[LEFT] < 0.30 and 0.055 < share[RIGHT] < 0.32):
        return False
    if not (0.02 < share[HEART] < 0.20 and 0.45 < share[RIGHT] / share[LEFT] < 2.4):
        return False
    centre = {k: np.argwhere(organs == k).mean(0) / len(organs) for k in share}
    if not centre[RIGHT][1] < centre[HEART][1] < centre[LEFT][1]:
        return False
    if centre[LEFT][1] - centre[RIGHT][1] < 0.22 or abs(centre[LEFT][0] - centre[RIGHT][0]) > 0.13:
        return False
    if centre[HEART][0] < min(centre[LEFT][0], centre[RIGHT][0]):
        return False
    ratio = cardiothoracic_ratio(organs)
    if ratio is None or not 0.28 < ratio < 0.82:
        return False
    if min(solidity(organs == LEFT), solidity(organs == RIGHT)) < 0.91:
        return False
    return solidity(organs == HEART) > 0.93 and confidence > 0.85


def ellipse(box: Box, side: int) -> NDArray[np.bool_]:
    """The rounded inside of a box on a grid of ``side`` cells."""
    centre = (np.arange(side) + 0.5) / side
    across = (centre - box.x - box.w / 2) / (box.w / 2 + 0.5 / side)
    down = (centre - box.y - box.h / 2) / (box.h / 2 + 0.5 / side)
    # Exponent 2.5: between an ellipse and its box, as boxes are drawn tight.
    return np.abs(down)[:, None] ** 2.5 + np.abs(across)[None, :] ** 2.5 <= 1


def hull(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Convex hull of a mask, filled."""
    from scipy.spatial import ConvexHull

    points = np.argwhere(mask)
    if len(points) < 4:
        return mask
    corners = points[ConvexHull(points).vertices]
    picture = Image.new("1", mask.shape[::-1])
    ImageDraw.Draw(picture).polygon([(int(x), int(y)) for y, x in corners], fill=1, outline=1)
    return np.asarray(picture) | mask


def completed(organs: NDArray[np.uint8], film: Film) -> NDArray[np.uint8]:
    """Give a diseased lung the outline it would have without the disease.

    The lung gains the boxed disease inside the thorax, and a lung much smaller than the other
    gains the other's mirror image. The heart keeps what it has.
    """
    if not DENSE & (set(film.labels) | {box.label for box in film.boxes}):
        return organs
    heart = organs == HEART
    lungs = {k: organs == k for k in (LEFT, RIGHT)}
    if not all(mask.any() for mask in lungs.values()) or not heart.any():
        return organs
    middle = (np.argwhere(lungs[LEFT])[:, 1].min() + np.argwhere(lungs[RIGHT])[:, 1].max()) / 2
    thorax = hull(lungs[LEFT] | lungs[RIGHT] | heart)
    grown = dict(lungs)
    for k, other in ((LEFT, RIGHT), (RIGHT, LEFT)):
        if lungs[k].sum() < 0.7 * lungs[other].sum():
            columns = np.round(2 * middle - np.arange(organs.shape[1])).astype(int)
            inside = (columns >= 0) & (columns < organs.shape[1])
            mirror = np.zeros_like(heart)
            mirror[:, inside] = lungs[other][:, columns[inside]]
            grown[k] = grown[k] | (mirror & thorax)
    column = np.arange(organs.shape[1])[None, :]
    for box in film.boxes:
        if box.label in DENSE:
            disease = ellipse(box, len(organs)) & thorax
            grown[LEFT] = grown[LEFT] | (disease & (column > middle))
            grown[RIGHT] = grown[RIGHT] | (disease & (column <= middle))
    result = np.zeros_like(organs)
    for k, other in ((LEFT, RIGHT), (RIGHT, LEFT)):
        whole = _closed(grown[k], len(organs) // 12) & ~lungs[other] & ~heart
        result[whole & (result == 0)] = k
    result[heart] = HEART
    return result


def _closed(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    from scipy import ndimage

    wide = np.pad(mask, 2 * radius)
    outside = np.asarray(ndimage.distance_transform_edt(~wide)) > radius
    closed = np.asarray(ndimage.distance_transform_edt(~outside)) > radius
    return closed[2 * radius : -2 * radius, 2 * radius : -2 * radius]


def region(film: Film) -> NDArray[np.uint8]:
    """Where a boxed film's findings are: (64, 64), 255 inside."""
    inside = np.zeros((REGION_SIDE, REGION_SIDE), bool)
    for box in film.boxes:
        inside |= ellipse(box, REGION_SIDE)
    return inside.astype(np.uint8) * 255


def label_films(network: Segmenter, pack: Pack) -> Labelled:
    """Organ maps, their soundness and finding regions for every film of ``pack``."""
    maps, confidence = segmented(network, pack.images)
    sound = np.zeros(len(maps), bool)
    for i, film in enumerate(pack.films):
        if film.mask:
            maps[i] = pack.organs[i, ::2, ::2]
            sound[i] = True
            continue
        maps[i] = tidied(maps[i])
        sound[i] = looks_sound(maps[i], float(confidence[i]))
        if sound[i]:
            maps[i] = completed(maps[i], film)
    regions = np.stack([region(film) for film in pack.films])
    return Labelled(maps, sound, regions)
