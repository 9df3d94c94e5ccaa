"""A new radiograph: anatomy first, then each finding into it (XReal's two stages)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine import masks
from engine.api import Finding, GenerateRequest, OnEvent, Organs, Pixels, Sampling
from engine.bundle import Conditions, ModelSet, Painter
from engine.errors import ModelMissing
from engine.frame import Frame, plain_frame
from engine.painting import (
    DETAIL_FROM,
    Hold,
    Painted,
    check_organs_known,
    finished,
    obeyed,
    repaint,
    reporter,
    sample,
    upscaled,
)
from engine.prompts import (
    finding_density,
    finding_notes,
    finding_prompt,
    finding_zone,
    report_prompt,
    unpainted_notes,
)
from engine.remembered import digest
from engine.sampling import Noise, SeededNoise
from engine.tensors import on_grid

PULL = 0.2  # how firmly the area outside the organs follows the rough radiograph (XReal)
HELD_SHARE = 0.5  # of the schedule follows it (50 of 100 even steps in the paper)
FADE = 1 / 64  # of the picture's side over which a finding blends into the film


def generate(
    request: GenerateRequest, models: ModelSet, seeds: Sequence[int], on_event: OnEvent
) -> list[Painted]:
    painter = choose(request, models)
    sampling = request.sampling.filled(defaults_of(request, painter, models))
    noise = SeededNoise(*seeds, device=models.device)
    report, notes = report_prompt(painter, request.report, request.findings)
    prompts = [finding_prompt(painter, f, request.organs) for f in request.findings]
    notes += finding_notes(painter, request.findings)
    notes += unpainted_notes(painter, request.report, request.findings)
    notes += check_organs_known(request.organs, painter)

    organs = organs_of(request, painter, models, seeds)
    frame = plain_frame(*shape_of(request, painter), painter.codec.size)
    whole = sampling
    if request.findings:  # their guidance would burn a whole film
        whole = replace(sampling, guidance=painter.report_guidance)
    key = anatomy_key(request, painter, models, frame, organs, report, whole, seeds)
    images = models.remembered.resume(key, noise)
    if images is None:
        images = draw_anatomy(
            request, painter, models, frame, organs, report, whole, noise, on_event
        )
        models.remembered.keep(key, images, noise)
    states = [{"anatomy" if request.findings else "generated": image} for image in images]

    for finding, prompt in zip(request.findings, prompts, strict=True):
        finished(states[0], sampling, on_event)
        zone, said = finding_zone(painter, finding, request.organs)
        notes += (said,) if said else ()
        density, obeying = finding_density(painter, finding), obeyed(finding, sampling)
        key = digest(key, prompt, zone, obeying, density)
        before, images = images, models.remembered.resume(key, noise)
        if images is None:
            images = repaint(
                before,
                zone,
                painter,
                [Conditions(words=prompt, organs=o, region=zone) for o in organs],
                obeying,
                noise,
                models,
                stage=finding.text,
                on_event=on_event,
                fade=round(FADE * max(zone.shape)),
                own_tone=True,
                density=density,
            )
            models.remembered.keep(key, images, noise)
        for state, image in zip(states, images, strict=True):
            state[state_name(finding, state)] = image

    done = replace(request, sampling=sampling)
    return [
        Painted(image=image, states=state, organs=o, request=done, notes=notes)
        for image, state, o in zip(images, states, organs, strict=True)
    ]


def anatomy_key(
    request: GenerateRequest,
    painter: Painter,
    models: ModelSet,
    frame: Frame,
    organs: list[Organs | None],
    report: str,
    sampling: Sampling,
    seeds: Sequence[int],
) -> str:
    """Says everything that the pixels of :func:`draw_anatomy` depend on."""
    networks = (sorted(models.hashes.items()), models.precision, painter.name, painter.sparing)
    way = (request.anatomy_way, request.held_steps, asked_healthy(request, report))
    way += (request.organs is None,)
    return digest(networks, way, frame, report, sampling, tuple(seeds), *organs)


def defaults_of(request: GenerateRequest, painter: Painter, models: ModelSet) -> Sampling:
    usual = models.settings(painter, request.sampling.quality)
    if request.findings:
        return usual
    return replace(usual, guidance=painter.report_guidance)


def choose(request: GenerateRequest, models: ModelSet) -> Painter:
    """The painter that can do what the request holds."""
    way = request.anatomy_way
    if request.organs is not None or request.findings:

        def fits(p: Painter) -> bool:
            by_map, by_controller = p.diffusion.takes_map, p.controller is not None
            if request.organs is None:
                return bool(p.knows.findings) or p.knows.free_text
            return (by_map and way != "controller") or (by_controller and way != "map")

        need = "from an organ map" if way == "auto" else f"from an organ map by its {way}"
        return models.painter("generate", fits, need)
    if request.report.strip():

        def reads(p: Painter) -> bool:
            return p.knows.free_text or bool(p.knows.findings)

        return models.painter("generate", reads, "from a report")
    return models.painter("generate", lambda p: True, "a radiograph")


def organs_of(
    request: GenerateRequest, painter: Painter, models: ModelSet, seeds: Sequence[int]
) -> list[Organs | None]:
    """The map each picture obeys: the drawn one, else (where the model needs one) one drawn
    from the shape model by the picture's own seed, because samples without a map are poor."""
    if request.organs is not None:
        return [request.organs for _ in seeds]
    if not painter.diffusion.takes_map:
        return [None for _ in seeds]
    if models.shapes is None:
        raise ModelMissing("The shape model is missing, so an organ map must be drawn first.")
    height, width = shape_of(request, painter)
    longest = max(height, width)
    drawn = [models.shapes.sample(seed, longest) for seed in seeds]
    return [np.ascontiguousarray(masks.unsquare(d, height, width)) for d in drawn]


def shape_of(request: GenerateRequest, painter: Painter) -> tuple[int, int]:
    if request.organs is not None:
        return request.organs.shape  # type: ignore[return-value]
    if request.findings:
        return request.findings[0].mask.shape  # type: ignore[return-value]
    return painter.codec.size, painter.codec.size


def draw_anatomy(
    request: GenerateRequest,
    painter: Painter,
    models: ModelSet,
    frame: Frame,
    organs: list[Organs | None],
    report: str,
    sampling: Sampling,
    noise: Noise,
    on_event: OnEvent,
) -> list[Pixels]:
    """Stage 1. The report conditions it only where no findings are painted into it later."""
    by_map = painter.diffusion.takes_map and request.anatomy_way != "controller"
    hold = None
    if not by_map and request.organs is not None:
        hold = controller_hold(request, painter, len(organs))
    healthy = asked_healthy(request, report)
    region = np.zeros((frame.height, frame.width), np.float32) if healthy else None
    words = report or painter.unsaid
    conditions = [
        Conditions(words=words, organs=o if by_map else None, region=region) for o in organs
    ]
    latents = sample(
        painter,
        conditions,
        sampling,
        noise,
        hold=hold,
        whole=True,
        on_step=reporter("anatomy", painter, sampling, on_event, frame.pixels),
    )
    films = painter.codec.decode(latents, grain=noise)
    if max(frame.height, frame.width) >= DETAIL_FROM * painter.codec.size and models.upscaler:
        films = upscaled(grey(films), models, noise, on_event, sampling.detail_steps)
    return [on_grid(frame.pixels(film[None])) for film in films]


def asked_healthy(request: GenerateRequest, report: str) -> bool:
    """Whether the first stage is told that no region of the film holds a finding."""
    return bool(request.findings) or not report


def controller_hold(request: GenerateRequest, painter: Painter, batch: int) -> Hold:
    """XReal's stage 1: follow the controller's rough radiograph inside the organs."""
    assert painter.controller is not None and request.organs is not None
    codec = painter.codec
    rough = painter.controller.rough(request.organs)
    inside = masks.mask_at((request.organs > 0).astype(np.float32), codec.size)
    cover = masks.cells(inside, codec.cell).to(rough.device)
    keep = torch.where(cover > 0, 1.0, PULL)
    reference = codec.encode(rough).expand(batch, -1, -1, -1)
    return Hold(reference=reference, keep=keep, share=HELD_SHARE, steps=request.held_steps)


def grey(films: Tensor) -> Tensor:
    return films.mean(1, keepdim=True).clamp(0, 1)


def state_name(finding: Finding, taken: dict[str, Pixels]) -> str:
    """The finding's words, numbered where two findings say the same."""
    name, number = finding.text, 2
    while name in taken:
        name, number = f"{finding.text} {number}", number + 1
    return name
