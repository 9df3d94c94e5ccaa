"""Requests with ``exact``: the authors' pipelines to the letter, no compositing, float32.

The request is mapped to the one call of the published code that does it; what that code cannot do
is refused in a sentence. Organs reach XReal as label / 4, masks at 64 x 64 cells by the authors'
cubic rule, pictures at 256 px.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engine.api import (
    EraseRequest,
    GenerateRequest,
    InsertRequest,
    Mask,
    OnEvent,
    OutpaintRequest,
    Pixels,
    Progress,
    Request,
    Sampling,
    UpscaleRequest,
)
from engine.errors import InvalidRequest, ModelMissing
from engine.published import LatentModel, PublishedModels
from engine.published.models import HELD_STEPS
from engine.published.networks import PublishedUpscaler, anatomy
from engine.recipes import pipelines
from engine.recipes.pipelines import CELLS, SIDE
from engine.remembered import NOTHING, Remembered, digest
from engine.sampling import OnStep, SeededNoise
from engine.tensors import mask_tensor, reference_cubic, to_film, to_pixels

STEPS, GUIDANCE = 100, 7.0  # the authors' defaults
CHAIN = 2000  # steps of super-resolution's full chain
PREVIEWS = 25  # at most, per stage

Exact = tuple[Pixels, dict[str, Pixels], NDArray[np.float32]]


def run_exact(
    request: Request,
    models: PublishedModels,
    on_event: OnEvent,
    remembered: Remembered = NOTHING,
) -> Exact:
    """(picture, finished stages, what the authors' code returns as (C, H, W)).

    ``on_event`` may raise Cancelled at any step. Raises InvalidRequest for what the published code
    cannot do and ModelMissing where the folder lacks the network.
    """
    exact = models.exact
    with plain_float32(), torch.inference_mode():
        if isinstance(request, GenerateRequest):
            return _generate(request, exact, on_event, remembered)
        if isinstance(request, InsertRequest):
            return _insert(request, exact, on_event)
        if isinstance(request, EraseRequest):
            keep = 1 - _cells(request.mask, exact)
            return _complete(request, keep, exact, on_event)
        if isinstance(request, OutpaintRequest):
            return _complete(request, _cells(request.keep, exact), exact, on_event)
        if isinstance(request, UpscaleRequest):
            return _upscale(request, exact, on_event)
    raise InvalidRequest("The published code does not read organs from a radiograph.")


@contextmanager
def plain_float32() -> Iterator[None]:
    """Without the shortened float32 that graphics cards use for convolutions by default."""
    cudnn: Any = torch.backends.cudnn
    matmul = torch.backends.cuda.matmul
    before = cudnn.allow_tf32, matmul.allow_tf32
    cudnn.allow_tf32 = matmul.allow_tf32 = False
    try:
        yield
    finally:
        cudnn.allow_tf32, matmul.allow_tf32 = before


def _generate(
    request: GenerateRequest, models: PublishedModels, on_event: OnEvent, remembered: Remembered
) -> Exact:
    if request.organs is None:
        if request.findings:
            raise InvalidRequest(
                "The published code puts a finding into drawn anatomy only. Draw the organs, or "
                "name the finding in the report."
            )
        return _from_words(request, models, on_event)
    by_branch = request.anatomy_way == "map" or models.xreal is None
    if by_branch and request.anatomy_way != "controller" and not request.findings:
        return _from_map(request, models, on_event)
    if len(request.findings) > 1:
        raise InvalidRequest(
            "The published code draws one finding. Draw the others with Insert, one at a time."
        )
    if request.report.strip():
        raise InvalidRequest(
            "The published code reads no report together with organs. Leave the report out."
        )
    return _two_stages(request, models, on_event, remembered)


def _from_words(request: GenerateRequest, models: PublishedModels, on_event: OnEvent) -> Exact:
    words = request.report.strip()
    reading = models.text_to_image or models.xreal
    model = reading if words else models.unconditional or reading
    if model is None:
        raise ModelMissing(
            "There is no diffusion model in the folder that draws from "
            f"{'a report' if words else 'nothing'}. Add Cheff's or XReal's file."
        )
    sampling = _plain(request.sampling)
    latent = pipelines.sample(
        model,
        _noise(request.sampling, models),
        words=words,
        steps=_steps(sampling),
        eta=_eta(sampling, 1.0),
        on_step=_reporter("generated", _count(model, sampling), preview_of(model), on_event),
    )
    return _finished(model, pipelines.decoded(model, latent), "generated")


def _from_map(request: GenerateRequest, models: PublishedModels, on_event: OnEvent) -> Exact:
    assert request.organs is not None
    model = models.controlnet
    if model is None:
        raise ModelMissing(
            "Exact drawing from an organ map needs XReal's diffusion model with the anatomy "
            "controller, or its ControlNet. The folder has neither."
        )
    sampling = _plain(request.sampling)
    latent = pipelines.control_sample(
        model,
        _noise(request.sampling, models),
        hint=anatomy(request.organs, (SIDE, SIDE), models.device),
        words=request.report.strip(),
        steps=_steps(sampling),
        eta=_eta(sampling, 1.0),
        on_step=_reporter("anatomy", _count(model, sampling), preview_of(model), on_event),
    )
    return _finished(model, pipelines.decoded(model, latent), "anatomy")


def _two_stages(
    request: GenerateRequest, models: PublishedModels, on_event: OnEvent, remembered: Remembered
) -> Exact:
    assert request.organs is not None
    model = _xreal(models)
    if model.controller is None:
        raise ModelMissing(
            "Exact drawing from an organ map needs XReal's anatomy controller, which is not in "
            "the folder. Add the file, or import it as 'anatomy_controller'."
        )
    sampling = request.sampling if request.findings else _plain(request.sampling)
    _fixed_eta(sampling)
    noise = _noise(sampling, models)
    drawn = _anatomy(request, models, model, noise, on_event, remembered)
    image, states, raw = _finished(model, drawn, "anatomy")
    if not request.findings:
        return image, states, raw
    (finding,) = request.findings
    picture = pipelines.add_finding(
        model,
        noise,
        picture=drawn,
        region=_cells(finding.mask, models),
        words=finding.text,
        steps=_steps(sampling),
        guidance=_guidance(sampling),
        on_step=_reporter(finding.text, _count(model, sampling), preview_of(model), on_event),
    )
    image, last, raw = _finished(model, picture.clamp(0, 1), finding.text)
    return image, {**states, **last}, raw


def _anatomy(
    request: GenerateRequest,
    models: PublishedModels,
    model: LatentModel,
    noise: SeededNoise,
    on_event: OnEvent,
    remembered: Remembered,
) -> Tensor:
    """XReal's first stage, (1, 3, 256, 256); not drawn again where only the finding is another."""
    assert request.organs is not None and model.controller is not None
    steps, total = _steps(request.sampling), _count(model, request.sampling)
    held = HELD_STEPS if request.held_steps is None else request.held_steps
    networks = sorted(models.hashes.items())
    key = digest("exact", networks, request.sampling.seed, steps, held, request.organs)
    known = remembered.resume(key, noise)
    if known is not None:
        return torch.from_numpy(known[0]).to(models.device)
    _, drawn = pipelines.follow_organs(
        model,
        model.controller,
        noise,
        anatomy=torch.from_numpy(request.organs.astype(np.float32)).to(models.device),
        steps=steps,
        held_steps=held,
        on_step=_reporter("anatomy", total, preview_of(model), on_event),
    )
    remembered.keep(key, [drawn.cpu().numpy()], noise)
    return drawn


def _insert(request: InsertRequest, models: PublishedModels, on_event: OnEvent) -> Exact:
    model = _xreal(models)
    finding, *more = request.findings
    if more:
        raise InvalidRequest("The published code inserts one finding at a time.")
    sampling = request.sampling
    _fixed_eta(sampling)
    stage = finding.text or "cleared"
    picture = pipelines.add_finding(
        model,
        _noise(sampling, models),
        picture=model.codec.to_own(_film(request.image, models)),
        region=_cells(finding.mask, models),
        words=finding.text,
        steps=_steps(sampling),
        guidance=_guidance(sampling),
        on_step=_reporter(stage, _count(model, sampling), preview_of(model), on_event),
    )
    return _finished(model, picture.clamp(0, 1), stage)


def _complete(
    request: EraseRequest | OutpaintRequest,
    keep: Tensor,
    models: PublishedModels,
    on_event: OnEvent,
) -> Exact:
    """Cheff's in-painting; XReal's where the folder has nothing else."""
    words = request.words.strip() if isinstance(request, EraseRequest) else ""
    model = models.text_to_image if words else models.unconditional or models.text_to_image
    model = model or models.xreal
    if model is None:
        raise ModelMissing(
            "There is no diffusion model in the folder that fills an area in. Add Cheff's or "
            "XReal's file."
        )
    sampling, noise = _plain(request.sampling), _noise(request.sampling, models)
    stage = "erased" if isinstance(request, EraseRequest) else "completed"
    report = _reporter(stage, _count(model, sampling), preview_of(model), on_event)
    picture = model.codec.to_own(_film(request.image, models))
    steps, eta = _steps(sampling), _eta(sampling, 1.0)
    if model.stored.role == "xreal_backbone":
        latent = pipelines.spatial(
            model,
            noise,
            target=picture,
            keep=keep,
            words=words,
            steps=steps,
            eta=eta,
            on_step=report,
        )
    else:
        latent = pipelines.inpaint(
            model,
            noise,
            picture=picture,
            keep=keep,
            words=words,
            steps=steps,
            eta=eta,
            unscaled_reference=getattr(request, "unscaled_reference", False),
            on_step=report,
        )
    return _finished(model, pipelines.decoded(model, latent), stage)


def _upscale(request: UpscaleRequest, models: PublishedModels, on_event: OnEvent) -> Exact:
    upscaler = models.sr
    if upscaler is None:
        raise ModelMissing("There is no super-resolution model in the folder. Add Cheff's file.")
    sampling, noise = _plain(request.sampling), _noise(request.sampling, models)
    film = to_film(request.image, models.device)
    preview = _large_preview(upscaler, film)
    if request.method == "ddpm":
        if sampling.steps not in (None, CHAIN) or sampling.eta is not None:
            raise InvalidRequest(
                f"The published code runs all {CHAIN} steps of ddpm, without eta. Leave both out."
            )
        report = _reporter("upscaled", CHAIN, preview, on_event)
        x = pipelines.enlarge_ddpm(upscaler, noise, film=film, on_step=report)
    else:
        steps, eta = _steps(sampling), _eta(sampling, 0.0)
        count = len(pipelines.reference_steps(upscaler.alphas_cumprod, steps, eta, first=0))
        report = _reporter("upscaled", count, preview, on_event)
        x = pipelines.enlarge_ddim(upscaler, noise, film=film, steps=steps, eta=eta, on_step=report)
    large = upscaler.picture(x, film)
    image = to_pixels(large)
    return image, {"upscaled": image}, large[0].cpu().numpy()


def preview_of(model: LatentModel) -> Callable[[Tensor], Pixels]:
    return lambda x0: to_pixels(model.codec.glance(x0[:1]))


def _large_preview(upscaler: PublishedUpscaler, film: Tensor) -> Callable[[Tensor], Pixels]:
    def look(x0: Tensor) -> Pixels:
        return to_pixels(F.adaptive_avg_pool2d(upscaler.picture(x0, film), (SIDE, SIDE)))

    return look


def _reporter(
    stage: str, total: int, look: Callable[[Tensor], Pixels], on_event: OnEvent
) -> OnStep:
    every = max(1, total // PREVIEWS)

    def on_step(done: int, x0: Tensor) -> None:
        shown = look(x0) if done % every == 0 or done == total else None
        on_event(Progress(stage, done, total, shown))

    return on_step


def _finished(model: LatentModel, picture: Tensor, stage: str) -> Exact:
    image = to_pixels(model.codec.from_own(picture))
    return image, {stage: image}, picture[0].cpu().numpy()


def _film(image: Pixels, models: PublishedModels) -> Tensor:
    return reference_cubic(to_film(image, models.device), SIDE, SIDE).clamp(0, 1)


def _cells(mask: Mask, models: PublishedModels) -> Tensor:
    return reference_cubic(mask_tensor(mask, models.device), CELLS, CELLS).clamp(0, 1)


def _xreal(models: PublishedModels) -> LatentModel:
    if models.xreal is None:
        raise ModelMissing(
            "This needs XReal's diffusion model, which is not in the folder. Add the file, or "
            "import it as 'xreal_backbone'."
        )
    return models.xreal


def _noise(sampling: Sampling, models: PublishedModels) -> SeededNoise:
    return SeededNoise(int(sampling.seed), device=models.device)


def _plain(sampling: Sampling) -> Sampling:
    if sampling.guidance not in (None, 1, 1.0):
        raise InvalidRequest(
            "The published code uses guidance for findings only. Leave guidance out here."
        )
    return sampling


def _fixed_eta(sampling: Sampling) -> None:
    if sampling.eta not in (None, 1, 1.0):
        raise InvalidRequest("The published code draws findings with eta 1. Leave eta out.")


def _steps(sampling: Sampling) -> int:
    return STEPS if sampling.steps is None else int(sampling.steps)


def _eta(sampling: Sampling, otherwise: float) -> float:
    return otherwise if sampling.eta is None else float(sampling.eta)


def _guidance(sampling: Sampling) -> float:
    return GUIDANCE if sampling.guidance is None else float(sampling.guidance)


def _count(model: LatentModel, sampling: Sampling) -> int:
    """Steps that will run: where the number does not divide 1000, a few more than asked for."""
    steps = pipelines.reference_steps(model.diffusion.alphas_cumprod, _steps(sampling), 1.0)
    return len(steps)
