"""Train the upscaler on patches of films that exist at 1024 px."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engine.networks.small import DetailUpscaler
from engine.schedules import zero_snr_cosine
from engine.training.data import Film, read_film
from engine.training.diffusion import SNR_CAP, times
from engine.training.loop import Average, Plan, train

PEAK = 8e-4
# (cells a side, patches): mostly small patches, some large, as whole films are what comes later.
PATCHES = ((64, 4), (64, 4), (64, 4), (128, 1))
UNET = {
    "in_channels": 17,
    "out_channels": 16,
    "down_block_types": ["DownBlock2D", "DownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "UpBlock2D", "UpBlock2D"],
    "block_out_channels": [32, 64, 96],
    "layers_per_block": 1,
    "norm_num_groups": 16,
    "add_attention": False,
    "resnet_time_scale_shift": "scale_shift",
}


def read_large(folder: Path, films: list[Film]) -> NDArray[np.uint8]:
    """The films that exist at 1024 px: (N, 1024, 1024) uint8, windowed."""
    return np.stack([read_film(folder / film.image1024, 1024) for film in films])


def patch(films: Tensor, cells: int, count: int, generator: torch.Generator) -> Tensor:
    """(count, 1, 4 cells, 4 cells) in [0, 1] from (N, 1024, 1024) uint8, on whole cells."""
    side = 4 * cells
    rows = torch.randint(len(films), (count,), generator=generator).tolist()
    last = (films.shape[-1] - side) // 4 + 1
    corners = (4 * torch.randint(0, last, (count, 2), generator=generator)).tolist()
    cut = [
        films[row, top : top + side, left : left + side]
        for row, (top, left) in zip(rows, corners, strict=True)
    ]
    return torch.stack(cut)[:, None].float() / 255


def worn(small: Tensor, generator: torch.Generator) -> Tensor:
    """The 256 px film as a decoder might give it: a little blurred, a little noisy."""
    count = len(small)
    row = torch.tensor([0.25, 0.5, 0.25])
    wide = F.pad(small, (1, 1, 1, 1), mode="replicate")
    blurred = F.conv2d(wide, (row[:, None] * row)[None, None])
    share = torch.rand(count, 1, 1, 1, generator=generator)
    share = share * (torch.rand(count, 1, 1, 1, generator=generator) < 0.5)
    grain = 0.012 * torch.rand(count, 1, 1, 1, generator=generator)
    noise = torch.randn(small.shape, generator=generator)
    return small + share * (blurred - small) + grain * noise


def build_upscaler(films: Tensor) -> DetailUpscaler:
    """An untrained upscaler whose ``spread`` is measured on ``films`` (N, 1024, 1024) uint8."""
    network = DetailUpscaler(UNET)
    sample = patch(films, 128, 64, torch.Generator().manual_seed(0))
    network.spread.copy_(network.to_cells(sample, F.avg_pool2d(sample, 4)).std())
    return network


def train_upscaler(network: DetailUpscaler, films: Tensor, plan: Plan) -> Average:
    """Train on ``films`` (N, 1024, 1024) uint8; returns the average of the weights."""
    network.to(memory_format=torch.channels_last).train()  # pyright: ignore[reportCallIssue]
    average = Average(network, 0.998)
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK, betas=(0.9, 0.99), foreach=True)
    optimiser.param_groups[0]["peak"] = PEAK
    schedule = zero_snr_cosine()

    def step(index: int, fraction: float) -> dict[str, float]:
        generator = torch.Generator().manual_seed(index)
        cells, count = PATCHES[index % len(PATCHES)]
        large = patch(films, cells, count, generator)
        small = F.avg_pool2d(large, 4)
        clean = network.to_cells(large, small)
        t = times(count, generator)
        abar = schedule[t].view(-1, 1, 1, 1)
        noise = torch.randn(clean.shape, generator=generator)
        x = abar.sqrt() * clean + (1 - abar).sqrt() * noise
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            v = network(x, t, worn(small, generator))
        error = (v.float() - (abar.sqrt() * noise - (1 - abar).sqrt() * clean)).pow(2)
        ratio = abar.flatten() / (1 - abar.flatten())
        weight = ratio.clamp_max(SNR_CAP) / (ratio + 1)
        loss = (error.mean((1, 2, 3)) * weight).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        average.update(network, index)
        return {"loss": loss.item()}

    train(step, {"network": network, "optimiser": optimiser, "average": average}, plan)
    return average
