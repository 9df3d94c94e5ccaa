"""A codec whose encoder is a principal component analysis of 8 x 8 blocks.

The encoder is closed-form and frozen; its latents are standardised per channel. Two decoders read
the same latents: "fidelity" keeps to what was encoded, "texture" adds the grain and fine edges of
a film, invented from noise that the caller gives.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BLOCK = 8  # px a side of one latent cell
CHANNELS = 10  # block mean and all patterns of first, second and third order
GRAIN = 8  # channels of noise the texture decoder takes, at half of the image's size

Head = Literal["fidelity", "texture"]


class Residual(nn.Module):
    """Two convolutions whose sum starts at zero; no normalisation, so brightness survives."""

    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(x))))


class Refiner(nn.Module):
    """What a decoder adds to the linear reconstruction: (B, C, h, w) -> (B, 1, 8h, 8w)."""

    def __init__(self, channels: int, widths: tuple[int, int, int], grain: int):
        super().__init__()
        low, middle, high = widths
        self.low = nn.Sequential(
            nn.Conv2d(channels, low, 3, padding=1),
            Residual(low),
            Residual(low),
            nn.Conv2d(low, 4 * middle, 1),
            nn.PixelShuffle(2),
        )
        self.middle = nn.Sequential(
            Residual(middle), Residual(middle), nn.Conv2d(middle, 4 * high, 1), nn.PixelShuffle(2)
        )
        self.grain = nn.Conv2d(grain, high, 1, bias=False) if grain else None
        self.high = nn.Sequential(Residual(high), Residual(high), nn.SiLU())
        self.last = nn.Conv2d(high, 4, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, latents: Tensor, noise: Tensor | None = None) -> Tensor:
        x = self.middle(self.low(latents))
        if self.grain is not None and noise is not None:
            x = x + self.grain(noise)
        return F.pixel_shuffle(self.last(self.high(x)), 2)


class LinearCodec(nn.Module):
    """Image (B, 1, H, W) in [0, 1] <-> latents (B, channels, H/8, W/8), each about standard normal.

    H and W are any multiples of 8. ``basis`` is (channels, 64), orthonormal rows over a block's
    pixels; ``mean`` and ``std`` are (channels,), those of the raw coefficients.
    """

    basis: Tensor
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        channels: int = CHANNELS,
        fidelity: tuple[int, int, int] = (128, 64, 32),
        texture: tuple[int, int, int] = (128, 64, 32),
    ):
        super().__init__()
        self.channels = channels
        self.register_buffer("basis", torch.zeros(channels, BLOCK * BLOCK))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))
        self.fidelity = Refiner(channels, fidelity, 0)
        self.texture = Refiner(channels, texture, GRAIN)

    def encode(self, image: Tensor) -> Tensor:
        raw = F.conv2d(image, self.basis.view(-1, 1, BLOCK, BLOCK), stride=BLOCK)
        return (raw - self.mean.view(-1, 1, 1)) / self.std.view(-1, 1, 1)

    def linear(self, latents: Tensor) -> Tensor:
        """The closed-form reconstruction, before any network."""
        raw = latents * self.std.view(-1, 1, 1) + self.mean.view(-1, 1, 1)
        return F.conv_transpose2d(raw, self.basis.view(-1, 1, BLOCK, BLOCK), stride=BLOCK)

    def decode(
        self, latents: Tensor, head: Head = "fidelity", noise: Tensor | None = None
    ) -> Tensor:
        """Latents -> image, about [0, 1].

        ``noise`` is (B, 8, H/2, W/2), standard normal, and is used by the texture head only;
        without it the texture head draws its calmest version. What the head adds may be of half
        precision; the linear part, which carries the brightness, is not.
        """
        refiner = self.fidelity if head == "fidelity" else self.texture
        given = latents.to(refiner.last.weight.dtype)
        if noise is not None:
            noise = noise.to(given.dtype)
        return self.linear(latents) + refiner(given, None if head == "fidelity" else noise)

    def forward(self, image: Tensor) -> Tensor:
        return self.decode(self.encode(image))


@torch.no_grad()
def fit(codec: LinearCodec, images: Tensor) -> None:
    """Set the encoder from ``images`` (N, 1, H, W) in [0, 1]: the best linear one there is."""
    blocks = F.unfold(images, BLOCK, stride=BLOCK).movedim(1, 2).reshape(-1, BLOCK * BLOCK)
    # The block mean comes first by itself: it carries most of the variance about zero.
    _, vectors = torch.linalg.eigh((blocks.T @ blocks).double() / len(blocks))
    basis = vectors.flip(1)[:, : codec.channels].T.float()
    # A fixed sign, so that two fits of the same films agree.
    strongest = basis.abs().argmax(1, keepdim=True)
    basis = basis * basis.gather(1, strongest).sign()
    raw = blocks @ basis.T
    codec.basis.copy_(basis)
    codec.mean.copy_(raw.mean(0))
    codec.std.copy_(raw.std(0))
