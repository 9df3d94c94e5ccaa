"""Many films drawn the way a user gets them, in batches: the model's own words, steps, guidance.

The recipes draw one map with many seeds. Here every film of a batch has its own map, which gives
the same pictures (tests/engine/evaluation/test_drawing.py) and costs less.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from engine import masks
from engine.api import AnatomyWay as Way
from engine.api import GenerateRequest, Mask, Organs
from engine.bundle import Conditions, ModelSet, Painter
from engine.compositing import match_surroundings, paste
from engine.errors import ModelMissing
from engine.frame import plain_frame
from engine.painting import Hold, sample
from engine.prompts import report_prompt
from engine.recipes.generate import FADE, HELD_SHARE, PULL, choose
from engine.sampling import SeededNoise
from engine.tensors import resize

SIDE = 256  # px; what everything is measured at
BATCH = 16
REPAINTING = 1_000_003  # added to a film's seed for what is painted into it later
OnDone = Callable[[int, int], None]  # (films drawn, of)
Films = NDArray[np.uint8]  # (N, 256, 256)
Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Order:
    """One film to draw. ``organs`` of any size, None for a model that takes no map."""

    seed: int
    organs: Organs | None = None
    report: str = ""


@dataclass(frozen=True, kw_only=True)
class Insertion:
    """``words`` to paint into ``film`` (256, 256) uint8 where ``region`` (256, 256) is 1."""

    film: Films
    organs: Organs
    region: Mask
    words: str
    seed: int
    density: float = 0.0  # as engine.painting.repaint takes it


def painter_for(models: ModelSet, way: Way = "auto") -> Painter | None:
    """Who draws from an organ map this way; None where nobody can."""
    organs = np.ones((SIDE, SIDE), np.uint8)
    try:
        return choose(GenerateRequest(organs=organs, anatomy_way=way), models)
    except ModelMissing:
        return None


def draw(
    models: ModelSet, orders: Sequence[Order], *, way: Way = "auto", on_done: OnDone | None = None
) -> Films:
    """(N, 256, 256) uint8, as stage 1 of a generate draws them."""
    return in_batches(orders, lambda part: _draw(models, part, way), on_done)


@torch.inference_mode()
def _draw(models: ModelSet, orders: Sequence[Order], way: Way) -> Films:
    requests = [
        GenerateRequest(
            organs=None if o.organs is None else masks.organs_at(o.organs, SIDE),
            report=o.report,
            anatomy_way=way,
        )
        for o in orders
    ]
    painter = choose(requests[0], models)
    sampling = replace(models.settings(painter, None), guidance=painter.report_guidance)
    noise = SeededNoise(*(o.seed for o in orders), device=models.device)
    by_map = painter.diffusion.takes_map and way != "controller"
    hold = None
    if not by_map and requests[0].organs is not None:
        hold = led_by_controller(painter, [r.organs for r in requests if r.organs is not None])
    conditions = []
    for request in requests:
        words, _ = report_prompt(painter, request.report)
        region = None if words else np.zeros((SIDE, SIDE), np.float32)
        organs = request.organs if by_map else None
        conditions.append(Conditions(words=words or painter.unsaid, organs=organs, region=region))
    latents = sample(painter, conditions, sampling, noise, hold=hold, whole=True)
    return as_films(painter.codec.decode(latents, grain=noise))


def led_by_controller(painter: Painter, maps: Sequence[Organs]) -> Hold:
    """XReal's stage 1 for a batch: each film follows its own map's rough radiograph."""
    assert painter.controller is not None
    codec, controller = painter.codec, painter.controller
    rough = torch.cat([controller.rough(organs) for organs in maps])
    inside = [masks.mask_at((organs > 0).astype(np.float32), codec.size) for organs in maps]
    cover = masks.cells(torch.cat(inside), codec.cell).to(rough.device)
    keep = torch.where(cover > 0, 1.0, PULL)
    return Hold(reference=codec.encode(rough), keep=keep, share=HELD_SHARE)


def repaint_all(
    models: ModelSet,
    painter: Painter,
    insertions: Sequence[Insertion],
    *,
    on_done: OnDone | None = None,
) -> Films:
    """The films with their words painted in, (N, 256, 256) uint8; elsewhere nothing changes."""
    return in_batches(insertions, lambda part: _repaint(models, painter, part), on_done)


@torch.inference_mode()
def _repaint(models: ModelSet, painter: Painter, insertions: Sequence[Insertion]) -> Films:
    """As :func:`engine.painting.repaint` does with films of the model's own tone."""
    codec, device = painter.codec, models.device
    frame = plain_frame(SIDE, SIDE, codec.size)
    images = [one.film.astype(np.float32) / np.float32(255) for one in insertions]
    bases = [masks.fill(f, one.region) for f, one in zip(images, insertions, strict=True)]
    guesses = [masks.denser(b, i.region, i.density) for b, i in zip(bases, insertions, strict=True)]
    films = torch.cat([frame.film(guess, device) for guess in guesses])
    free = torch.cat([masks.cells(frame.soft(one.region), codec.cell) for one in insertions])
    noise = SeededNoise(*(one.seed + REPAINTING for one in insertions), device=device)
    conditions = [
        Conditions(words=one.words, organs=masks.organs_at(one.organs, SIDE), region=one.region)
        for one in insertions
    ]
    if not painter.diffusion.takes_map:
        conditions = [replace(c, organs=None) for c in conditions]
    densities = [one.density for one in insertions]
    assert len({density != 0 for density in densities}) == 1, "a batch is of one finding"
    hold = Hold.guessed(codec.encode(films), 1 - free.to(device), densities[0])
    latents = sample(painter, conditions, models.settings(painter, None), noise, hold=hold)
    painted = codec.decode(latents, grain=noise)
    finished = []
    for i, one in enumerate(insertions):
        drawn = match_surroundings(images[i], frame.pixels(painted[i : i + 1]), one.region)
        blend = masks.feather(one.region, round(FADE * SIDE))
        finished.append(np.where(one.region > 0, paste(bases[i], drawn, blend), images[i]))
    return np.round(np.stack(finished) * 255).astype(np.uint8)


@torch.inference_mode()
def reconstructed(models: ModelSet, painter: Painter, films: Films) -> Films:
    """Films (N, 256, 256) through the painter's codec and back, with the texture it invents."""
    size, found = painter.codec.size, []
    for number, part in enumerate(torch.from_numpy(films).split(BATCH)):
        film = resize(part[:, None].float().to(models.device) / 255, size, size).clamp(0, 1)
        seeds = range(number * BATCH, number * BATCH + len(part))
        grain = SeededNoise(*seeds, device=models.device)
        found.append(as_films(painter.codec.decode(painter.codec.encode(film), grain=grain)))
    return np.concatenate(found)


def as_films(decoded: torch.Tensor) -> Films:
    """(B, C, H, W), about [0, 1] -> (B, 256, 256) uint8."""
    grey = resize(decoded.float().mean(1, keepdim=True).clamp(0, 1).cpu(), SIDE, SIDE)
    return (grey[:, 0].clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def in_batches(
    items: Sequence[Item], films_of: Callable[[Sequence[Item]], Films], on_done: OnDone | None
) -> Films:
    """The films of all items, ``BATCH`` at a time."""
    films = [np.zeros((0, SIDE, SIDE), np.uint8)]
    for start in range(0, len(items), BATCH):
        films.append(films_of(items[start : start + BATCH]))
        if on_done is not None:
            on_done(sum(map(len, films)), len(items))
    return np.concatenate(films)
