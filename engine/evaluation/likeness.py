"""How alike two pictures are: mean square error, PSNR and SSIM. Pictures lie in [0, 1]."""

import torch
from torch import Tensor

from engine.training.codec import ssim

__all__ = ["likeness", "mean_square", "psnr", "ssim"]


def mean_square(a: Tensor, b: Tensor) -> Tensor:
    """(B, 1, H, W) twice -> (B,)."""
    return (a.double() - b.double()).pow(2).mean((1, 2, 3))


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB for a peak of 1: (B,)."""
    return -10 * mean_square(a, b).clamp_min(1e-12).log10()


@torch.inference_mode()
def likeness(found: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """All three of each picture, computed in float32 or better; ``found`` is clamped first."""
    found = found.float().clamp(0, 1)
    return {
        "psnr": psnr(found, truth),
        "ssim": ssim(found, truth.float()),
        "mse": mean_square(found, truth),
    }
