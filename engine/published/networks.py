"""Published networks as recipes and the reference pipelines call them.

``moments``, ``decode_own``, ``eps`` speak the networks' own language (their pixel range, unscaled
latents, predicted noise); the methods of the protocols in engine.bundle speak ours.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.api import AORTA, Organs, Quality, Sampling
from engine.bundle import Conditions
from engine.checkpoints.roles import phantom
from engine.networks.ldm import AutoencoderPlan, TextPlan, UNetPlan
from engine.networks.sr_unet import SRPlan
from engine.published.tokens import Tokenizer
from engine.replays import called
from engine.sampling import Denoiser, Estimate, Noise, from_eps
from engine.schedules import ldm_linear, sr_cosine, sr_cosine_betas
from engine.tensors import reference_cubic

FILM_SIDE = 256  # px of the films all published latent models were trained on
LARGE_SIDE = 1024  # px after super-resolution
REMEMBERED = 16  # texts whose states are kept

Load = Callable[[], Any]


class Autoencoder:
    """A KL autoencoder with its pixel range and the latent scale of the model it serves."""

    def __init__(
        self, load: Load, plan: AutoencoderPlan, pixel_range: tuple[float, float], scale: float
    ) -> None:
        self._load = load
        self.cell, self.channels, self.size = plan.cell, plan.latent, FILM_SIDE
        self.picture_channels = plan.channels
        self.low, self.high = pixel_range
        self.scale = scale
        self._look: Tensor | None = None
        self._encoded: tuple[Tensor, Tensor] | None = None  # the last film and its latent

    def moments(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) in its own range -> mean and standard deviation of the latent."""
        posterior = self._load().encode(picture).latent_dist
        return posterior.mean, posterior.std

    def decode_own(self, latent: Tensor) -> Tensor:
        """Unscaled latent -> (B, 3, H, W) in its own range, not clamped."""
        return self._load().decode(latent).sample

    def to_own(self, film: Tensor) -> Tensor:
        """(B, 1 or 3, H, W) in [0, 1] -> all channels, in its own range."""
        return film.expand(-1, self.picture_channels, -1, -1) * (self.high - self.low) + self.low

    def from_own(self, picture: Tensor) -> Tensor:
        return (picture - self.low) / (self.high - self.low)

    @torch.inference_mode()
    def encode(self, film: Tensor) -> Tensor:
        """The last film is remembered: what lies around a finding stays as its words change."""
        last = self._encoded
        if last is None or last[0].shape != film.shape or not torch.equal(last[0], film):
            last = film.clone(), self.moments(self.to_own(film))[0] * self.scale
            self._encoded = last
        return last[1]

    @torch.inference_mode()
    def decode(self, latent: Tensor, grain: Noise | None = None) -> Tensor:
        del grain  # these decoders invent no texture of their own
        return self.from_own(self.decode_own(latent / self.scale))

    @torch.inference_mode()
    def glance(self, latent: Tensor) -> Tensor:
        """(B, C, h, w) -> grey (B, 1, H, W): the linear function of the channels that fits a drawn
        chest. The decoder would cost as much as two steps of the U-Net."""
        if self._look is None:
            self._look = self._fitted(latent.device)
        cells = torch.einsum("c,bchw->bhw", self._look[:-1], latent.float()) + self._look[-1]
        side = (latent.shape[-2] * self.cell, latent.shape[-1] * self.cell)
        return F.interpolate(cells[:, None], side, mode="bilinear")

    def _fitted(self, device: torch.device) -> Tensor:
        """Weights of the channels and a constant, (C + 1,)."""
        _, film = phantom(self.size)
        latent = self.encode(film.to(device))[0].float().flatten(1).T.cpu()
        grey = F.avg_pool2d(film, self.cell).flatten()
        columns = torch.cat((latent, torch.ones(len(latent), 1)), 1)
        return torch.linalg.lstsq(columns, grey[:, None]).solution[:, 0].to(device)


class Words:
    """A text encoder with its tokenizer; states of recent texts are remembered."""

    def __init__(
        self, load: Load, plan: TextPlan, tokenizer: Callable[[], Tokenizer], device: torch.device
    ) -> None:
        self._load, self._tokenizer, self._device = load, tokenizer, device
        self._positions = plan.positions
        self._states: dict[str, Tensor] = {}

    @torch.inference_mode()
    def states(self, text: str) -> Tensor:
        """(1, positions, width). Padding is attended to: the weights were trained so."""
        if text not in self._states:
            numbers = torch.tensor([self._tokenizer()(text, self._positions)], device=self._device)
            if len(self._states) >= REMEMBERED:
                self._states.pop(next(k for k in self._states if k))  # '' stays
            self._states[text] = self._load()(numbers, return_dict=True).last_hidden_state
        return self._states[text]


class PublishedDiffusion:
    """A noise predictor with its text encoder and, for ControlNet, the branch that reads a map."""

    def __init__(
        self,
        load: Load,
        words: Words | None,
        control: Load | None,
        plan: UNetPlan,
        *,
        cell: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._load, self._control, self._cell, self._dtype = load, control, cell, dtype
        self.words, self.plan, self.device = words, plan, device
        self.alphas_cumprod = ldm_linear()
        self.takes_map = control is not None

    def states(self, text: str) -> Tensor | None:
        return None if self.words is None else self.words.states(text)

    def eps(
        self, x: Tensor, t: int, states: Tensor | None = None, hint: Tensor | None = None
    ) -> Tensor:
        """Predicted noise of ``x`` (B, C, h, w) at time t, in float32."""
        times = torch.full((len(x),), t, device=x.device, dtype=torch.long)
        given = x.to(self._dtype)
        network = self._load()
        if states is None:
            return called(network, lambda x, t: network(x, t).sample, given, times).float()
        states = states.to(self._dtype)
        if hint is None:
            return called(
                network, lambda x, t, words: network(x, t, words).sample, given, times, states
            ).float()
        assert self._control is not None
        downs, middle = self._control()(
            given, times, states, hint.to(self._dtype), return_dict=False
        )
        extra = {
            "down_block_additional_residuals": downs,
            "mid_block_additional_residual": middle,
        }
        return network(given, times, states, **extra).sample.float()

    def denoiser(self, conditions: Sequence[Conditions]) -> Denoiser:
        states = None
        if self.words is not None:
            states = torch.cat([self.words.states(c.words) for c in conditions])
        maps = [c.organs for c in conditions if c.organs is not None] if self.takes_map else []
        abars = self.alphas_cumprod

        @torch.inference_mode()
        def denoise(x: Tensor, t: int) -> Estimate:
            hint = None
            if maps and len(maps) == len(conditions):
                side = (x.shape[-2] * self._cell, x.shape[-1] * self._cell)
                hint = torch.cat([anatomy(organs, side, x.device) for organs in maps])
            return from_eps(x, self.eps(x, t, states, hint), float(abars[t]))

        return denoise


class AnatomyController:
    """XReal's stage 0: an autoencoder that turns a label map into a rough radiograph."""

    def __init__(self, autoencoder: Autoencoder, device: torch.device) -> None:
        self.autoencoder, self._device = autoencoder, device

    @torch.inference_mode()
    def rough(self, organs: Organs) -> Tensor:
        side = self.autoencoder.size
        drawn = self.rough_own(anatomy(organs, (side, side), self._device))
        return drawn.mean(1, keepdim=True)

    def rough_own(self, anatomy: Tensor) -> Tensor:
        """(1, 3, H, W) labels in [0, 1] -> (1, 3, H, W) in [0, 1]."""
        mean, _ = self.autoencoder.moments(anatomy)
        return self.autoencoder.decode_own(mean).clamp(0, 1)


class PublishedUpscaler:
    """Cheff's super-resolution; ``x`` is the large picture in [-1, 1]."""

    def __init__(
        self, load: Load, plan: SRPlan, dtype: torch.dtype, side: int = LARGE_SIDE
    ) -> None:
        self._load, self._dtype, self.side = load, dtype, side
        self.stride = 2 ** (len(plan.multiples) - 1)
        self.alphas_cumprod, self.betas = sr_cosine(), sr_cosine_betas()
        self.defaults = Sampling(steps=50, sampler="ddim", eta=0.0, guidance=1.0)
        self.qualities: Mapping[Quality, Sampling] = {
            "draft": Sampling(steps=20),
            "fine": Sampling(steps=100),
        }

    def shape(self, film: Tensor) -> tuple[int, ...]:
        return (len(film), 1, self.side, self.side)

    def condition(self, film: Tensor) -> Tensor:
        """The small film enlarged, in [-1, 1]; overshoot of the cubic is left as it is."""
        return reference_cubic(film * 2 - 1, self.side, self.side)

    def eps(self, x: Tensor, t: int, condition: Tensor) -> Tensor:
        times = torch.full((len(x),), t, device=x.device, dtype=torch.long)
        both = torch.cat((x, condition), 1).to(self._dtype)
        network = self._load()
        return called(network, network, both, times).float()

    def denoiser(self, film: Tensor) -> Denoiser:
        condition = self.condition(film)

        @torch.inference_mode()
        def denoise(x: Tensor, t: int) -> Estimate:
            return from_eps(x, self.eps(x, t, condition), float(self.alphas_cumprod[t]))

        return denoise

    def picture(self, x: Tensor, film: Tensor) -> Tensor:
        del film  # the small one is already in x
        return (x.clamp(-1, 1) + 1) / 2


def anatomy(organs: Organs, side: tuple[int, int], device: torch.device | str) -> Tensor:
    """(H, W) label map -> (1, 3, h, w) of label / 4, resampled as the reference does."""
    labels = torch.from_numpy(organs.astype("float32"))[None, None] / AORTA
    return reference_cubic(labels, *side).expand(-1, 3, -1, -1).to(device)
