"""Organ maps drawn from a shape model: the mean outlines of many chests and their main variations.

The model is numbers only: signed distances (in shares of the side, positive inside) on a 64 x 64
grid, ``mean`` (3, 64, 64) and ``modes`` (M, 3, 64, 64), one standard deviation each, for the left
lung, the right lung and the heart.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.api import Organs

LIMIT = 1.5  # standard deviations; beyond, mixed modes stop being anatomical


@dataclass(frozen=True)
class Shapes:
    """The shape model and its named chests: ``templates`` maps a name to mode coefficients."""

    tensors: Mapping[str, NDArray[np.floating]]
    templates: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def sample(self, seed: int, size: int) -> Organs:
        """A label map (size, size) of a chest nobody has; the same for the same seed."""
        chest = random_coefficients(seed, len(self.tensors["modes"]))
        average = self.templates.get("average", (0.0,) * len(chest))
        moved = [a + c for a, c in zip(average, chest, strict=True)]
        return draw_organs(self.tensors, moved, size)

    def template(self, name: str, size: int) -> Organs:
        """A label map (size, size) of one of the named chests."""
        return draw_organs(self.tensors, self.templates[name], size)


def read_shapes(folder: Path) -> Shapes:
    """The shape model in ``folder``: shapes.safetensors and shapes.json."""
    from safetensors.numpy import load_file

    description = json.loads((folder / "shapes.json").read_text("utf-8"))
    tensors: dict[str, NDArray[np.floating]] = {}
    for name in description["files"]:
        tensors.update(load_file(folder / name))
    templates = {name: tuple(c) for name, c in description["templates"].items()}
    return Shapes(tensors, templates)


def draw_organs(
    shape: Mapping[str, NDArray[np.floating]], coefficients: Sequence[float], size: int
) -> Organs:
    """A label map (size, size) of the chest with these mode coefficients.

    Missing coefficients are 0; all 0 is the average chest.
    """
    mean, modes = (np.asarray(shape[name], np.float32) for name in ("mean", "modes"))
    given = np.zeros(len(modes), np.float32)
    given[: len(coefficients)] = coefficients
    distance = mean + np.tensordot(given, modes, 1)
    large = np.stack([_enlarged(layer, size) for layer in distance])
    organs = large.argmax(0).astype(np.uint8) + 1
    organs[large.max(0) <= 0] = 0
    return organs


def random_coefficients(seed: int, modes: int, spread: float = 0.6) -> list[float]:
    """Coefficients of a chest nobody has: normal, cut off where they stop being anatomical."""
    draws = np.random.default_rng(seed).standard_normal(modes) * spread
    return [round(float(c), 3) for c in np.clip(draws, -LIMIT, LIMIT)]


def _enlarged(layer: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Bilinear resampling of a square layer, cell centres on cell centres."""
    side = len(layer)
    at = np.clip((np.arange(size) + 0.5) * side / size - 0.5, 0, side - 1)
    low = np.minimum(at.astype(int), side - 2)
    share = (at - low).astype(np.float32)
    rows = layer[low] * (1 - share)[:, None] + layer[low + 1] * share[:, None]
    columns = rows[:, low] * (1 - share) + rows[:, low + 1] * share
    return columns.astype(np.float32, copy=False)
