"""Random changes of geometry and tone. Randomness comes from a generator given by the caller."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def uniform(generator: torch.Generator, count: int, low: float, high: float, *more: int) -> Tensor:
    """(count, *more) numbers between ``low`` and ``high``."""
    return low + (high - low) * torch.rand(count, *more, generator=generator)


def affine_grid(
    angle: Tensor, scale_x: Tensor, scale_y: Tensor, shift_x: Tensor, shift_y: Tensor, side: int
) -> Tensor:
    """Where each output pixel looks in the input: (B, side, side, 2) in [-1, 1].

    ``angle`` in degrees; a scale above 1 enlarges the picture; shifts are in half-sides.
    """
    radians = angle * (math.pi / 180)
    cos, sin = radians.cos(), radians.sin()
    rows = torch.stack(
        [
            torch.stack([cos / scale_x, -sin / scale_x, shift_x], 1),
            torch.stack([sin / scale_y, cos / scale_y, shift_y], 1),
        ],
        1,
    )
    return F.affine_grid(rows, [len(angle), 1, side, side], align_corners=False)


def smooth_field(
    generator: torch.Generator, count: int, channels: int, cells: int, side: int
) -> Tensor:
    """A random field (count, channels, side, side), about normal, that changes slowly."""
    coarse = torch.randn(count, channels, cells, cells, generator=generator)
    return F.interpolate(coarse, size=(side, side), mode="bicubic", align_corners=False)


def sampled(picture: Tensor, grid: Tensor, mode: str = "bilinear") -> Tensor:
    """``picture`` (B, C, H, W) read at ``grid``; its edge continues beyond the frame."""
    return F.grid_sample(picture, grid, mode=mode, padding_mode="border", align_corners=False)


def strong_tone(image: Tensor, generator: torch.Generator) -> Tensor:
    """Exposure, window, bias field, noise, blur, tubes and patches: (B, 1, H, W) in about [0, 1].

    Made for the segmenter, which must hold on films whose tone it never saw.
    """
    count, side = len(image), image.shape[-1]

    def draw(low: float, high: float) -> Tensor:
        return uniform(generator, count, low, high, 1, 1, 1)

    image = image.clamp(0, 1) ** torch.exp(draw(-0.8, 0.8))
    image = (image - 0.5) * draw(0.5, 1.5) + 0.5 + draw(-0.2, 0.2)
    image = image + 0.15 * smooth_field(generator, count, 1, 3, side)
    kernel = torch.tensor([0.25, 0.5, 0.25])
    blurred = F.conv2d(
        F.pad(image, (1, 1, 1, 1), mode="replicate"), (kernel[:, None] * kernel)[None, None]
    )
    image = torch.where(draw(0, 1) < 0.3, blurred, image)
    image = image + draw(0, 0.08) * torch.randn(image.shape, generator=generator)
    image = _with_lines(image, generator)
    return _with_patches(image, generator)


def _with_patches(image: Tensor, generator: torch.Generator) -> Tensor:
    """Grey rectangles, as of markers and collimation, on about half of the images."""
    side = image.shape[-1]
    image = image.clone()
    for i in range(len(image)):
        for _ in range(int(torch.randint(0, 3, (1,), generator=generator))):
            height, width = torch.randint(side // 24, side // 5, (2,), generator=generator).tolist()
            top = int(torch.randint(0, side - height, (1,), generator=generator))
            left = int(torch.randint(0, side - width, (1,), generator=generator))
            grey = float(torch.rand(1, generator=generator)) * 1.2
            share = float(torch.rand(1, generator=generator))
            patch = image[i, :, top : top + height, left : left + width]
            patch.mul_(1 - share).add_(grey * share)
    return image


def _with_lines(image: Tensor, generator: torch.Generator) -> Tensor:
    """Bright arcs, as of leads and tubes, on about half of the images."""
    count, side = len(image), image.shape[-1]
    axis = torch.linspace(-1, 1, side)
    y, x = axis.view(1, -1, 1), axis.view(1, 1, -1)
    centre_x, centre_y = uniform(generator, count, -2, 2, 2).split(1, dim=1)
    radius = uniform(generator, count, 0.3, 2.0, 1, 1)
    width = uniform(generator, count, 0.006, 0.02, 1, 1)
    away = ((x - centre_x[..., None]) ** 2 + (y - centre_y[..., None]) ** 2).sqrt() - radius
    shine = uniform(generator, count, 0.1, 0.5, 1, 1) * (
        torch.rand(count, 1, 1, generator=generator) < 0.5
    )
    return image + (shine * torch.exp(-((away / width) ** 2)))[:, None]
