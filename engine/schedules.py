"""The noise schedules the networks were trained with, and nothing else about sampling.

A schedule is ``alphas_cumprod``, (T,) float32: the share of signal variance left at each
training time, falling from almost 1. Sources: numerics of Cheff and XReal (LDM linear, SR
cosine), Lin et al. 2024 (zero terminal SNR).
"""

import math

import torch
from torch import Tensor

LDM_BETAS = (0.0015, 0.0295)  # XReal and Cheff; 0.0195 leaves structure at the end


def ldm_linear() -> Tensor:
    """1000 steps, linear in the square root of beta; summed in float64 as the authors do."""
    first, last = LDM_BETAS
    betas = torch.linspace(first**0.5, last**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


def sr_cosine_betas(steps: int = 2000, offset: float = 0.008) -> Tensor:
    """Betas of Cheff's super-resolution, float32 throughout, clipped to [1e-4, 0.9999]."""
    x = torch.linspace(0, steps, steps + 1)
    share = torch.cos(((x / steps) + offset) / (1 + offset) * math.pi * 0.5) ** 2
    share = share / share[0]
    return torch.clip(1 - share[1:] / share[:-1], 1e-4, 0.9999)


def sr_cosine(steps: int = 2000) -> Tensor:
    return torch.cumprod(1 - sr_cosine_betas(steps), 0)


def zero_snr_cosine(steps: int = 1000) -> Tensor:
    """cos^2 of the training time, ending at exactly 0: the last step is pure noise.

    The embedded models use it with v-prediction, because a schedule that leaks signal at its
    end ties every picture to the training set's mean brightness.
    """
    share = torch.cos(torch.arange(1, steps + 1, dtype=torch.float64) / steps * math.pi / 2) ** 2
    share[-1] = 0.0
    return share.float()


SCHEDULES = {
    "ldm_linear": ldm_linear,
    "sr_cosine": sr_cosine,
    "zero_snr_cosine": zero_snr_cosine,
}
