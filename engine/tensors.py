"""NumPy pixels to torch films and back, and the resampling between them. Only here."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.api import Mask, Pixels

GRID = 65535  # results lie on the 16-bit grid, so that a file holds them exactly


def to_film(image: Pixels, device: torch.device | str = "cpu") -> Tensor:
    """(H, W) in [0, 1] -> (1, 1, H, W)."""
    return torch.from_numpy(np.array(image, dtype=np.float32))[None, None].to(device)


def to_pixels(film: Tensor) -> Pixels:
    """(1, C, H, W) -> (H, W) in [0, 1]: the mean of the channels, clamped, on the 16-bit grid."""
    grey = film[0].float().mean(0).clamp(0, 1).cpu().numpy()
    return on_grid(grey)


def on_grid(image: Pixels) -> Pixels:
    return (np.round(image * np.float32(GRID)) / np.float32(GRID)).astype(np.float32)


def resize(film: Tensor, height: int, width: int) -> Tensor:
    """Smooth resampling: antialiased bicubic; the same size is returned untouched."""
    if tuple(film.shape[-2:]) == (height, width):
        return film
    return F.interpolate(film, (height, width), mode="bicubic", antialias=True)


def reference_cubic(array: Tensor, height: int, width: int) -> Tensor:
    """The reference's resampling of masks and maps: bicubic (a = -0.75) without antialiasing."""
    if tuple(array.shape[-2:]) == (height, width):
        return array
    return F.interpolate(array, (height, width), mode="bicubic", align_corners=False)


def mask_tensor(mask: Mask, device: torch.device | str = "cpu") -> Tensor:
    """(H, W) -> (1, 1, H, W)."""
    return torch.from_numpy(np.array(mask, dtype=np.float32))[None, None].to(device)
