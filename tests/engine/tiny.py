"""Stand-in networks: no weights, real shapes, pictures one can predict by hand."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine import masks
from engine.api import HEART, Knows, Mask, Organs, Pixels, Sampling
from engine.bundle import Conditions, ModelSet, Painter
from engine.sampling import Estimate, Noise
from engine.schedules import zero_snr_cosine
from engine.shapes import ChestShape

SIDE, CELL = 64, 8
BACKGROUND, ORGAN = 0.25, 0.5  # what the stand-in paints outside and inside drawn organs
GREYS = {"effusion": 0.9, "cardiomegaly": 0.75}


class Blocks:
    """A codec whose latent is the mean of each 8 x 8 block, mapped to -1..1."""

    cell, channels, size = CELL, 1, SIDE

    def encode(self, film: Tensor) -> Tensor:
        return F.avg_pool2d(film, CELL) * 2 - 1

    def decode(self, latent: Tensor, grain: Noise | None = None) -> Tensor:
        return F.interpolate((latent + 1) / 2, scale_factor=CELL)

    def glance(self, latent: Tensor) -> Tensor:
        return self.decode(latent)


class Paints:
    """Wants the grey of the first known word; without words 0.5 in organs and 0.25 outside."""

    def __init__(self, takes_map: bool = True):
        self.alphas_cumprod = zero_snr_cosine(1000)
        self.takes_map = takes_map
        self.asked: list[Conditions] = []

    def denoiser(self, conditions: Sequence[Conditions]):
        self.asked += conditions
        aims = torch.cat([self._aim(c) for c in conditions]) * 2 - 1

        def estimate(x: Tensor, t: int) -> Estimate:
            abar = float(self.alphas_cumprod[t])
            return Estimate(aims, (x - abar**0.5 * aims) / (1 - abar) ** 0.5)

        return estimate

    def _aim(self, condition: Conditions) -> Tensor:
        cells = SIDE // CELL
        for word, grey in GREYS.items():
            if word in condition.words:
                return torch.full((1, 1, cells, cells), grey)
        aim = torch.full((1, 1, cells, cells), BACKGROUND)
        if condition.organs is not None:
            inside = torch.from_numpy(masks.organs_at(condition.organs, cells) > 0)
            aim[0, 0][inside] = ORGAN
        return aim


class Rough:
    """A controller whose rough radiograph is 0.8 everywhere."""

    def rough(self, organs: Organs) -> Tensor:
        return torch.full((1, 1, SIDE, SIDE), 0.8)


class Boxes:
    """A segmenter that finds the same heart in every film."""

    def organs(self, image: Pixels) -> Organs:
        found = np.zeros(image.shape, np.uint8)
        found[image.shape[0] // 2 :, image.shape[1] // 2 :] = HEART
        return found


class Enlarges:
    """An upscaler that paints nothing of its own: the film, resampled to 1024."""

    alphas_cumprod = zero_snr_cosine(1000)
    defaults = Sampling(steps=2, sampler="ddim", eta=0.0, guidance=1.0, guidance_lasts=1.0)
    qualities: ClassVar = {"draft": Sampling(steps=1), "fine": Sampling(steps=3)}

    def shape(self, film: Tensor) -> tuple[int, ...]:
        return (len(film), 1, 4, 4)

    def denoiser(self, film: Tensor):
        return lambda x, t: Estimate(torch.zeros_like(x), x)

    def picture(self, x: Tensor, film: Tensor) -> Tensor:
        return F.interpolate(film, (1024, 1024), mode="bilinear")


class Discs:
    """A shape model whose every chest is one disc."""

    templates: ClassVar = {"average": [0.0]}

    def sample(self, seed: int, size: int) -> Organs:
        return disc(size, size // 4)

    def template(self, name: str, size: int) -> Organs:
        return disc(size, size // 8)

    def chest(self, settings: ChestShape, size: int) -> Organs:
        return disc(size, round(size * (settings.ratio or 0.5) / 4))


def knows(**changes) -> Knows:
    every = ("generate", "insert", "erase", "outpaint")
    values = {
        "verbs": every,
        "findings": tuple(GREYS),
        "organs": (1, 2, 3),
        "sides": ("left", "right", "both"),
        "zones": ("upper", "middle", "lower"),
    }
    return Knows(**{**values, **changes})


def model_set(diffusion: Paints | None = None, **changes) -> ModelSet:
    painter = Painter(
        name="stand-in",
        codec=Blocks(),
        diffusion=diffusion or Paints(),
        knows=knows(),
        defaults=Sampling(steps=4, sampler="dpmpp", eta=0.0, guidance=1.0, guidance_lasts=1.0),
        controller=Rough(),
        qualities={"draft": Sampling(steps=2), "fine": Sampling(steps=8)},
    )
    values = {
        "name": "stand-in",
        "device": torch.device("cpu"),
        "cards": (),
        "painters": (painter,),
        "segmenter": Boxes(),
        "shapes": Discs(),
        "hashes": {"stand-in": "0" * 64},
    }
    return ModelSet(**{**values, **changes})


def disc(side: int, radius: int, row: int | None = None, column: int | None = None) -> Organs:
    rows, columns = np.mgrid[:side, :side]
    row, column = side // 2 if row is None else row, side // 2 if column is None else column
    return np.where((rows - row) ** 2 + (columns - column) ** 2 <= radius**2, 3, 0).astype(np.uint8)


def box_mask(side: int, first: int, last: int) -> Mask:
    mask = np.zeros((side, side), np.float32)
    mask[first:last, first:last] = 1
    return mask
