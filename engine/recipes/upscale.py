"""Super-resolution to 1024 px: the film's own content, with invented fine detail."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from engine import masks
from engine.api import OnEvent, UpscaleRequest
from engine.bundle import ModelSet
from engine.painting import Painted, upscaled
from engine.sampling import SeededNoise
from engine.tensors import resize, to_film, to_pixels

TARGET = 1024  # px, of the longer side
FILM_SIDE = 256  # px, what the upscalers were trained to read


def upscale(
    request: UpscaleRequest, models: ModelSet, seeds: Sequence[int], on_event: OnEvent
) -> list[Painted]:
    sampling = request.sampling.filled(models.upscaling(request.sampling.quality))
    height, width = request.image.shape
    longest = max(height, width)
    given = to_film(masks.square(request.image), models.device)
    film = resize(given, FILM_SIDE, FILM_SIDE).clamp(0, 1).expand(len(seeds), -1, -1, -1)

    noise = SeededNoise(*seeds, device=models.device)
    large = upscaled(film, models, noise, on_event, sampling.steps)
    # What the film shows at its own size is kept: only what is finer is invented.
    missing = given - resize(large, longest, longest)
    large = (large + resize(missing, TARGET, TARGET)).clamp(0, 1)

    tall, wide = round(height * TARGET / longest), round(width * TARGET / longest)
    images = [masks.unsquare(to_pixels(item), tall, wide).copy() for item in torch.split(large, 1)]
    return [
        Painted(image=i, states={"opened": request.image, "upscaled": i}, organs=None,
                request=replace(request, sampling=sampling))
        for i in images
    ]  # fmt: skip
