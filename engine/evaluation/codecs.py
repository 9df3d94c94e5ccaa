"""How much of a real film a codec keeps."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.bundle import Codec
from engine.evaluation.likeness import likeness
from engine.networks.linear_codec import LinearCodec
from engine.sampling import SeededNoise
from engine.tensors import resize

BATCH = 16


@torch.inference_mode()
def codec_figures(
    codec: Codec, films: NDArray[np.uint8], linear: LinearCodec | None, device: torch.device
) -> dict[str, Any]:
    """Mean PSNR (dB), SSIM and MSE of real films (N, 256, 256) after encoding and decoding.

    ``fidelity`` is the faithful decoding, ``texture`` the one with invented grain; ``linear``
    is the closed-form part of the embedded codec, where that is what is measured.
    """
    sums: dict[str, dict[str, float]] = {}
    for number, part in enumerate(torch.from_numpy(films).split(BATCH)):
        film = part[:, None].float() / 255
        side = film.shape[-1]
        seeds = range(number * BATCH, number * BATCH + len(part))
        given = resize(film, codec.size, codec.size).clamp(0, 1).to(device)
        latent = codec.encode(given)
        grain = SeededNoise(*seeds, device=device)
        found = {"fidelity": codec.decode(latent), "texture": codec.decode(latent, grain=grain)}
        if linear is not None:
            found = {"linear": linear.linear(linear.encode(film)), **found}
        for name, decoded in found.items():
            grey = resize(decoded.mean(1, keepdim=True).cpu(), side, side)
            told = sums.setdefault(name, {})
            for figure, values in likeness(grey, film).items():
                told[figure] = told.get(figure, 0.0) + float(values.sum())
    means = {
        name: {
            figure: round(total / len(films), 6 if figure == "mse" else 4)
            for figure, total in told.items()
        }
        for name, told in sums.items()
    }
    return {**means, "films": len(films)}
