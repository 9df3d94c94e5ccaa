"""The embedded networks as modules: built from a description, loaded strictly.

A description is the JSON beside the weights. What the drawing says reaches the diffusion model as
condition channels next to the latent; this file owns their order.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.networks.judge import Judge
from engine.networks.linear_codec import LinearCodec
from engine.networks.segmenter import Segmenter
from engine.networks.text import PAD, build_text_encoder, read_vocabulary, rows

CELL = 8  # px a side of a latent cell
ORGANS = (1, 2, 3)  # left lung, right lung, heart: the order of their channels
REACH = 8  # half-cells; farther from an outline than this, a distance says no more
CONDITIONS = 11  # 3 area shares, 3 distances, 3 known flags, region, region known


def signed_distance(inside: Tensor, reach: int = REACH) -> Tensor:
    """Distance to the outline in cells of ``inside``, over ``reach``: 1 deep inside, -1 far away.

    (N, h, w) bool -> (N, h, w) float in [-1, 1]. Exact Euclidean up to ``reach``.
    """
    outward = _distance_to(inside, reach)
    inward = _distance_to(~inside, reach)
    return ((inward - outward) / reach).clamp(-1, 1)


def _distance_to(target: Tensor, reach: int) -> Tensor:
    """Distance of each cell to the nearest cell of ``target``, at most ``reach``."""
    far = float(reach * reach)
    squares = torch.where(target, 0.0, far)
    for axis in (-1, -2):
        padding = (reach, reach, 0, 0) if axis == -1 else (0, 0, reach, reach)
        wide = F.pad(squares, padding, value=far)
        size = squares.shape[axis]
        nearest = squares
        for shift in range(-reach, reach + 1):
            moved = wide.narrow(axis, reach + shift, size)
            nearest = torch.minimum(nearest, moved + float(shift * shift))
        squares = nearest
    return squares.clamp_max(far).sqrt()


def condition_channels(
    organs: Tensor | None,
    region: Tensor | None,
    *,
    shape: tuple[int, int, int],
    known: Sequence[int] = ORGANS,
) -> Tensor:
    """What a drawing says, for the latent grid: (B, 11, h, w), ``shape`` being (B, h, w).

    ``organs`` is (B or 1, H, W) of our numbers at 4 or more px a cell, or None where nothing is
    drawn; ``known`` lists the organs the drawing speaks for. ``region`` is (B or 1, 1, H, W) in
    [0, 1], where the words apply; all zero says "no finding anywhere", None says nothing.
    """
    batch, height, width = shape
    out = torch.zeros(batch, CONDITIONS, height, width)
    if organs is not None:
        layers = torch.stack([organs == k for k in ORGANS], 1).float()
        told = torch.tensor([float(k in known) for k in ORGANS]).view(1, 3, 1, 1)
        fill_map(out, layers, told.expand(len(layers), 3, 1, 1))
    if region is not None:
        out[:, 9:10] = F.adaptive_avg_pool2d(region.float(), (height, width))
        out[:, 10] = 1
    return out


def fill_map(out: Tensor, layers: Tensor, told: Tensor) -> None:
    """Write organ ``layers`` (B, 3, H, W) into ``out``; ``told`` is (B, 3, 1, 1), 1 if known."""
    height, width = out.shape[-2:]
    fine = F.adaptive_avg_pool2d(layers, (2 * height, 2 * width))
    distance = signed_distance(fine.flatten(0, 1) >= 0.5).view(fine.shape)
    out[:, 0:3] = F.avg_pool2d(fine, 2) * told
    out[:, 3:6] = F.avg_pool2d(distance, 2) * told
    out[:, 6:9] = told


class EmbeddedDiffusion(nn.Module):
    """A conditional U-Net and the text encoder it was trained with; predicts v.

    ``known_pieces`` are the BERT numbers of the word pieces the text encoder has rows for.
    """

    def __init__(self, unet: dict[str, Any], text: dict[str, Any], known_pieces: Sequence[int]):
        super().__init__()
        from diffusers import UNet2DConditionModel
        from diffusers.models.attention_processor import AttnProcessor

        self.known_pieces = tuple(known_pieces)
        self.unet = UNet2DConditionModel(**unet)
        # Plain matrix products beat the fused attention on a CPU at 64 cells.
        self.unet.set_attn_processor(AttnProcessor())
        self.text = build_text_encoder(len(self.known_pieces), **text)

    def rows(self, texts: Sequence[str], vocabulary: dict[str, int]) -> Tensor:
        """Texts -> (B, 32) rows of the text encoder's table."""
        return rows(texts, vocabulary, self.known_pieces)

    def read(self, table: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 32) rows -> states (B, 32, 128) and their mean over the pieces said (B, 128)."""
        states = self.text(table, return_dict=True).last_hidden_state
        said = (table != self.known_pieces.index(0)).unsqueeze(-1).to(states.dtype)
        return states, (states * said).sum(1) / said.sum(1)

    def forward(
        self, x: Tensor, t: Tensor, condition: Tensor, states: Tensor, mean: Tensor
    ) -> Tensor:
        """v for noisy latents ``x`` (B, C, h, w) at training times ``t`` (B,), 0 to 999.

        ``condition`` is (B, 11, h, w) of ``condition_channels``; h and w multiples of 4.
        """
        both = torch.cat([x, condition.to(x.dtype)], 1)
        return self.unet(both, t, states, class_labels=mean).sample


class RoughController(nn.Module):
    """Organ map to the mean latent of films that have it: the rough radiograph of stage 1.

    ``forward`` takes the first 9 condition channels (B, 9, h, w) and returns (B, channels, h, w).
    """

    def __init__(self, channels: int, width: int = 64, blocks: int = 4):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(11, width, 3, padding=1)]
        for i in range(blocks):
            dilation = 2**i
            layers += [
                nn.SiLU(),
                nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation),
            ]
        self.body = nn.Sequential(*layers, nn.SiLU())
        self.last = nn.Conv2d(width, channels, 1)

    def forward(self, condition: Tensor) -> Tensor:
        height, width = condition.shape[-2:]
        # Position matters (shoulders are above): two ramps from -1 to 1.
        y = torch.linspace(-1, 1, height, device=condition.device).view(1, 1, -1, 1)
        x = torch.linspace(-1, 1, width, device=condition.device).view(1, 1, 1, -1)
        ramps = torch.cat([y.expand(1, 1, height, width), x.expand(1, 1, height, width)], 1)
        ramps = ramps.to(condition.dtype).expand(len(condition), -1, -1, -1)
        return self.last(self.body(torch.cat([condition[:, :9], ramps], 1)))


class DetailUpscaler(nn.Module):
    """Diffusion of what a 1024 px film has beyond its enlarged 256 px version.

    The detail is kept as 16 channels at a quarter of the side (``to_cells``), divided by
    ``spread``. Any size whose quarter is a multiple of 8.
    """

    spread: Tensor

    def __init__(self, unet: dict[str, Any]):
        super().__init__()
        from diffusers import UNet2DModel

        self.unet = UNet2DModel(**unet)
        self.register_buffer("spread", torch.ones(1))

    def to_cells(self, large: Tensor, small: Tensor) -> Tensor:
        """(B, 1, 4h, 4w) and (B, 1, h, w), both in [0, 1] -> detail (B, 16, h, w)."""
        return F.pixel_unshuffle(large - enlarged(small), 4) / self.spread

    def to_film(self, cells: Tensor, small: Tensor) -> Tensor:
        """Detail (B, 16, h, w) and film (B, 1, h, w) -> (B, 1, 4h, 4w), about [0, 1]."""
        return enlarged(small) + F.pixel_shuffle(cells * self.spread, 4)

    def forward(self, x: Tensor, t: Tensor, small: Tensor) -> Tensor:
        """v for noisy detail ``x`` (B, 16, h, w) at times ``t`` (B,); ``small`` is (B, 1, h, w)."""
        return self.unet(torch.cat([x, 2 * small.to(x.dtype) - 1], 1), t).sample


def enlarged(small: Tensor) -> Tensor:
    """Four times the sides, bicubic."""
    return F.interpolate(small, scale_factor=4.0, mode="bicubic", align_corners=False)


KINDS = {
    "segmenter": Segmenter,
    "codec": LinearCodec,
    "diffusion": EmbeddedDiffusion,
    "controller": RoughController,
    "upscaler": DetailUpscaler,
    "judge": Judge,
}


def build_embedded(description: dict[str, Any]) -> nn.Module:
    """The network a description tells of, with untrained weights."""
    arguments = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in description["architecture"].items()
    }
    return KINDS[description["kind"]](**arguments)


def load_embedded(path: Path, dtype: torch.dtype = torch.float32) -> nn.Module:
    """The network described by the JSON file ``path``, with the weights beside it, ready to run.

    ``dtype`` is that of the trained parameters. Buffers, such as a codec's basis and scales, stay
    float32: eight bits of them would be seen in a film.
    """
    from safetensors.torch import load_file

    description = json.loads(path.read_text("utf-8"))
    weights: dict[str, Tensor] = {}
    for name in description["files"]:
        weights.update(load_file(path.with_name(name)))
    network = build_embedded(description)
    network.load_state_dict(weights, strict=True)
    for parameter in network.parameters():
        parameter.data = parameter.data.to(dtype)
    return network.eval().requires_grad_(False)


__all__ = [
    "PAD",
    "DetailUpscaler",
    "EmbeddedDiffusion",
    "LinearCodec",
    "RoughController",
    "Segmenter",
    "build_embedded",
    "condition_channels",
    "enlarged",
    "load_embedded",
    "read_vocabulary",
    "signed_distance",
]
