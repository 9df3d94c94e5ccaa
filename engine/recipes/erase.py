"""Remove devices, letters and wires: the zone becomes the most plausible background."""

from collections.abc import Sequence
from dataclasses import replace

from engine import masks
from engine.api import EraseRequest, OnEvent
from engine.bundle import Conditions, ModelSet
from engine.painting import Painted, check_organs_known, repaint
from engine.prompts import report_prompt
from engine.recipes.segment import outlines
from engine.sampling import SeededNoise

# How firmly the coarse shape of what is erased follows the smooth guess from its surroundings.
# On held-out films 0.3 came 0.8 dB closer to what is really there than 0, and 3.6 dB where letters
# are erased from the black: left to itself, the model writes new ones there.
LEAN = 0.3


def erase(
    request: EraseRequest, models: ModelSet, seeds: Sequence[int], on_event: OnEvent
) -> list[Painted]:
    painter = models.painter(
        "erase", lambda p: not request.words or p.knows.free_text or bool(p.knows.findings), "here"
    )
    sampling = request.sampling.filled(models.settings(painter, request.sampling.quality))
    words, notes = report_prompt(painter, request.words)
    notes += check_organs_known(request.organs, painter)
    organs = request.organs
    if organs is None and painter.diffusion.takes_map:
        organs = outlines(request.image, models)

    zone, fade = masks.grown(request.mask, request.grow), request.feather or 0
    images = repaint(
        [request.image for _ in seeds],
        zone,
        painter,
        [Conditions(words=words, organs=organs) for _ in seeds],
        replace(sampling, guidance=sampling.guidance if words else 1),
        SeededNoise(*seeds, device=models.device),
        models,
        stage="erase",
        on_event=on_event,
        fade=fade,
        lean=LEAN,
        context=request.context,
    )

    done = replace(request, mask=zone, organs=organs, sampling=sampling, grow=0, feather=fade)
    return [
        Painted(image=i, states={"opened": request.image, "erased": i}, organs=organs,
                request=done, notes=notes)
        for i in images
    ]  # fmt: skip
