"""What every verb that paints shares: sample a latent, and repaint a zone of a film."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engine import masks
from engine.api import (
    ORGAN_NAMES,
    Finding,
    Mask,
    OnEvent,
    Organs,
    Pixels,
    Progress,
    Request,
    Sampling,
)
from engine.bundle import Conditions, ModelSet, Painter
from engine.compositing import match_surroundings, paste
from engine.errors import InvalidRequest
from engine.frame import frame_of, plain_frame, thumbnail
from engine.sampling import (
    Denoiser,
    Noise,
    OnStep,
    Step,
    add_noise,
    apart,
    ddim,
    ddim_steps,
    dpmpp,
    guided,
    guided_now_and_then,
    held,
    noise_ratio,
    solver_times,
    together,
    trailing_steps,
)

PREVIEW_SECONDS = 0.25  # at most four previews a second
PREVIEW_PATIENCE = 2  # times what the last preview cost
PREVIEW_SIDE = 512
DENSITY_LEAN = 0.4  # how firmly the coarse shape of a finding follows its guessed density
DROWNED = 20  # noise over signal, from which such a guess is as good as the network's
DETAIL_FROM = 1.5  # films this many times larger than the model's frame get invented detail


@dataclass(frozen=True, kw_only=True)
class Painted:
    """One finished picture of a recipe; fields as in :class:`engine.api.Result`."""

    image: Pixels
    states: dict[str, Pixels]
    organs: Organs | None
    request: Request
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Follow ``reference`` where ``keep`` is 1, for the noisier ``share`` of the schedule.

    For the first ``steps`` steps instead, where they are given. ``lean`` draws the rest towards
    it too, that firmly and for the noisier half: where the reference is a good guess, the coarse
    shape follows it and the detail is free. Where noise is more than ``drowned`` times the signal,
    the network is not asked at every step (:func:`begun`).
    """

    reference: Tensor
    keep: Tensor
    share: float = 1.0
    steps: int | None = None
    lean: float = 0.0
    drowned: float = math.inf

    @staticmethod
    def guessed(
        reference: Tensor, keep: Tensor, density: float | None, lean: float = 0.0
    ) -> "Hold":
        """For a region that hides behind a smooth guess; ``density`` is that of a finding, or None.
        One of the finding's usual density leads it."""
        if density is None:
            return Hold(reference=reference, keep=keep, lean=lean)
        lean = DENSITY_LEAN if density else 0.0
        return Hold(reference=reference, keep=keep, lean=lean, drowned=DROWNED)


def sample(
    painter: Painter,
    conditions: Sequence[Conditions],
    sampling: Sampling,
    noise: Noise,
    *,
    hold: Hold | None = None,
    whole: bool = False,
    on_step: OnStep | None = None,
) -> Tensor:
    """Latents (B, C, h, w) for B conditions; ``sampling`` has no ``None`` left.

    ``whole`` says that a whole film is drawn, and guidance strengthens its organs, too.
    """
    assert sampling.steps is not None and sampling.guidance is not None
    assert sampling.eta is not None and sampling.guidance_lasts is not None
    diffusion, codec = painter.diffusion, painter.codec
    abars = diffusion.alphas_cumprod
    lasts = 1.0 if whole else sampling.guidance_lasts
    denoise = guided_by(painter, conditions, sampling.guidance, lasts, whole=whole)
    side = codec.size // codec.cell
    x = noise((len(conditions), codec.channels, side, side))
    by_solver = sampling.sampler == "dpmpp"
    steps = [] if by_solver else steps_of(abars, sampling)
    times = solver_times(abars, sampling.steps) if by_solver else [step.t for step in steps]
    denoise = _held(denoise, hold, abars, times)
    first = 0

    def counted(done: int, x0: Tensor) -> None:
        if on_step is not None:
            on_step(first + done, x0)

    if hold is not None and not math.isinf(hold.drowned):
        first, x = begun(denoise, x, hold, abars, times, counted)
    if by_solver:
        return dpmpp(denoise, x, abars, times[first:], counted)
    return ddim(denoise, x, steps[first:], noise, counted)


def steps_of(abars: Tensor, sampling: Sampling) -> list[Step]:
    """DDIM's steps; a schedule that ends in pure noise begins at its very end."""
    assert sampling.steps is not None and sampling.eta is not None
    grid = trailing_steps if float(abars[-1]) == 0 else ddim_steps
    return grid(abars, sampling.steps, sampling.eta)


def begun(
    denoise: Denoiser,
    noise: Tensor,
    hold: Hold,
    abars: Tensor,
    times: Sequence[int],
    on_step: OnStep,
) -> tuple[int, Tensor]:
    """The step at which sampling begins, and the latent there.

    While noise drowns the signal, what a network says of it hardly changes. A guess of the usual
    density takes its place; without one the network is asked once, where noise is three times
    what drowns, and its answer stands until then.
    """
    ratios = [noise_ratio(float(abars[t])) for t in times]
    first = next((i for i, ratio in enumerate(ratios) if ratio <= hold.drowned), len(times) - 1)
    if not first:
        return 0, noise
    x0 = hold.reference
    if not hold.lean:
        early = max(sum(ratio >= 3 * hold.drowned for ratio in ratios) - 1, 0)
        t = times[early]
        x0 = denoise(add_noise(x0, float(abars[t]), noise), t).x0
        on_step(first, x0)
    return first, add_noise(x0, float(abars[times[first]]), noise)


def guided_by(
    painter: Painter,
    conditions: Sequence[Conditions],
    scale: float,
    lasts: float = 1.0,
    *,
    whole: bool = False,
) -> Denoiser:
    """The painter's denoiser led away from its guide, or from saying nothing, by ``scale``; what
    that adds ``lasts`` as in :func:`engine.sampling.guided_now_and_then`.

    For a ``whole`` film it is led away from drawing nothing as well, which makes organs clearer;
    within a film that would burn what is there.
    """
    diffusion = painter.diffusion
    neutral = [Conditions() if whole else replace(c, words="", region=None) for c in conditions]
    led = any(c.words or (whole and c.organs is not None) for c in conditions)
    if scale == 1 or not (led or painter.guide):
        return diffusion.denoiser(conditions)
    if painter.guide is not None:
        pair = apart(painter.guide.denoiser(conditions), diffusion.denoiser(conditions))
    elif painter.sparing:
        pair = apart(diffusion.denoiser(neutral), diffusion.denoiser(conditions))
    else:
        pair = together(diffusion.denoiser([*neutral, *conditions]))
    if lasts == 1:
        return guided(pair, scale)
    asked = diffusion.denoiser(conditions)
    return guided_now_and_then(pair, asked, scale, diffusion.alphas_cumprod, lasts)


def repaint(
    images: Sequence[Pixels],
    zone: Mask,
    painter: Painter,
    conditions: Sequence[Conditions],
    sampling: Sampling,
    noise: Noise,
    models: ModelSet,
    *,
    stage: str,
    on_event: OnEvent,
    fade: int = 0,
    own_tone: bool = False,
    hidden: Mask | None = None,
    lean: float = 0.0,
    density: float | None = None,
    context: int | None = None,
) -> list[Pixels]:
    """The same films with the zone painted anew; every pixel outside it keeps its bits.

    What lies under the zone is never read (see :func:`engine.masks.fill`). ``fade`` pixels of
    the zone's inner rim blend into the surroundings. ``own_tone`` says that the films are the
    model's own, so that their tone needs no measuring. ``hidden`` is the zone with whatever
    else of the films must not be read, such as the zones that are painted next. ``lean`` as in
    :class:`Hold`, towards the smooth guess that hides the zone; for a finding it is ``density``
    denser in the zone (:func:`engine.masks.denser`, :meth:`Hold.guessed`). ``context`` px around
    the zone are all that the model sees, at a finer scale where that is less than the film; None
    shows it all.
    """
    codec, device = painter.codec, models.device
    hidden = zone if hidden is None else hidden
    height, width = zone.shape
    if own_tone:
        frames = [plain_frame(height, width, codec.size) for _ in images]
    else:
        frames = [frame_of(image, hidden, codec.size) for image in images]
    seen = masks.window(zone, context, codec.size // 2)
    wholes, zone, hidden = images, zone[seen], hidden[seen]
    images = [image[seen] for image in images]
    conditions = [seen_of(c, seen) for c in conditions]
    frames = [replace(f, height=zone.shape[0], width=zone.shape[1]) for f in frames]
    spread = masks.spreading(masks.outside(hidden))
    bases = [masks.fill(image, hidden, spread) for image in images]
    guesses = [masks.denser(base, zone, density or 0.0) for base in bases]
    films = torch.cat([f.film(g, device) for f, g in zip(frames, guesses, strict=True)])
    free = masks.cells(frames[0].soft(zone), codec.cell).to(device)
    blend = masks.feather(zone, fade)

    def finish(film: Tensor, item: int, *, matched: bool = True) -> Pixels:
        drawn = frames[item].pixels(film)
        if matched:
            drawn = match_surroundings(images[item], drawn, hidden, spread)
        whole = wholes[item].copy()
        whole[seen] = np.where(zone > 0, paste(bases[item], drawn, blend), images[item])
        return whole

    def preview(film: Tensor) -> Pixels:  # a seam of a grey level or two does not matter there
        return finish(film, 0, matched=False)

    latents = sample(
        painter,
        conditions,
        sampling,
        noise,
        hold=Hold.guessed(codec.encode(films), 1 - free, density, lean),
        on_step=reporter(stage, painter, sampling, on_event, preview),
    )
    painted = codec.decode(latents, grain=noise)
    larger = max(zone.shape) >= DETAIL_FROM * codec.size
    if larger and models.upscaler is not None:
        grey = painted.mean(1, keepdim=True).clamp(0, 1)
        painted = upscaled(grey, models, noise, on_event, sampling.detail_steps)
    return [finish(film[None], item) for item, film in enumerate(painted)]


def seen_of(conditions: Conditions, seen: tuple[slice, slice]) -> Conditions:
    """The conditions of a part of a film."""
    organs, region = conditions.organs, conditions.region
    return replace(
        conditions,
        organs=None if organs is None else np.ascontiguousarray(organs[seen]),
        region=None if region is None else np.ascontiguousarray(region[seen]),
    )


def obeyed(finding: Finding, sampling: Sampling) -> Sampling:
    """The sampling of one finding: with its own guidance, where it has one."""
    return sampling if finding.guidance is None else replace(sampling, guidance=finding.guidance)


def finished(states: dict[str, Pixels], sampling: Sampling, on_event: OnEvent) -> None:
    """Show the picture of a stage that is done, so that a Stop later does not lose it."""
    stage, image = list(states.items())[-1]
    assert sampling.steps is not None
    on_event(Progress(stage, sampling.steps, sampling.steps, image))


def upscaled(
    film: Tensor, models: ModelSet, noise: Noise, on_event: OnEvent, steps: int | None = None
) -> Tensor:
    """(B, 1, h, w) -> (B, 1, 1024, 1024) by the upscaler's own defaults; stage "detail"."""
    upscaler = models.upscaler
    assert upscaler is not None
    sampling = upscaler.defaults
    count = steps or sampling.steps
    assert count is not None and sampling.eta is not None
    abars = upscaler.alphas_cumprod
    x = noise(upscaler.shape(film))
    ends_in_noise = float(abars[-1]) == 0
    grid = (
        trailing_steps(abars, count, sampling.eta)
        if ends_in_noise
        else ddim_steps(abars, count, sampling.eta, first=0)
    )

    grid = [step for step in grid if step.abar != step.abar_prev]  # the last may change nothing

    def on_step(done: int, x0: Tensor) -> None:
        on_event(Progress("detail", done, len(grid)))

    x = ddim(upscaler.denoiser(film), x, grid, noise, on_step)
    return upscaler.picture(x, film)


def reporter(
    stage: str,
    painter: Painter,
    sampling: Sampling,
    on_event: OnEvent,
    picture: Callable[[Tensor], Pixels],
) -> OnStep:
    """Events at every step, with a preview of the first item now and then.

    ``picture`` turns one decoded film, (1, C, size, size), into what the user should see.
    """
    assert sampling.steps is not None
    total, shown, cost = sampling.steps, 0.0, 0.0

    def on_step(done: int, x0: Tensor) -> None:
        nonlocal shown, cost
        preview = None
        now = time.monotonic()
        if now - shown >= max(PREVIEW_SECONDS, PREVIEW_PATIENCE * cost) and done < total:
            film = painter.codec.glance(x0[:1])
            preview = thumbnail(picture(film), PREVIEW_SIDE)
            shown = time.monotonic()
            cost = shown - now
        on_event(Progress(stage, min(done, total), total, preview))

    return on_step


def check_organs_known(organs: Organs | None, painter: Painter) -> tuple[str, ...]:
    """A sentence for each drawn organ that the painter cannot obey; refuse if none is left."""
    if organs is None:
        return ()
    drawn = [label for label in ORGAN_NAMES if (organs == label).any()]
    unknown = [label for label in drawn if label not in painter.knows.organs]
    if drawn and len(unknown) == len(drawn):
        names = ", ".join(ORGAN_NAMES[label] for label in unknown)
        raise InvalidRequest(f"The model '{painter.name}' cannot draw: {names}. Paint the lungs.")
    return tuple(
        f"The {ORGAN_NAMES[label]} was not drawn: the model '{painter.name}' does not know it."
        for label in unknown
    )


def _held(denoise: Denoiser, hold: Hold | None, abars: Tensor, times: list[int]) -> Denoiser:
    if hold is None or hold.steps == 0:
        return denoise
    if hold.lean and len(times) > 1:
        half, free = len(abars) // 2, 1 - hold.keep
        denoise = held(denoise, hold.reference, hold.lean * free, abars, down_to=half)
    down_to = round((1 - hold.share) * len(abars))
    if hold.steps is not None:
        down_to = 0 if hold.steps >= len(times) else times[hold.steps - 1]
    return held(denoise, hold.reference, hold.keep, abars, down_to=down_to)
