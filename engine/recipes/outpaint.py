"""Complete the field of view around what is kept of a radiograph."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.api import OnEvent, OutpaintRequest
from engine.bundle import Conditions, ModelSet
from engine.painting import Painted, repaint
from engine.sampling import seeded_noise


def outpaint(
    request: OutpaintRequest, models: ModelSet, seeds: Sequence[int], on_event: OnEvent
) -> list[Painted]:
    """No organ map conditions it: the organs of what is not there yet are not known."""
    painter = models.painter("outpaint", lambda p: True, "a radiograph")
    usual = models.settings(painter, request.sampling.quality)
    sampling = replace(request.sampling.filled(usual), guidance=1)
    zone = (1 - request.keep).astype(np.float32)

    images = repaint(
        [request.image for _ in seeds],
        zone,
        painter,
        [Conditions() for _ in seeds],
        sampling,
        seeded_noise(*seeds, device=models.device),
        models,
        stage="outpaint",
        on_event=on_event,
    )

    return [
        Painted(image=i, states={"opened": request.image, "completed": i}, organs=None,
                request=replace(request, sampling=sampling))
        for i in images
    ]  # fmt: skip
