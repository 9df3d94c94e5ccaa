"""Does the model repeat films it was trained on? Nearest training films, three ways."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.evaluation.features import features_of
from engine.evaluation.likeness import ssim
from engine.networks.judge import Judge
from engine.networks.linear_codec import LinearCodec

TOO_ALIKE = 0.9  # SSIM of a pair that would be a copy
Films = NDArray[np.uint8]  # (N, 256, 256)
View = Callable[[Films], Tensor]
Distances = dict[str, list[float]]


def copy_figures(
    drawn: Films, strangers: Films, trained: Films, codec: LinearCodec, judge: Judge
) -> dict[str, Any]:
    """Distance to the nearest training film, drawn films over real strangers, per view of a film.

    ``ratio`` near 1 or above: drawn films are as far from the training films as people the model
    has never seen. Well below 1: it repeats them. SSIM is that of each film's nearest pairs.
    """
    views: dict[str, View] = {
        "block mean": lambda films: latents(codec, films)[0],
        "detail": lambda films: latents(codec, films)[1],
        "judge": lambda films: torch.from_numpy(features_of(judge, films)).float(),
    }
    figures: dict[str, Any] = {"films": len(drawn), "trained": len(trained), "ratio": {}}
    pairs, lowest = [], {}
    for name, view in views.items():
        known = view(trained)
        mine, theirs = nearest(view(drawn), known), nearest(view(strangers), known)
        figures["ratio"][name] = ratio(mine[0], theirs[0])
        lowest[name] = round(float(mine[0].min() / theirs[0].min().clamp_min(1e-9)), 3)
        pairs.append(mine[1])
    figures["ratio_of_smallest"] = lowest
    figures["distances"] = _block_distances(views["block mean"], drawn, strangers, trained)
    alike = pair_likeness(drawn, trained, pairs)
    figures["max_ssim"] = round(float(alike.max()), 3)
    figures["median_ssim"] = round(float(alike.median()), 3)
    figures["pairs_above_0.9"] = int((alike > TOO_ALIKE).sum())
    return figures


def _block_distances(view: View, drawn: Films, strangers: Films, trained: Films) -> Distances:
    """Nearest distances of the block means, for the plot."""
    known = view(trained)
    sets = {"drawn": drawn, "strangers": strangers}
    return {
        name: [round(v, 2) for v in nearest(view(films), known)[0].tolist()]
        for name, films in sets.items()
    }


@torch.inference_mode()
def latents(codec: LinearCodec, films: Films) -> tuple[Tensor, Tensor]:
    """Block means (N, 1024) and all finer patterns (N, rest), standardised."""
    parts = torch.from_numpy(films).split(64)
    found = torch.cat([codec.encode(part[:, None].float() / 255) for part in parts])
    return found[:, :1].flatten(1), found[:, 1:].flatten(1)


def nearest(some: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Distance to, and position of, the nearest row of ``known``: (N,) and (N,)."""
    found = torch.cdist(some, known).min(1)
    return found.values, found.indices


def ratio(mine: Tensor, theirs: Tensor) -> float:
    """Median over median."""
    return round(float(mine.median() / theirs.median().clamp_min(1e-9)), 3)


def pair_likeness(drawn: Films, trained: Films, pairs: list[Tensor]) -> Tensor:
    """The highest SSIM of each drawn film with one of its nearest training films: (N,)."""
    best = torch.full((len(drawn),), -1.0)
    for found in pairs:
        for start in range(0, len(drawn), 32):
            rows = slice(start, start + 32)
            a = torch.from_numpy(drawn[rows])[:, None].float() / 255
            b = torch.from_numpy(trained[found[rows].numpy()])[:, None].float() / 255
            best[rows] = torch.maximum(best[rows], ssim(a, b))
    return best
