"""Super-resolution against real films that exist at 1024 px, in the form of Cheff's Table 2.

Its columns are MSE, PSNR and SSIM of the 1024 px picture. Rows: enlargement without any model, the
upscaler on the film itself, and on the film after the codec (the whole chain a drawn film takes).
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engine.api import Quality, Sampling, UpscaleRequest
from engine.bundle import ModelSet, Painter
from engine.evaluation.codecs import BATCH
from engine.evaluation.likeness import likeness
from engine.networks.small import enlarged
from engine.recipes.upscale import upscale
from engine.tensors import on_grid

Say = Callable[[str], None]
Films = NDArray[np.uint8]  # (N, 1024, 1024)


@torch.inference_mode()
def upscaling_figures(
    models: ModelSet,
    painter: Painter | None,
    large: Films,
    qualities: Sequence[Quality],
    say: Say,
) -> dict[str, Any]:
    """Rows of the table for real films ``large`` (N, 1024, 1024) at each of ``qualities``."""
    truth = torch.from_numpy(large)[:, None].float() / 255
    small = F.avg_pool2d(truth, 4)
    rows: dict[str, Any] = {
        "nearest pixel": row(F.interpolate(small, scale_factor=4.0), truth),
        "bicubic": row(enlarged(small).clamp(0, 1), truth),
    }
    if models.upscaler is None:
        return {**rows, "films": len(large)}
    for quality in qualities:
        say(f"upscaling: {quality}")
        started = time.monotonic()
        found = enlarge(models, small, quality)
        spent = (time.monotonic() - started) / max(len(large), 1)
        steps = models.upscaling(quality).steps
        rows[f"ours, {steps} steps ({quality})"] = {**row(found, truth), "seconds": round(spent, 2)}
    if painter is not None and painter.codec.size == small.shape[-1]:
        say("upscaling: after the codec")
        through = through_codec(painter, small.to(models.device))
        rows["codec, then bicubic"] = row(enlarged(through).clamp(0, 1), truth)
        rows["codec, then ours (standard)"] = row(enlarge(models, through, "standard"), truth)
    return {**rows, "films": len(large), "side": large.shape[-1]}


def through_codec(painter: Painter, films: Tensor) -> Tensor:
    """(N, 1, s, s) encoded and faithfully decoded, in [0, 1]."""
    codec = painter.codec
    parts = [codec.decode(codec.encode(part)) for part in films.split(BATCH)]
    return torch.cat(parts).float().mean(1, keepdim=True).clamp(0, 1).cpu()


def enlarge(models: ModelSet, small: Tensor, quality: Quality) -> Tensor:
    """(N, 1, 256, 256) -> (N, 1, 1024, 1024), each by an upscale of its own as a user asks it."""
    found = []
    for seed, film in enumerate(small):
        request = UpscaleRequest(
            image=on_grid(film[0].numpy()), sampling=Sampling(seed=seed, quality=quality)
        )
        (painted,) = upscale(request, models, (seed,), lambda event: None)
        found.append(torch.from_numpy(painted.image)[None])
    return torch.stack(found)


def row(found: Tensor, truth: Tensor) -> dict[str, float]:
    """Means over the films; films one at a time, as 1024 px are large."""
    told: dict[str, list[float]] = {"mse": [], "psnr": [], "ssim": []}
    for a, b in zip(found.split(1), truth.split(1), strict=True):
        for figure, value in likeness(a, b).items():
            told[figure].append(float(value))
    return {k: round(float(np.mean(v)), 6 if k == "mse" else 4) for k, v in told.items()}
