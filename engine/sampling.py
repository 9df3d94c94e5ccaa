"""Sampling latents from a denoiser: DDIM and DPM-Solver++, guidance, and held regions.

Symbols follow Song et al. 2021: ``x`` is the noisy latent, ``eps`` the noise in it, ``x0`` the
clean latent that implies, ``abar`` the cumulative product of alphas. Latents are (B, C, h, w),
``keep`` is (B or 1, 1 or C, h, w) in [0, 1]: 1 follows the reference, 0 is free.
A sampler knows nothing but ``denoise(x, t)``; words, maps and guidance are bound before.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Estimate(NamedTuple):
    """What a network says of ``x`` at one time; the two agree: x = sqrt(abar) x0 + ... eps."""

    x0: Tensor
    eps: Tensor


class Denoiser(Protocol):
    def __call__(self, x: Tensor, t: int) -> Estimate: ...


class Step(NamedTuple):
    t: int  # training time
    abar: float  # at t
    abar_prev: float  # at the next, less noisy, step
    sigma: float  # fresh noise added on the way there


Pair = Callable[[Tensor, int], tuple[Estimate, Estimate]]  # unguided, and with the words
Noise = Callable[[tuple[int, ...]], Tensor]  # standard normal draws of the shape asked for
NoiseMark = tuple[Tensor, ...]  # states of the generators of a SeededNoise
OnStep = Callable[[int, Tensor], None]  # (steps done, current x0)

ROOT, STEEPEST = 7, 3  # of the solver's times


class SeededNoise:
    """Noise that is the same on every device, because it is drawn on the CPU, in order.

    With N seeds, item i of every (N, ...) draw comes from seed i alone: a picture does not
    depend on which others are made beside it.
    """

    def __init__(self, *seeds: int, device: torch.device | str = "cpu") -> None:
        self._generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        self._device = torch.device(device)

    def __call__(self, shape: tuple[int, ...]) -> Tensor:
        generators = self._generators
        if len(generators) == 1:
            return self._sent(torch.randn(shape, generator=generators[0]))
        if shape[0] != len(generators):
            raise ValueError(f"{len(generators)} seeds cannot fill a batch of {shape[0]}")
        one = (1, *shape[1:])
        return self._sent(torch.cat([torch.randn(one, generator=g) for g in generators]))

    def mark(self) -> NoiseMark:
        """Where the draws stand; :meth:`go_on` with it draws what would have come next."""
        return tuple(generator.get_state() for generator in self._generators)

    def go_on(self, mark: NoiseMark) -> None:
        for generator, state in zip(self._generators, mark, strict=True):
            generator.set_state(state)

    def _sent(self, noise: Tensor) -> Tensor:
        if self._device.type != "cuda":
            return noise.to(self._device)
        # From pinned memory, so that the card is not waited for at every step.
        return noise.pin_memory().to(self._device, non_blocking=True)


def from_eps(x: Tensor, eps: Tensor, abar: float) -> Estimate:
    return Estimate((x - (1 - abar) ** 0.5 * eps) / abar**0.5, eps)


def from_v(x: Tensor, v: Tensor, abar: float) -> Estimate:
    """v-prediction (Salimans and Ho 2022); well defined where abar is 0."""
    signal, spread = abar**0.5, (1 - abar) ** 0.5
    return Estimate(signal * x - spread * v, spread * x + signal * v)


def apart(unguided: Denoiser, asked: Denoiser) -> Pair:
    """The two estimates of guidance, one after the other; the guide may be another network
    (Karras et al. 2024, autoguidance)."""
    return lambda x, t: (unguided(x, t), asked(x, t))


def together(both: Denoiser) -> Pair:
    """The same in one call, where one network gives both: ``both`` answers a doubled batch, bound
    to the unguided conditions first and then to the asked ones."""

    def pair(x: Tensor, t: int) -> tuple[Estimate, Estimate]:
        halves = [part.chunk(2) for part in both(torch.cat([x, x]), t)]
        base, asked = zip(*halves, strict=True)
        return Estimate(*base), Estimate(*asked)

    return pair


def guided(pair: Pair, scale: float) -> Denoiser:
    """Classifier-free guidance (Ho and Salimans 2022)."""
    return lambda x, t: _led(*pair(x, t), scale)


def guided_now_and_then(
    pair: Pair, asked: Denoiser, scale: float, abars: Tensor, lasts: float
) -> Denoiser:
    """As ``guided``, which costs two estimates a step, with one (``asked``) at most steps.

    What guidance adds to the noise in ``x`` changes slowly: it is used again until the ratio of
    noise to signal has fallen ``lasts`` times.
    """
    added: Tensor | None = None
    since = math.inf  # ratio at which it was worked out

    def estimate(x: Tensor, t: int) -> Estimate:
        nonlocal added, since
        abar = float(abars[t])
        ratio = noise_ratio(abar)
        if added is not None and ratio * lasts > since:
            return from_eps(x, asked(x, t).eps + added, abar)
        base, wanted = pair(x, t)
        if abar > 0:
            added, since = (scale - 1) * (wanted.eps - base.eps), ratio
        return _led(base, wanted, scale)

    return estimate


def _led(base: Estimate, wanted: Estimate, scale: float) -> Estimate:
    return Estimate(*(b + scale * (w - b) for b, w in zip(base, wanted, strict=True)))


def held(
    denoise: Denoiser, reference: Tensor, keep: Tensor, abars: Tensor, *, down_to: int = 0
) -> Denoiser:
    """Pull the estimate of the clean latent to ``reference`` where ``keep`` is 1.

    The pull ends below training time ``down_to``. Blending the estimate, not the noisy latent,
    needs no fresh noise at each step, so multistep solvers stay valid, and a kept cell follows
    its exact path to the reference.
    """

    def estimate(x: Tensor, t: int) -> Estimate:
        if t < down_to:
            return denoise(x, t)
        x0 = denoise(x, t).x0
        x0 = keep * reference + (1 - keep) * x0
        abar = float(abars[t])
        return Estimate(x0, (x - abar**0.5 * x0) / (1 - abar) ** 0.5)

    return estimate


def ddim_steps(abars: Tensor, count: int, eta: float, *, first: int = 1) -> list[Step]:
    """The reference's trajectory, noisiest step first.

    Times are ``first`` above an even grid of stride T // count (1 for the LDMs, 0 for SR), so a
    count that does not divide T yields a few extra steps. The last step ends at abar[0], not 1.
    """
    stride = len(abars) // count
    times = [t + first for t in range(0, len(abars), stride)]
    steps, lower = [], 0
    for t in times:
        a, a_prev = float(abars[t]), float(abars[lower])
        sigma = eta * max((1 - a_prev) / (1 - a) * (1 - a / a_prev), 0.0) ** 0.5
        steps.append(Step(t, a, a_prev, sigma))
        lower = t
    return steps[::-1]


def trailing_steps(abars: Tensor, count: int, eta: float) -> list[Step]:
    """An even grid from the very last training time down to a clean latent (abar 1).

    For schedules that end in pure noise (Lin et al. 2024), where skipping the last time would
    start from a signal that is not there.
    """
    times = [round(len(abars) * (1 - i / count)) - 1 for i in range(count)]
    steps = []
    for i, t in enumerate(times):
        a = float(abars[t])
        a_prev = float(abars[times[i + 1]]) if i + 1 < count else 1.0
        sigma = eta * max((1 - a_prev) / (1 - a) * (1 - a / a_prev), 0.0) ** 0.5
        steps.append(Step(t, a, a_prev, sigma))
    return steps


def ddim_step(x: Tensor, estimate: Estimate, step: Step, noise: Tensor) -> Tensor:
    towards_x = max(1 - step.abar_prev - step.sigma**2, 0.0) ** 0.5 * estimate.eps
    return step.abar_prev**0.5 * estimate.x0 + towards_x + step.sigma * noise


def noise_ratio(abar: float) -> float:
    """Noise over signal at one time; infinite where there is no signal."""
    return ((1 - abar) / abar) ** 0.5 if abar > 0 else math.inf


def add_noise(x0: Tensor, abar: float, noise: Tensor) -> Tensor:
    return abar**0.5 * x0 + (1 - abar) ** 0.5 * noise


def solver_times(abars: Tensor, count: int) -> list[int]:
    """``count`` training times, noisiest first; fewer where the schedule has no more.

    The last training time, then ratios of noise to signal that are even in their seventh root
    (Karras et al. 2022, eq. 5), from 3 ``count`` down to 1 / ``count``. What spans the whole
    latent, as the brightness of a film, is decided at ratios of 10 and more: times that are even
    in t are too sparse there. Both ends close in with ``count``, because the first and the last
    step of the solver are of first order.
    """
    signal = abars.double()
    ratios = ((1 - signal) / signal).sqrt()  # rising, the last one may be infinite
    roots = torch.linspace(
        (STEEPEST * count) ** (1 / ROOT), (1 / count) ** (1 / ROOT), count - 1, dtype=torch.float64
    )
    wanted = torch.searchsorted(ratios, (roots**ROOT).to(ratios.device)).tolist()
    times = [len(abars) - 1]
    for t in wanted:
        times.append(min(t, times[-1] - 1))
    return [t for t in times if t >= 0]


def dpmpp(
    denoise: Denoiser,
    x: Tensor,
    abars: Tensor,
    times: Sequence[int],
    on_step: OnStep | None = None,
) -> Tensor:
    """DPM-Solver++(2M), deterministic (Lu et al. 2022, algorithm 2), ending at x0 itself.

    ``times`` fall (:func:`solver_times`), and ``x`` is as noisy as the first of them says. The
    first step and the last one are first order, where the second-order correction is undefined.
    """
    previous: tuple[Tensor, float] | None = None  # (x0, half log SNR) one step ago
    for i, t in enumerate(times):
        abar = float(abars[t])
        x0 = denoise(x, t).x0
        if i + 1 == len(times):
            x = x0
        else:
            after = float(abars[times[i + 1]])
            here, there = _half_log_snr(abar), _half_log_snr(after)
            aim = x0
            if previous is not None and math.isfinite(previous[1]):
                ratio = (here - previous[1]) / (there - here)
                aim = x0 + (x0 - previous[0]) / (2 * ratio)
            shrink = ((1 - after) / (1 - abar)) ** 0.5
            toward = after**0.5 - shrink * abar**0.5
            x = shrink * x + toward * aim
            previous = (x0, here)
        if on_step is not None:
            on_step(i + 1, x0)
    return x


def _half_log_snr(abar: float) -> float:
    return -math.inf if abar <= 0 else 0.5 * math.log(abar / (1 - abar))


def ddim(
    denoise: Denoiser,
    x: Tensor,
    steps: list[Step],
    noise: Noise,
    on_step: OnStep | None = None,
) -> Tensor:
    """Plain DDIM; noise is drawn at every step even where sigma is 0, as the reference does."""
    for i, step in enumerate(steps):
        estimate = denoise(x, step.t)
        x = ddim_step(x, estimate, step, noise(tuple(x.shape)))
        if on_step is not None:
            on_step(i + 1, estimate.x0)
    return x
