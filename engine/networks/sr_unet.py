"""The U-Net of Cheff's super-resolution (from 256 to 1024 px); no library has this shape.

A pixel-space U-Net in the style of Ho et al. 2020 with linear attention (Shen et al. 2021). It
sees the noisy picture and the enlarged small one, (B, 2, H, W) with H and W divisible by 128, and
says the noise, (B, 1, H, W). Names of the parts are those of the published files. Three of its
ways look like slips and are part of the weights: linear attention sits at up stages 4 to 6 (the
encoder's rule, not mirrored), the first skip is unused, and the time embedding has sines first.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEADS, HEAD_WIDTH = 4, 32
FIRST_ATTENDING = 4  # stage index, in both halves


@dataclass(frozen=True, kw_only=True)
class SRPlan:
    """``first`` is the width of the stem; stage i is ``dim * multiples[i]`` wide."""

    dim: int = 16
    first: int = 10
    channels: int = 2
    out_channels: int = 1
    multiples: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 32, 32)


class TimeSinusoid(nn.Module):
    """Time (B,) -> (B, width): sines, then cosines."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pairs = width // 2

    def forward(self, t: Tensor) -> Tensor:
        spacing = math.log(10000) / (self.pairs - 1)
        rates = torch.exp(torch.arange(self.pairs, device=t.device) * -spacing)
        angles = t[:, None] * rates[None]
        return torch.cat((angles.sin(), angles.cos()), -1)


class Block(nn.Module):
    def __init__(self, inside: int, out: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(inside, out, 3, padding=1)
        self.norm = nn.GroupNorm(8, out)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.norm(self.proj(x)))


class TimedBlock(nn.Module):
    """Two blocks with the time added between them, and a shortcut."""

    def __init__(self, inside: int, out: int, time: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(time, out))
        self.block1, self.block2 = Block(inside, out), Block(out, out)
        self.res_conv = nn.Identity() if inside == out else nn.Conv2d(inside, out, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.block1(x) + self.mlp(time)[:, :, None, None]
        return self.block2(h) + self.res_conv(x)


class Attention(nn.Module):
    """Attention between all positions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_qkv = nn.Conv2d(width, 3 * HEADS * HEAD_WIDTH, 1, bias=False)
        self.to_out = nn.Conv2d(HEADS * HEAD_WIDTH, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = _heads(self.to_qkv(x))
        found = F.scaled_dot_product_attention(q.mT, k.mT, v.mT).mT
        return self.to_out(_joined(found, x))


class LinearAttention(nn.Module):
    """Attention whose cost grows with the number of positions, not with its square."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_qkv = nn.Conv2d(width, 3 * HEADS * HEAD_WIDTH, 1, bias=False)
        self.to_out = nn.Sequential(nn.Conv2d(HEADS * HEAD_WIDTH, width, 1), nn.GroupNorm(1, width))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = _heads(self.to_qkv(x))
        q = q.softmax(-2) * HEAD_WIDTH**-0.5
        context = k.softmax(-1) @ v.mT
        return self.to_out(_joined(context.mT @ q, x))


class Normed(nn.Module):
    """Normalise, then ``fn``."""

    def __init__(self, width: int, fn: nn.Module) -> None:
        super().__init__()
        self.fn = fn
        self.norm = nn.GroupNorm(1, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fn(self.norm(x))


class Residual(nn.Module):
    def __init__(self, fn: nn.Module) -> None:
        super().__init__()
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        return x + self.fn(x)


class SRUNet(nn.Module):
    """(B, 2, H, W) and times (B,) -> predicted noise (B, 1, H, W)."""

    def __init__(self, plan: SRPlan) -> None:
        super().__init__()
        time = 4 * plan.dim
        widths = [plan.first, *(plan.dim * m for m in plan.multiples)]
        levels = list(pairwise(widths))
        self.init_conv = nn.Conv2d(plan.channels, plan.first, 7, padding=3)
        self.time_mlp = nn.Sequential(
            TimeSinusoid(plan.dim), nn.Linear(plan.dim, time), nn.GELU(), nn.Linear(time, time)
        )
        self.downs = nn.ModuleList(
            nn.ModuleList(
                [
                    TimedBlock(inside, out, time),
                    TimedBlock(out, out, time),
                    _attending(i, out),
                    nn.Conv2d(out, out, 4, 2, 1) if i + 1 < len(levels) else nn.Identity(),
                ]
            )
            for i, (inside, out) in enumerate(levels)
        )
        deepest = widths[-1]
        self.mid_block1 = TimedBlock(deepest, deepest, time)
        self.mid_attn = Residual(Normed(deepest, Attention(deepest)))
        self.mid_block2 = TimedBlock(deepest, deepest, time)
        self.ups = nn.ModuleList(
            nn.ModuleList(
                [
                    TimedBlock(2 * inside, out, time),
                    TimedBlock(out, out, time),
                    _attending(i, out),
                    nn.ConvTranspose2d(out, out, 4, 2, 1),
                ]
            )
            for i, (out, inside) in enumerate(reversed(levels[1:]))
        )
        last = widths[1]
        self.final_conv = nn.Sequential(
            Residual(nn.Sequential(Block(last, last), Block(last, last))),
            nn.Conv2d(last, plan.out_channels, 1),
        )

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        x = self.init_conv(x)
        time = self.time_mlp[1:](self.time_mlp[0](t).to(x.dtype))  # angles stay in float32
        skips = []
        for stage in self.downs:
            first, second, attend, smaller = stage  # pyright: ignore[reportGeneralTypeIssues]
            x = attend(second(first(x, time), time))
            skips.append(x)
            x = smaller(x)
        x = self.mid_block2(self.mid_attn(self.mid_block1(x, time)), time)
        for stage in self.ups:
            first, second, attend, larger = stage  # pyright: ignore[reportGeneralTypeIssues]
            x = torch.cat((x, skips.pop()), 1)
            x = larger(attend(second(first(x, time), time)))
        return self.final_conv(x)


def _attending(stage: int, width: int) -> nn.Module:
    if stage < FIRST_ATTENDING:
        return nn.Identity()
    return Residual(Normed(width, LinearAttention(width)))


def _heads(qkv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, 3 * heads * width, H, W) -> three of (B, heads, width, H * W)."""
    split = qkv.flatten(2).unflatten(1, (3, HEADS, HEAD_WIDTH))
    return split[:, 0], split[:, 1], split[:, 2]


def _joined(found: Tensor, like: Tensor) -> Tensor:
    """(B, heads, width, H * W) -> (B, heads * width, H, W)."""
    return found.flatten(1, 2).unflatten(-1, like.shape[-2:])
