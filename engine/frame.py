"""The frame a model works in, and the way back to the film.

Models see a square of their own size in the tone they were trained on: black and white at
the 0.5th and 99.5th percentile. A film of any size and tone is brought there and back.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from engine import masks
from engine.api import Mask, Pixels
from engine.tensors import resize

DARKEST, BRIGHTEST = 0.5, 99.5  # percentiles; the training films were windowed so


@dataclass(frozen=True)
class Frame:
    height: int
    width: int
    side: int  # of the model's square, px
    low: float  # film value that is the model's 0
    high: float  # film value that is the model's 1

    def film(self, image: Pixels, device: torch.device | str = "cpu") -> Tensor:
        """(H, W) -> (1, 1, side, side) in the model's tone, clamped to [0, 1]."""
        toned = (masks.square(image) - self.low) / (self.high - self.low)
        film = torch.from_numpy(toned.astype(np.float32))[None, None]
        return resize(film, self.side, self.side).clamp(0, 1).to(device)

    def pixels(self, film: Tensor) -> Pixels:
        """(1, C, s, s) of any s in the model's tone -> (H, W) in the film's, [0, 1]."""
        longest = max(self.height, self.width)
        grey = resize(film.float().mean(1, keepdim=True).cpu(), longest, longest)[0, 0].numpy()
        grey = masks.unsquare(grey, self.height, self.width)
        return np.clip(grey * (self.high - self.low) + self.low, 0, 1).astype(np.float32)

    def soft(self, zone: Mask) -> Tensor:
        """A zone, (H, W) -> (1, 1, side, side); thin strokes survive."""
        return masks.mask_at(zone, self.side)


def plain_frame(height: int, width: int, side: int) -> Frame:
    """For pictures that the model itself makes: the tone is already its own."""
    return Frame(height, width, side, 0.0, 1.0)


def frame_of(image: Pixels, hidden: Mask, side: int) -> Frame:
    """The frame of a film, its tone measured outside ``hidden`` only.

    A film that already fills the range is left in its tone, so that our own pictures pass
    through unchanged; so is one too flat to measure.
    """
    seen = image[hidden == 0]
    height, width = image.shape
    if seen.size == 0:
        return plain_frame(height, width, side)
    low, high = (float(v) for v in np.percentile(seen, (DARKEST, BRIGHTEST)))
    full = low < 0.04 and high > 0.9
    if full or high - low < 0.02:
        return plain_frame(height, width, side)
    return Frame(height, width, side, low, high)


def thumbnail(image: Pixels, longest: int) -> Pixels:
    """``image`` no larger than ``longest`` px a side, for previews."""
    scale = longest / max(image.shape)
    if scale >= 1:
        return image
    size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
