"""Put findings into a radiograph, replace them, or remove what is there."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine import masks
from engine.api import InsertRequest, OnEvent
from engine.bundle import Conditions, ModelSet
from engine.painting import Painted, check_organs_known, finished, obeyed, repaint
from engine.prompts import finding_density, finding_notes, finding_prompt, finding_zone
from engine.recipes.segment import outlines
from engine.sampling import SeededNoise

FADE = 1 / 64  # of the picture's side over which the change blends into the film


def insert(
    request: InsertRequest, models: ModelSet, seeds: Sequence[int], on_event: OnEvent
) -> list[Painted]:
    painter = models.painter(
        "insert", lambda p: bool(p.knows.findings) or p.knows.free_text, "a finding"
    )
    sampling = request.sampling.filled(models.settings(painter, request.sampling.quality))
    noise = SeededNoise(*seeds, device=models.device)
    notes = finding_notes(painter, request.findings)  # refuses before the organs are read
    notes += check_organs_known(request.organs, painter)
    organs = request.organs
    if organs is None and painter.diffusion.takes_map:
        organs = outlines(request.image, models)
    painted = [replace(f, mask=masks.grown(f.mask, request.grow)) for f in request.findings]
    zones, said = zip(*(finding_zone(painter, f, organs) for f in painted), strict=True)
    # The recipe holds what may change: the picture it carries is black there and nowhere else.
    findings = tuple(replace(f, mask=z) for f, z in zip(painted, zones, strict=True))
    fade = round(FADE * max(request.image.shape)) if request.feather is None else request.feather
    prompts = [finding_prompt(painter, finding, organs) for finding in findings]

    images = [request.image for _ in seeds]
    states = [{"opened": request.image} for _ in seeds]
    for number, (finding, prompt) in enumerate(zip(findings, prompts, strict=True)):
        zone = zones[number]
        if number:
            finished(states[0], sampling, on_event)
        images = repaint(
            images,
            zone,
            painter,
            [Conditions(words=prompt, organs=organs, region=zone) for _ in seeds],
            obeyed(finding, sampling),
            noise,
            models,
            stage=finding.text or "removal",
            on_event=on_event,
            fade=fade,
            hidden=np.max(zones[number:], axis=0),
            density=finding_density(painter, finding) if finding.text.strip() else None,
            context=request.context,
        )
        for state, image in zip(states, images, strict=True):
            name = finding.text or "removed"
            state[name if name not in state else f"{name} {len(state)}"] = image

    done = replace(
        request, findings=findings, organs=organs, sampling=sampling, grow=0, feather=fade
    )  # the zones are grown already
    notes += tuple(sentence for sentence in said if sentence)
    return [
        Painted(image=image, states=state, organs=organs, request=done, notes=notes)
        for image, state in zip(images, states, strict=True)
    ]
