"""The published inference code of Cheff and XReal, step for step, on tensors.

This is the contract that recorded runs check: value ranges, noise order and rounding are theirs,
oddities included (numerics section 3). ``noise(shape)`` gives standard normal draws in the order
in which the authors draw. Pictures are (B, 3, H, W) in the network's own range unless said
otherwise; latents are (B, 3, h, w); ``keep`` masks are 1 where the given picture stays.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.api import AORTA
from engine.errors import InvalidRequest
from engine.published.models import HELD_STEPS, LatentModel
from engine.published.networks import AnatomyController, PublishedUpscaler
from engine.sampling import (
    Noise,
    OnStep,
    Step,
    add_noise,
    ddim_step,
    ddim_steps,
    from_eps,
)
from engine.tensors import reference_cubic

SOFT = 0.2  # how firmly cells without an organ follow the rough radiograph
SIDE, CELLS = 256, 64  # px of a film, cells of a latent
SMALLEST_LOG_VARIANCE = 1e-20

Eps = Callable[[Tensor, int], Tensor]  # (x, t) -> predicted noise


@dataclass(frozen=True, kw_only=True)
class Held:
    """What masked sampling follows: noised ``latent`` where ``keep`` is 1, before each step.

    ``steps`` stops it after so many steps. ``linear`` and ``power`` fade it with the time, as two
    experimental options of the authors do; with ``steps`` the first is ignored and the second
    acts only after them.
    """

    latent: Tensor
    keep: Tensor
    steps: int | None = None
    linear: bool = False
    power: float | None = None


def reference_steps(abars: Tensor, count: int, eta: float, first: int = 1) -> list[Step]:
    """The authors' steps; refuses counts with which their code fails or does nothing."""
    length = len(abars)
    most = length // 2 if first else length
    if not 2 <= count <= most:
        raise InvalidRequest(
            f"Exact reference sampling runs with 2 to {most} steps; {count} were asked for."
        )
    stride = length // count
    if (length - 1) // stride * stride + first >= length:
        near = max(n for n in range(2, count) if length % n == 0)
        raise InvalidRequest(
            f"The authors' code fails with {count} steps, because its last time lies beyond the "
            f"schedule. Choose {near} steps."
        )
    return ddim_steps(abars, count, eta, first=first)


def sample_latent(
    eps: Eps,
    x: Tensor,
    steps: list[Step],
    noise: Noise,
    abars: Tensor,
    held: Held | None = None,
    on_step: OnStep | None = None,
) -> Tensor:
    """DDIM from ``x``, the drawn noise; draws before a step's network call belong to ``held``."""
    noised: Tensor | None = None
    for i, step in enumerate(steps):
        if held is not None:
            now = held.steps is None or i < held.steps
            if now:
                draw = noise(tuple(x.shape)).to(x.device)
                noised = add_noise(held.latent, float(abars[step.t]), draw)
            if noised is not None and (now or held.power is not None):
                kept, free = _weights(held, step.t / steps[0].t, now=now)
                x = kept * held.keep * noised + free * (1 - held.keep) * x
        estimate = from_eps(x, eps(x, step.t), step.abar)
        x = ddim_step(x, estimate, step, noise(tuple(x.shape)).to(x.device))
        if on_step is not None:
            on_step(i + 1, estimate.x0)
    return x


def _weights(held: Held, share: float, *, now: bool) -> tuple[float, float]:
    """Weights of the held and of the free part at a share of the longest time.

    They do not sum to 1, so the options that use them shrink the signal; the authors' code does.
    """
    if now and held.steps is not None:
        return 1.0, 1.0
    if held.linear and held.steps is None:
        return share, 1 - share
    if held.power is None:
        return 1.0, 1.0
    return share**held.power, (1 - share) ** held.power


@torch.inference_mode()
def decoded(model: LatentModel, latent: Tensor) -> Tensor:
    """A sampled latent -> picture in the model's own range, not clamped."""
    return model.codec.decode_own(latent / model.codec.scale)


def guided_eps(model: LatentModel, words: str, unguided: str | None, scale: float) -> Eps:
    """Predicted noise with classifier-free guidance; scale 1 makes one call only."""
    states = model.diffusion.states(words)
    if unguided is None or scale == 1:
        return lambda x, t: model.diffusion.eps(x, t, states)
    base_states = model.diffusion.states(unguided)

    def eps(x: Tensor, t: int) -> Tensor:
        base = model.diffusion.eps(x, t, base_states)
        return base + scale * (model.diffusion.eps(x, t, states) - base)

    return eps


@torch.inference_mode()
def sample(
    model: LatentModel,
    noise: Noise,
    *,
    words: str = "",
    shape: tuple[int, ...] = (1, 3, CELLS, CELLS),
    steps: int = 100,
    eta: float = 1.0,
    on_step: OnStep | None = None,
) -> Tensor:
    """Cheff's ``sample`` (both models) and XReal's: a latent from noise alone."""
    abars = model.diffusion.alphas_cumprod
    plan = reference_steps(abars, steps, eta)
    x = _start(model, noise, shape)
    eps = guided_eps(model, words, None, 1.0)
    return sample_latent(eps, x, plan, noise, abars, on_step=on_step)


@torch.inference_mode()
def inpaint(
    model: LatentModel,
    noise: Noise,
    *,
    picture: Tensor,
    keep: Tensor,
    words: str = "",
    steps: int = 100,
    eta: float = 1.0,
    unscaled_reference: bool = False,
    on_step: OnStep | None = None,
) -> Tensor:
    """Cheff's ``sample_inpaint``; ``unscaled_reference`` repeats its omission of the latent scale.

    The given picture is encoded to the posterior's mode.
    """
    abars = model.diffusion.alphas_cumprod
    plan = reference_steps(abars, steps, eta)
    mean, _ = model.codec.moments(picture)
    held = Held(latent=mean if unscaled_reference else mean * model.codec.scale, keep=keep)
    x = _start(model, noise, tuple(mean.shape))
    eps = guided_eps(model, words, None, 1.0)
    return sample_latent(eps, x, plan, noise, abars, held, on_step)


@torch.inference_mode()
def spatial(
    model: LatentModel,
    noise: Noise,
    *,
    target: Tensor,
    keep: Tensor,
    words: str = "",
    unguided: str | None = None,
    guidance: float = 1.0,
    steps: int = 100,
    eta: float = 1.0,
    held_steps: int | None = None,
    linear: bool = False,
    power: float | None = None,
    prior: bool = False,
    on_step: OnStep | None = None,
) -> Tensor:
    """XReal's ``sample_spatial_input``: a sample of the posterior of ``target`` is followed.

    With ``prior`` the target is a latent already.
    """
    abars = model.diffusion.alphas_cumprod
    plan = reference_steps(abars, steps, eta)
    latent = target
    if not prior:
        mean, spread = model.codec.moments(target)
        draw = noise(tuple(mean.shape)).to(mean.device)
        latent = (mean + spread * draw) * model.codec.scale
    held = Held(latent=latent, keep=keep, steps=held_steps, linear=linear, power=power)
    x = _start(model, noise, tuple(latent.shape))
    eps = guided_eps(model, words, unguided, guidance)
    return sample_latent(eps, x, plan, noise, abars, held, on_step)


@torch.inference_mode()
def follow_organs(
    model: LatentModel,
    controller: AnatomyController,
    noise: Noise,
    *,
    anatomy: Tensor,
    steps: int = 100,
    held_steps: int = HELD_STEPS,
    on_step: OnStep | None = None,
) -> tuple[Tensor, Tensor]:
    """XReal's first stage: (H, W) labels -> rough and drawn radiograph, (1, 3, 256, 256)."""
    whole, cells = anatomy_inputs(anatomy)
    rough = controller.rough_own(whole)
    latent = spatial(
        model,
        noise,
        target=rough,
        keep=cells,
        steps=steps,
        held_steps=held_steps,
        on_step=on_step,
    )
    return rough, decoded(model, latent).clamp(0, 1)


@torch.inference_mode()
def add_finding(
    model: LatentModel,
    noise: Noise,
    *,
    picture: Tensor,
    region: Tensor,
    words: str,
    steps: int = 100,
    guidance: float = 7.0,
    on_step: OnStep | None = None,
) -> Tensor:
    """XReal's second stage: ``region`` (1, 1, 64, 64) is 1 where the finding goes. Not clamped."""
    latent = spatial(
        model,
        noise,
        target=picture,
        keep=1 - region,
        words=words,
        unguided="",
        guidance=guidance,
        steps=steps,
        on_step=on_step,
    )
    return decoded(model, latent)


def anatomy_inputs(anatomy: Tensor) -> tuple[Tensor, Tensor]:
    """(H, W) labels, or labels / 4 -> what the controller and the sampler see of them.

    A map that reaches 1 is taken as labels, as the authors do. Returns (1, 3, 256, 256) and the
    mask (1, 3, 64, 64) of 1 in organs and 0.2 elsewhere; their resampling overshoots at edges.
    """
    labels = anatomy.float()[None, None].expand(-1, 3, -1, -1)
    if labels.max() >= 1:
        labels = labels / AORTA
    cells = reference_cubic(labels, CELLS, CELLS)
    return reference_cubic(labels, SIDE, SIDE), torch.where(cells > 0, 1.0, SOFT)


@torch.inference_mode()
def control_sample(
    model: LatentModel,
    noise: Noise,
    *,
    hint: Tensor,
    words: str = "",
    steps: int = 100,
    eta: float = 1.0,
    on_step: OnStep | None = None,
) -> Tensor:
    """XReal's ControlNet baseline: ``hint`` (B, 3, H, W) is label / 4."""
    abars = model.diffusion.alphas_cumprod
    plan = reference_steps(abars, steps, eta)
    states = model.diffusion.states(words)
    cells = tuple(side // model.codec.cell for side in hint.shape[-2:])
    x = _start(model, noise, (len(hint), 3, *cells))

    def eps(x: Tensor, t: int) -> Tensor:
        return model.diffusion.eps(x, t, states, hint)

    return sample_latent(eps, x, plan, noise, abars, on_step=on_step)


@torch.inference_mode()
def enlarge_ddim(
    upscaler: PublishedUpscaler,
    noise: Noise,
    *,
    film: Tensor,
    steps: int = 100,
    eta: float = 0.0,
    on_step: OnStep | None = None,
) -> Tensor:
    """Cheff's super-resolution by DDIM: (B, 1, h, w) in [0, 1] -> large picture, not clamped.

    x0 is not clipped and the last step, from time 0 to itself, changes nothing.
    """
    condition = upscaler.condition(film)
    plan = reference_steps(upscaler.alphas_cumprod, steps, eta, first=0)
    x = noise(upscaler.shape(film)).to(film.device)

    def eps(x: Tensor, t: int) -> Tensor:
        return upscaler.eps(x, t, condition)

    return sample_latent(eps, x, plan, noise, upscaler.alphas_cumprod, on_step=on_step)


@torch.inference_mode()
def enlarge_ddpm(
    upscaler: PublishedUpscaler,
    noise: Noise,
    *,
    film: Tensor,
    betas: Tensor | None = None,
    on_step: OnStep | None = None,
) -> Tensor:
    """Cheff's super-resolution by all steps of the chain (Ho et al. 2020), x0 clipped."""
    betas = upscaler.betas if betas is None else betas
    alphas = 1 - betas
    abars = torch.cumprod(alphas, 0)
    before = F.pad(abars[:-1], (1, 0), value=1.0)
    variance = betas * (1 - before) / (1 - abars)
    spread = (0.5 * variance.clamp(min=SMALLEST_LOG_VARIANCE).log()).exp()
    of_x0 = betas * before.sqrt() / (1 - abars)
    of_x = (1 - before) * alphas.sqrt() / (1 - abars)
    of_signal, of_noise = (1 / abars).sqrt(), (1 / abars - 1).sqrt()
    condition = upscaler.condition(film)
    x = noise(upscaler.shape(film)).to(film.device)
    for t in reversed(range(len(betas))):
        found = upscaler.eps(x, t, condition)
        x0 = (float(of_signal[t]) * x - float(of_noise[t]) * found).clamp(-1, 1)
        draw = noise(tuple(x.shape)).to(x.device)
        x = float(of_x0[t]) * x0 + float(of_x[t]) * x
        if t > 0:
            x = x + float(spread[t]) * draw
        if on_step is not None:
            on_step(len(betas) - t, x0)
    return x


def _start(model: LatentModel, noise: Noise, shape: tuple[int, ...]) -> Tensor:
    device = model.diffusion.device
    return noise(shape).to(device)
