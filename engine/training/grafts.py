"""Findings cut from boxed films, to be laid onto healthy ones.

A boxed film is sick all over: from such films alone a model learns that a finding changes the whole
picture. What a finding adds is therefore measured in the film it was found in, against what a film
with these organs shows on average, and added to films of healthy chests: the same film with and
without it, words and region known exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from engine.networks.linear_codec import BLOCK, LinearCodec
from engine.networks.small import CONDITIONS, RoughController, fill_map
from engine.training.data import SIZE, Box, Film, Pack
from engine.training.labels import HEART, LEFT, RIGHT, Labelled, ellipse

# What can be laid onto another chest: added shadow, in one place, not tied to the heart.
SPREAD = {"Atelectasis", "Effusion", "Infiltration", "Pneumonia", "Lung Opacity"}
ROUND = {"Mass", "Nodule"}
SOFT = 2.5  # px; what is finer in a spread shadow are ribs of the film it came from
FEATHER = 0.18  # of a region's shorter side
FAINTEST = {
    "spread": 0.08,
    "round": 0.02,
}  # mean of the shadow, of full scale; fainter teaches nothing
LIMIT = 0.3  # of full scale; brighter is metal or bowel, not disease
LARGEST_ROUND = 0.22  # of the film's side
MARGIN = 0.35  # of a box, kept around it for the feather


@dataclass(frozen=True)
class Graft:
    """``added`` (h, w) float32, shares of full scale, for the box enlarged by ``MARGIN``.

    ``place`` is the box in shares of its lung's bounding box; ``side`` is LEFT or RIGHT.
    """

    label: str
    side: int
    place: Box
    added: NDArray[np.float32]


def lung_frame(organs: NDArray[np.uint8], side: int) -> tuple[float, float, float, float] | None:
    """x, y, width and height of one lung, shares of the film's side; None where it is missing."""
    rows, columns = np.nonzero(organs == side)
    if len(rows) < 50:
        return None
    size = len(organs)
    x, y = columns.min() / size, rows.min() / size
    return x, y, (columns.max() + 1) / size - x, (rows.max() + 1) / size - y


@torch.inference_mode()
def expected_films(
    controller: RoughController, codec: LinearCodec, organs: NDArray[np.uint8], batch: int = 16
) -> NDArray[np.uint8]:
    """What films with these organs (N, 128, 128) show on average: (N, 256, 256) uint8."""
    films = []
    for part in torch.from_numpy(organs).split(batch):
        layers = torch.stack([part == k for k in (LEFT, RIGHT, HEART)], 1).float()
        grid = SIZE // BLOCK
        condition = torch.zeros(len(part), CONDITIONS, grid, grid)
        fill_map(condition, layers, torch.ones(len(part), 3, 1, 1))
        film = codec.linear(controller(condition)).clamp(0, 1)[:, 0]
        films.append((film * 255).round().to(torch.uint8).numpy())
    return np.concatenate(films) if films else np.zeros((0, SIZE, SIZE), np.uint8)


def collect(
    pack: Pack, labelled: Labelled, controller: RoughController, codec: LinearCodec
) -> list[Graft]:
    """Every usable boxed finding of the training films."""
    boxed = [i for i in pack.select("train") if pack.films[i].boxes and labelled.sound[i]]
    expected = expected_films(controller, codec, labelled.organs[boxed])
    grafts = []
    for i, average in zip(boxed, expected, strict=True):
        film = pack.films[i]
        residual = (pack.images[i].astype(np.float32) - average) / 255
        lungs = cv2.resize(labelled.organs[i], (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)
        clear = np.isin(lungs, (LEFT, RIGHT)) & ~_boxed(film)
        if clear.sum() > 500:  # the film's own exposure is no finding
            residual -= float(np.median(residual[clear]))
        for box in film.boxes:
            graft = cut(box, pack.images[i], residual, labelled.organs[i])
            if graft is not None:
                grafts.append(graft)
    return grafts


def _boxed(film: Film) -> NDArray[np.bool_]:
    inside = np.zeros((SIZE, SIZE), bool)
    for box in film.boxes:
        inside |= ellipse(box, SIZE)
    return inside


def cut(
    box: Box, image: NDArray[np.uint8], residual: NDArray[np.float32], organs: NDArray[np.uint8]
) -> Graft | None:
    """The shadow that ``box`` frames, or None where there is none to speak of."""
    if box.label not in SPREAD | ROUND:
        return None
    if box.label in ROUND and max(box.w, box.h) > LARGEST_ROUND:
        return None
    frames = {side: lung_frame(organs, side) for side in (LEFT, RIGHT)}
    overlaps = {side: _overlap(box, frame) for side, frame in frames.items() if frame}
    if not overlaps or max(overlaps.values()) < 0.5:
        return None
    side = max(overlaps, key=lambda s: overlaps[s])
    frame = frames[side]
    assert frame is not None
    wide = _widened(box)
    if box.label in ROUND:
        smaller = min(box.w, box.h) * SIZE
        source = image.astype(np.float32) / 255
        added, faintest = source - cv2.GaussianBlur(source, (0, 0), smaller), FAINTEST["round"]
    else:
        added, faintest = cv2.GaussianBlur(residual, (0, 0), SOFT), FAINTEST["spread"]
    # A finding of these kinds never lets more through.
    added = np.float32(LIMIT) * np.tanh(_cropped(added.clip(min=0), wide) / np.float32(LIMIT))
    inside = _cropped(ellipse(box, SIZE).astype(np.float32), wide) > 0.5
    if not inside.any() or added[inside].mean() < faintest:
        return None
    x, y, w, h = frame
    place = Box(box.label, (box.x - x) / w, (box.y - y) / h, box.w / w, box.h / h)
    return Graft(box.label, side, place, added)


def laid(
    image: NDArray[np.uint8],
    organs: NDArray[np.uint8],
    graft: Graft,
    strength: float,
    mirrored: bool,
) -> tuple[NDArray[np.uint8], Box] | None:
    """``image`` (256, 256) with the graft, and its box there; None where the lung is missing."""
    side = (LEFT + RIGHT - graft.side) if mirrored else graft.side
    frame = lung_frame(organs, side)
    if frame is None:
        return None
    x, y, w, h = frame
    place = graft.place
    left = 1 - place.x - place.w if mirrored else place.x
    box = Box(graft.label, x + left * w, y + place.y * h, place.w * w, place.h * h)
    added = graft.added[:, ::-1] if mirrored else graft.added
    wide = _widened(box)
    scale = np.array([wide.w * SIZE / added.shape[1], wide.h * SIZE / added.shape[0]])
    moved = np.array(
        [[scale[0], 0, wide.x * SIZE + 0.5 * (scale[0] - 1)],
         [0, scale[1], wide.y * SIZE + 0.5 * (scale[1] - 1)]]
    )  # fmt: skip
    whole = cv2.warpAffine(np.ascontiguousarray(added), moved, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
    feather = max(FEATHER * min(box.w, box.h) * SIZE, 1.5)
    soft = cv2.GaussianBlur(ellipse(box, SIZE).astype(np.float32), (0, 0), feather)
    film = image.astype(np.float32) / 255
    # Shadows saturate: where little light comes through, more tissue changes little.
    film = film + strength * soft * whole * np.clip(1.25 - film, 0, 1)
    return (np.clip(film, 0, 1) * 255 + 0.5).astype(np.uint8), box


def _overlap(box: Box, frame: tuple[float, float, float, float]) -> float:
    """Share of the box that lies in a lung's bounding box."""
    x, y, w, h = frame
    across = min(box.x + box.w, x + w) - max(box.x, x)
    down = min(box.y + box.h, y + h) - max(box.y, y)
    return max(across, 0) * max(down, 0) / (box.w * box.h)


def _widened(box: Box) -> Box:
    return Box(
        box.label,
        box.x - MARGIN * box.w,
        box.y - MARGIN * box.h,
        box.w * (1 + 2 * MARGIN),
        box.h * (1 + 2 * MARGIN),
    )


def _cropped(whole: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
    """The pixels of ``box``; beyond the film its edge continues."""
    top, left = round(box.y * SIZE), round(box.x * SIZE)
    rows = np.arange(top, top + max(round(box.h * SIZE), 2)).clip(0, SIZE - 1)
    columns = np.arange(left, left + max(round(box.w * SIZE), 2)).clip(0, SIZE - 1)
    return np.ascontiguousarray(whole[rows][:, columns], np.float32)


def chosen(grafts: Sequence[Graft], generator: torch.Generator) -> tuple[Graft, float, bool]:
    """A graft, its strength and whether it goes to the other side."""
    index = int(torch.randint(len(grafts), (1,), generator=generator))
    strength = 1.0 + 0.6 * float(torch.rand(1, generator=generator))
    return grafts[index], strength, bool(torch.rand(1, generator=generator) < 0.4)
