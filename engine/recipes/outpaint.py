"""Complete the field of view around what is kept of a radiograph."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from engine.api import Mask, OnEvent, Organs, OutpaintRequest, Pixels, Sampling
from engine.bundle import Conditions, ModelSet, Painter
from engine.frame import thumbnail
from engine.painting import Painted, repaint
from engine.recipes.segment import outlines
from engine.sampling import Noise, SeededNoise


def outpaint(
    request: OutpaintRequest, models: ModelSet, seeds: Sequence[int], on_event: OnEvent
) -> list[Painted]:
    """A model that reads a map sketches first: what it reads from the sketch is the map.

    Drawn without a map, diaphragms and chest walls are smoke; the organs of what is not there yet
    can only be read from a first attempt.
    """
    painter = models.painter("outpaint", lambda p: True, "a radiograph")
    usual = models.settings(painter, request.sampling.quality)
    sampling = request.sampling.filled(usual)
    words = painter.unsaid
    sampling = replace(sampling, guidance=painter.report_guidance if words else 1)
    zone = (1 - request.keep).astype(np.float32)
    noise = SeededNoise(*seeds, device=models.device)

    maps: list[Organs | None] = [None for _ in seeds]
    if painter.diffusion.takes_map and models.segmenter is not None:
        maps = sketched(request.image, zone, painter, sampling, noise, models, len(seeds), on_event)
    healthy = np.zeros_like(zone) if words else None
    images = repaint(
        [request.image for _ in seeds],
        zone,
        painter,
        [Conditions(words=words, organs=organs, region=healthy) for organs in maps],
        sampling,
        noise,
        models,
        stage="outpaint",
        on_event=on_event,
    )

    return [
        Painted(image=i, states={"opened": request.image, "completed": i}, organs=None,
                request=replace(request, sampling=sampling))
        for i in images
    ]  # fmt: skip


def sketched(
    image: Pixels,
    zone: Mask,
    painter: Painter,
    sampling: Sampling,
    noise: Noise,
    models: ModelSet,
    count: int,
    on_event: OnEvent,
) -> list[Organs | None]:
    """Maps (H, W) read from ``count`` small attempts in half of the steps."""
    assert sampling.steps is not None
    small = thumbnail(image, painter.codec.size)
    around = cv2.resize(zone, small.shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    attempts = repaint(
        [small for _ in range(count)],
        around.astype(np.float32),
        painter,
        [Conditions() for _ in range(count)],
        replace(sampling, steps=max(sampling.steps // 2, 1), guidance=1),
        noise,
        models,
        stage="sketch",
        on_event=on_event,
    )
    size = image.shape[::-1]
    return [
        cv2.resize(outlines(a, models), size, interpolation=cv2.INTER_NEAREST_EXACT).astype(
            np.uint8
        )
        for a in attempts
    ]
