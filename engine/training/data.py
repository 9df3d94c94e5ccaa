"""Films, masks and boxes of a training folder, read once and kept as 8-bit arrays.

A training folder holds ``index.csv``, ``boxes.csv``, ``images512/``, ``images1024/`` and
``masks512/``. Its masks count 1 = right lung, 2 = left lung, 3 = heart; ours count 1 = left,
2 = right, 3 = heart, and the two are exchanged here and nowhere else.
"""

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = 256  # side of a training film, px
WINDOW = (0.5, 99.5)  # percentiles of a film that become black and white
OUR_NUMBERS = np.array([0, 2, 1, 3], np.uint8)  # value in a mask file -> our value


@dataclass(frozen=True)
class Box:
    """A radiologist's box; corner and sides are fractions of the film's side."""

    label: str
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Film:
    """One row of the index."""

    image: str
    image1024: str
    mask: str
    source: str
    patient: str
    split: str
    view: str
    sex: str
    labels: tuple[str, ...]
    boxes: tuple[Box, ...] = field(default=())


@dataclass(frozen=True)
class Pack:
    """Films with their pixels: ``images`` is (N, 256, 256) uint8, windowed to full scale.

    ``organs`` is (N, 256, 256) uint8 in our numbering and all zero where there is no mask.
    """

    films: tuple[Film, ...]
    images: NDArray[np.uint8]
    organs: NDArray[np.uint8]

    def select(self, split: str) -> NDArray[np.int64]:
        """Positions of the films of one split."""
        return np.flatnonzero([film.split == split for film in self.films])

    def with_masks(self, split: str) -> NDArray[np.int64]:
        """Positions of the films of one split that carry a human mask."""
        return np.flatnonzero([film.split == split and bool(film.mask) for film in self.films])


def read_index(folder: Path) -> tuple[Film, ...]:
    """All films listed in ``folder``, with their boxes."""
    boxes: dict[str, list[Box]] = {}
    with (folder / "boxes.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            x, y, w, h = (float(row[side]) / 512 for side in "xywh")
            boxes.setdefault(row["nih"], []).append(Box(row["label"], x, y, w, h))
    with (folder / "index.csv").open(newline="") as file:
        return tuple(
            Film(
                image=row["image"],
                image1024=row["image1024"],
                mask=row["mask"],
                source=row["source"],
                patient=row["patient"],
                split=row["split"],
                view=row["view"],
                sex=row["sex"],
                labels=tuple(label for label in row["labels"].split("|") if label),
                boxes=tuple(boxes.get(row["id"], ())),
            )
            for row in csv.DictReader(file)
        )


def windowed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Stretch a film so that its 0.5 and 99.5 percentiles are black and white."""
    low, high = np.percentile(pixels, WINDOW)
    stretched = (pixels.astype(np.float32) - low) * (255 / max(float(high - low), 1))
    return np.clip(stretched + 0.5, 0, 255).astype(np.uint8)


def read_film(path: Path, size: int = SIZE) -> NDArray[np.uint8]:
    """One film as (size, size) uint8, windowed."""
    with Image.open(path) as image:
        image.draft("L", (size, size))
        grey = image.convert("L")
        if grey.size != (size, size):
            grey = grey.resize((size, size), Image.Resampling.BOX)
        return windowed(np.asarray(grey))


def read_mask(path: Path, size: int = SIZE) -> NDArray[np.uint8]:
    """One human mask as (size, size) uint8 in our numbering."""
    with Image.open(path) as image:
        small = image.resize((size, size), Image.Resampling.NEAREST)
        return OUR_NUMBERS[np.asarray(small)]


def read_pack(folder: Path) -> Pack:
    """Read every film of ``folder`` at 256 px."""
    films = read_index(folder)
    images = np.stack([read_film(folder / film.image) for film in films])
    organs = np.zeros_like(images)
    for i, film in enumerate(films):
        if film.mask:
            organs[i] = read_mask(folder / film.mask)
    return Pack(films, images, organs)
