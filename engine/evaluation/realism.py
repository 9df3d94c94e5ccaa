"""Do drawn films look like real ones? Distances in the judge's space; a fresh network's guess."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from engine.evaluation.features import (
    Features,
    features_of,
    frechet,
    kernel_distance_with_error,
    manifold_shares,
)
from engine.evaluation.proportions import rate
from engine.networks.judge import Judge
from engine.training.codec import high_pass
from engine.training.data import windowed

CROP = 128  # px; what the fresh network sees at a time
BATCH = 32
PEAK = 2e-3
FINE = 12.0  # how much larger the fine part is shown
Films = NDArray[np.uint8]  # (N, 256, 256)


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Films that a fresh network learns to tell apart, and others to try it on."""

    learn: tuple[Films, Films]
    test: tuple[Films, Films]


def levelled(films: Films) -> Films:
    """Every film black and white at its own 0.5 and 99.5 percentiles, so that tone alone, which
    real films were given when they were read, tells nothing."""
    return np.stack([windowed(film) for film in films]) if len(films) else films


def distances_to(judge: Judge, reference: Films, sets: dict[str, Films]) -> dict[str, Any]:
    """Fréchet distance and KID of each set to ``reference``.

    The Fréchet distance depends on the number of films, which is therefore the same for all sets;
    it says something only beside "real". KID does not, and is taken, as it is defined, on the
    plain pooled features; ``kid_error`` is what it would vary by with other films.
    """
    plain = spelled_out(judge)
    known = features_of(judge, levelled(reference))
    found = {name: features_of(judge, levelled(films)) for name, films in sets.items()}
    n = min(map(len, found.values()))
    figures: dict[str, Any] = {
        "n": n,
        "reference": len(known),
        "frechet": {name: round(frechet(shuffled(f)[:n], known), 2) for name, f in found.items()},
        "kid_x1000": {},
        "kid_error": {},
    }
    for name, f in found.items():
        value, error = kernel_distance_with_error(plain(f), plain(known))
        figures["kid_x1000"][name] = round(1000 * value, 2)
        figures["kid_error"][name] = round(1000 * error, 2)
    figures["manifold"] = {
        name: manifold_shares(known, shuffled(f)[:n]) for name, f in found.items()
    }
    return figures


def spelled_out(judge: Judge) -> Callable[[Features], Features]:
    """From standardised features back to plain means over the judge's cells."""
    mean, spread = (t.double().cpu().numpy() for t in (judge.mean, judge.spread))
    return lambda features: features * spread + mean


def shuffled(features: Features) -> Features:
    return features[np.random.default_rng(0).permutation(len(features))]


def told_apart(sides: Sides, steps: int, seed: int) -> dict[str, Any]:
    """How often a network trained for this says right whether a film is of the first side.

    0.5 is a guess. Tested on equally many films of both sides that it never saw.
    """
    tested = min(map(len, sides.test))
    if tested == 0 or min(map(len, sides.learn)) == 0:
        return rate(0, 0)
    first, second = (levelled(films) for films in sides.learn)
    network = _trained(first, second, steps, seed)
    right = 0
    for films, wanted in zip(sides.test, (False, True), strict=True):
        right += int(((_guess(network, levelled(films[:tested])) > 0) == wanted).sum())
    return rate(right, 2 * tested)


def _trained(first: Films, second: Films, steps: int, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    network = _fresh().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK, weight_decay=0.02)
    generator = torch.Generator().manual_seed(seed)
    half = BATCH // 2
    for index in range(steps):
        for group in optimiser.param_groups:  # a short rise, then down to nothing
            group["lr"] = PEAK * min(1.0, (index + 1) / 20) * (1 - index / steps)
        crops = torch.cat([_crops(films, half, generator) for films in (first, second)])
        truth = torch.cat([torch.zeros(half), torch.ones(half)])
        with torch.autocast("cpu", torch.bfloat16):
            said = network(seen(crops).contiguous(memory_format=torch.channels_last))[:, 0]
        loss = F.binary_cross_entropy_with_logits(said.float(), truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    both = [_crops(films, half, generator) for films in (first, second) for _ in range(8)]
    return settled(network, both)


@torch.inference_mode()
def settled(network: nn.Module, batches: list[Tensor]) -> nn.Module:
    """The network with its levels measured anew: after so few steps the running ones lag."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # a plain mean over what follows
    half = len(batches) // 2
    for first, second in zip(batches[:half], batches[half:], strict=True):
        network(seen(torch.cat([first, second])))
    return network.eval()


def _fresh() -> nn.Module:
    """A small network that sees grain as well as shapes."""

    def stage(inside: int, outside: int) -> list[nn.Module]:
        return [
            nn.Conv2d(inside, outside, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outside),
            nn.ReLU(),
            nn.Conv2d(outside, outside, 3, padding=1, bias=False),
            nn.BatchNorm2d(outside),
            nn.ReLU(),
        ]

    return nn.Sequential(
        *stage(2, 16),
        *stage(16, 32),
        *stage(32, 64),
        *stage(64, 96),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(96, 1),
    )


def seen(crops: Tensor) -> Tensor:
    """(B, 1, h, w) -> (B, 2, h, w): the film and its fine part, enlarged, so that grain is seen."""
    return torch.cat([2 * crops - 1, FINE * high_pass(crops)], 1)


def _crops(films: Films, count: int, generator: torch.Generator) -> Tensor:
    """(count, 1, 128, 128) in about [0, 1], with a little change of tone."""
    rows = torch.randint(len(films), (count,), generator=generator).tolist()
    last = films.shape[-1] - CROP + 1
    corners = torch.randint(0, last, (count, 2), generator=generator).tolist()
    cut = np.stack(
        [films[r, y : y + CROP, x : x + CROP] for r, (y, x) in zip(rows, corners, strict=True)]
    )
    gamma = torch.exp(0.3 * torch.rand(count, 1, 1, 1, generator=generator) - 0.15)
    return (torch.from_numpy(cut)[:, None].float() / 255) ** gamma


@torch.inference_mode()
def _guess(network: nn.Module, films: Films) -> NDArray[np.float32]:
    """Mean logit over nine crops of each film: (N,)."""
    said = []
    for part in torch.from_numpy(films).split(BATCH):
        batch = part[:, None].float() / 255
        corners = (0, (films.shape[-1] - CROP) // 2, films.shape[-1] - CROP)
        votes = [
            network(seen(batch[..., y : y + CROP, x : x + CROP]))[:, 0]
            for y in corners
            for x in corners
        ]
        said.append(torch.stack(votes).mean(0))
    return torch.cat(said).numpy()
