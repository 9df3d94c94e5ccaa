"""Loaded networks as a recipe sees them: plain calls, whatever file they came from.

Ranges and latent scales differ between sets of weights (XReal 0..1, Cheff -1..1; scales
0.18215 or 1). They are applied inside a ``Codec`` and nowhere else: outside, a radiograph is
(B, 1, H, W) in [0, 1] and a latent is (B, C, H / cell, W / cell) as the denoiser wants it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from engine.api import Knows, Mask, ModelCard, Organs, Pixels, Quality, Sampling
from engine.errors import ModelMissing
from engine.remembered import Remembered
from engine.sampling import Denoiser, Noise
from engine.shapes import ChestShape


class Codec(Protocol):
    """``cell`` is the side of a latent cell in pixels, ``size`` the side it was trained at."""

    cell: int
    channels: int
    size: int

    def encode(self, film: Tensor) -> Tensor:
        """(B, 1, H, W) in [0, 1] -> (B, C, H / cell, W / cell), the posterior's mode, scaled."""
        ...

    def decode(self, latent: Tensor, grain: Noise | None = None) -> Tensor:
        """(B, C, h, w) -> (B, 1 or 3, H, W), nominally [0, 1], not clamped.

        With ``grain`` (standard normal draws) a codec that can invents fine texture, for
        generated areas; without it, or in a codec that cannot, the decoding is faithful.
        """
        ...

    def glance(self, latent: Tensor) -> Tensor:
        """What a preview shows: as ``decode``, and where that costs as much as a step, coarser."""
        ...


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What one denoising obeys. ``region`` is where the words apply; arrays at film size."""

    words: str = ""
    organs: Organs | None = None
    region: Mask | None = None


class Diffusion(Protocol):
    """A latent diffusion model; ``alphas_cumprod`` is (T,) float32, see engine.schedules."""

    takes_map: bool  # reads the organ map and the region itself

    @property
    def alphas_cumprod(self) -> Tensor: ...

    def denoiser(self, conditions: Sequence[Conditions]) -> Denoiser:
        """A denoiser for a batch of ``len(conditions)`` latents."""
        ...


class Controller(Protocol):
    def rough(self, organs: Organs) -> Tensor:
        """(H, W) label map -> (1, 1, size, size) rough radiograph in [0, 1] (XReal stage 1)."""
        ...


class Upscaler(Protocol):
    """Super-resolution to 1024 px as a diffusion in the upscaler's own space."""

    defaults: Sampling
    qualities: Mapping[Quality, Sampling]  # what differs from the defaults

    @property
    def alphas_cumprod(self) -> Tensor: ...

    def shape(self, film: Tensor) -> tuple[int, ...]:
        """Shape of the noise for ``film`` (B, 1, h, w)."""
        ...

    def denoiser(self, film: Tensor) -> Denoiser: ...

    def picture(self, x: Tensor, film: Tensor) -> Tensor:
        """Sampled ``x`` -> (B, 1, 1024, 1024) in [0, 1]."""
        ...


class Segmenter(Protocol):
    def organs(self, image: Pixels) -> Organs:
        """(H, W) in [0, 1] -> (H, W) label map."""
        ...


class ShapeModel(Protocol):
    """Organ maps to start from; see engine.shapes."""

    @property
    def templates(self) -> Mapping[str, Sequence[float]]: ...

    def sample(self, seed: int, size: int) -> Organs: ...

    def template(self, name: str, size: int) -> Organs: ...

    def chest(self, settings: ChestShape, size: int) -> Organs: ...


@dataclass(frozen=True, kw_only=True)
class Painter:
    """A diffusion model with the codec and the controller it was trained with.

    ``defaults.guidance`` is for findings, which are painted into a film; ``report_guidance``
    for words that a whole film is drawn from. ``unsaid`` are the words for a film of which
    nothing was said: its healthiest and clearest. ``qualities`` hold what draft and fine do
    otherwise than ``defaults``. ``guide`` is a network of less training or size to lead away from
    (autoguidance); without one, guidance leads away from saying nothing. ``sparing`` computes the
    two halves of guidance one after another, in half the memory: the same but for rounding.
    """

    name: str
    codec: Codec
    diffusion: Diffusion
    knows: Knows
    defaults: Sampling
    controller: Controller | None = None
    report_guidance: float = 1.0
    unsaid: str = ""
    qualities: Mapping[Quality, Sampling] = field(default_factory=dict)
    guide: Diffusion | None = None
    sparing: bool = False


def settings(model: "Painter | Upscaler", quality: Quality) -> Sampling:
    """All that ``model`` does at ``quality``."""
    differs = model.qualities.get(quality, Sampling())
    return replace(differs.filled(model.defaults), quality=quality)


@dataclass(frozen=True, kw_only=True)
class ModelSet:
    """Everything one engine has loaded. Parts load on first use behind these fields.

    ``usual`` is the quality where none is asked for: the best that nobody waits minutes for.
    """

    name: str
    device: torch.device
    cards: tuple[ModelCard, ...]
    painters: tuple[Painter, ...]
    upscaler: Upscaler | None = None
    segmenter: Segmenter | None = None
    shapes: ShapeModel | None = None
    hashes: dict[str, str] = field(default_factory=dict)  # name -> sha256, for recipes
    precision: str = "float32"  # of the networks, for recipes
    usual: Quality = "standard"
    held: Callable[[], dict[str, int]] = dict  # sha256 -> bytes of the networks in memory
    remembered: Remembered = field(default_factory=Remembered)

    def settings(self, painter: Painter, quality: Quality | None) -> Sampling:
        """What ``painter`` fills in at ``quality``, with the upscaler's steps for large films."""
        named = quality or self.usual
        found = settings(painter, named)
        if self.upscaler is None:
            return found
        return replace(found, detail_steps=settings(self.upscaler, named).steps)

    def upscaling(self, quality: Quality | None) -> Sampling:
        """The same for the upscaler; a set without one raises ModelMissing."""
        if self.upscaler is None:
            raise ModelMissing(f"The model set '{self.name}' has no upscaler.")
        return settings(self.upscaler, quality or self.usual)

    def sparing(self) -> "ModelSet":
        """The same networks, asked for less at once."""
        return replace(self, painters=tuple(replace(p, sparing=True) for p in self.painters))

    def painter(self, verb: str, wanted: Callable[[Painter], bool], need: str) -> Painter:
        """The first painter that can do ``verb`` and is ``wanted``; ``need`` says what for."""
        for painter in self.painters:
            if verb in painter.knows.verbs and wanted(painter):
                return painter
        raise ModelMissing(
            f"None of the models of '{self.name}' can {verb} {need}. "
            "Choose another model set, or start with the embedded models."
        )
