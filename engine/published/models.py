"""A folder of published models as one set: who paints what, with which autoencoder."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

import torch

from engine.api import ModelCard, Quality, Sampling
from engine.bundle import ModelSet, Painter
from engine.checkpoints.families import UPSCALERS
from engine.checkpoints.store import OnSaid, StoredModel, by_role, stored_models
from engine.errors import ModelMissing
from engine.networks.ldm import AutoencoderPlan, TextPlan, UNetPlan
from engine.networks.sr_unet import SRPlan
from engine.published.networks import (
    AnatomyController,
    Autoencoder,
    PublishedDiffusion,
    PublishedUpscaler,
    Words,
)
from engine.published.shelf import Shelf
from engine.published.tokens import Tokenizer, read_tokenizer

VOCABULARY = Path(__file__).parents[2] / "assets" / "models" / "vocab.txt"
HELD_STEPS = 50  # of XReal's first stage; a count of steps, not a share
AUTOENCODER_OF = {
    "xreal_backbone": "xreal_autoencoder",
    "xreal_controlnet": "xreal_autoencoder",
    "cheff_text_to_image": "cheff_autoencoder",
    "cheff_unconditional": "cheff_autoencoder",
}
# The order in which painters are asked; the authors' own sampling.
UNGUIDED = Sampling(steps=100, sampler="ddim", eta=1.0, guidance=1.0, guidance_lasts=1.0)
PAINTERS = {
    # The embedded models, asked so, are 55 dB from guidance at each of 20 steps.
    "xreal_backbone": replace(UNGUIDED, guidance=7.0, guidance_lasts=1.5),
    "xreal_controlnet": UNGUIDED,
    "cheff_text_to_image": UNGUIDED,
    "cheff_unconditional": UNGUIDED,
}
# Not measured: the weights cannot be had here. 20 steps of a second-order solver are common for
# latent diffusion of this kind; fine is the authors' own sampler with twice their steps.
QUALITIES: Mapping[Quality, Sampling] = {
    "draft": Sampling(steps=20, sampler="dpmpp", eta=0.0),
    "fine": Sampling(steps=200, guidance_lasts=1.0),
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LatentModel:
    """A diffusion model with the autoencoder it was trained with."""

    stored: StoredModel
    codec: Autoencoder
    diffusion: PublishedDiffusion
    controller: AnatomyController | None = None


@dataclass(frozen=True)
class PublishedModels:
    """What a folder offers; networks load behind these fields at their first use."""

    folder: Path
    device: torch.device
    dtype: torch.dtype
    stored: Mapping[str, StoredModel]  # by role
    shelf: Shelf = field(repr=False)
    is_exact: bool = False
    title: str = ""  # of the set, where it is not the whole folder

    @property
    def name(self) -> str:
        return self.title or self.folder.resolve().name

    @cached_property
    def xreal(self) -> LatentModel | None:
        return self._latent("xreal_backbone")

    @cached_property
    def controlnet(self) -> LatentModel | None:
        return self._latent("xreal_controlnet")

    @cached_property
    def text_to_image(self) -> LatentModel | None:
        return self._latent("cheff_text_to_image")

    @cached_property
    def unconditional(self) -> LatentModel | None:
        return self._latent("cheff_unconditional")

    @cached_property
    def sr(self) -> PublishedUpscaler | None:
        role = next((name for name in UPSCALERS if name in self.stored), None)
        if role is None:
            return None
        stored = self.stored[role]
        plan = stored.plans["upscaler"]
        assert isinstance(plan, SRPlan)
        return PublishedUpscaler(self._load(stored, "upscaler", self.dtype), plan, self.dtype)

    @property
    def upscaler(self) -> PublishedUpscaler | None:
        return self.sr

    @cached_property
    def exact(self) -> "PublishedModels":
        """The same models in float32, for the reference's arithmetic."""
        return self if self.is_exact else replace(self, dtype=torch.float32, is_exact=True)

    @cached_property
    def painters(self) -> tuple[Painter, ...]:
        models = (self.xreal, self.controlnet, self.text_to_image, self.unconditional)
        return tuple(_painter(model) for model in models if model is not None)

    @property
    def hashes(self) -> dict[str, str]:
        return {name: model.sha256 for name, model in self.stored.items()}

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        return tuple(_card(model) for model in self.stored.values())

    def autoencoder(self, role: str) -> Autoencoder | None:
        """An autoencoder by itself, unscaled (Cheff's and XReal's own encode and decode)."""
        stored = self.stored.get(role)
        return None if stored is None else self._codec(stored, stored.pixel_range, 1.0)

    def _latent(self, role: str) -> LatentModel | None:
        stored = self.stored.get(role)
        if stored is None:
            return None
        codec = self._codec(self._autoencoder_for(stored), stored.pixel_range, stored.latent_scale)
        words = None
        if isinstance(text := stored.plans.get("text"), TextPlan):
            load = self._load(stored, "text", self.dtype)
            words = Words(load, text, _tokenizer(), self.device)
        control = self._load(stored, "control", self.dtype) if "control" in stored.plans else None
        plan = stored.plans["unet"]
        assert isinstance(plan, UNetPlan)
        diffusion = PublishedDiffusion(
            self._load(stored, "unet", self.dtype),
            words,
            control,
            plan,
            cell=codec.cell,
            device=self.device,
            dtype=self.dtype,
        )
        controller = None
        if role == "xreal_backbone" and "anatomy_controller" in self.stored:
            guide = self.stored["anatomy_controller"]
            controller = AnatomyController(self._codec(guide, guide.pixel_range, 1.0), self.device)
        return LatentModel(stored, codec, diffusion, controller)

    def _autoencoder_for(self, stored: StoredModel) -> StoredModel:
        """The one in the model's own file wins, as it does in the authors' code."""
        if "autoencoder" in stored.plans:
            return stored
        role = AUTOENCODER_OF[stored.role]
        if role not in self.stored:
            raise ModelMissing(
                f"The {stored.title} cannot run without its autoencoder, and the model folder has "
                f"none. Put the file there, or import it as '{role}'."
            )
        return self.stored[role]

    def _codec(
        self, stored: StoredModel, pixel_range: tuple[float, float], scale: float
    ) -> Autoencoder:
        plan = stored.plans["autoencoder"]
        assert isinstance(plan, AutoencoderPlan)
        # Always float32: 0.2 GiB each, and half precision overflows in decoders of this kind.
        load = self._load(stored, "autoencoder", torch.float32)
        return Autoencoder(load, plan, pixel_range, scale)

    def _load(self, stored: StoredModel, part: str, dtype: torch.dtype) -> Callable[[], object]:
        return partial(self.shelf.network, stored, part, dtype, exact=self.is_exact)


def open_published(
    folder: Path, device: torch.device, dtype: torch.dtype, on_said: OnSaid = log.warning
) -> PublishedModels:
    """The models of a folder; published files in it are recognised and converted first.

    ``on_said`` hears in sentences what is being done with a file for the first time.
    """
    stored = by_role(stored_models(folder, on_said), on_said)
    return opened(folder, device, dtype, stored)


def opened(
    folder: Path,
    device: torch.device,
    dtype: torch.dtype,
    stored: Mapping[str, StoredModel],
    title: str = "",
) -> PublishedModels:
    """The set of these stored models (by role); raises ModelMissing where none of them draws."""
    models = PublishedModels(folder, device, dtype, stored, Shelf(device), title=title)
    if not models.painters and models.sr is None:
        raise ModelMissing(
            f"The models in '{folder}' cannot draw by themselves: there is no diffusion model and "
            "no super-resolution among them. Add the authors' other files."
        )
    return models


def _tokenizer() -> Callable[[], Tokenizer]:
    """Reads the vocabulary when the first word is asked for."""
    read: list[Tokenizer] = []

    def tokenizer() -> Tokenizer:
        if not read:
            read.append(read_tokenizer(VOCABULARY))
        return read[0]

    return tokenizer


def _painter(model: LatentModel) -> Painter:
    knows = model.stored.knows
    if model.stored.role == "xreal_backbone" and model.controller is None:
        knows = replace(knows, organs=())
    return Painter(
        name=model.stored.title,
        codec=model.codec,
        diffusion=model.diffusion,
        knows=knows,
        defaults=PAINTERS[model.stored.role],
        qualities=QUALITIES,
        controller=model.controller,
    )


def _card(model: StoredModel) -> ModelCard:
    return ModelCard(
        name=model.title,
        role=model.role,
        knows=model.knows,
        licence=f"{model.licence}. {model.notice}",
        sha256=model.sha256,
        source=f"{model.source} ({model.source_file})",
    )


def published_with(published: PublishedModels, embedded: ModelSet) -> ModelSet:
    """Published models, with the embedded ones for what nobody has published."""

    def held() -> dict[str, int]:
        return {**embedded.held(), **published.shelf.held_by_model()}

    return ModelSet(
        name=published.name,
        device=published.device,
        cards=published.cards + tuple(c for c in embedded.cards if c.role in ("segmenter",)),
        painters=published.painters,
        upscaler=published.upscaler,
        segmenter=embedded.segmenter,
        shapes=embedded.shapes,
        hashes=published.hashes,
        precision=embedded.precision,
        # The authors' 100 steps are seconds on a card and minutes on a processor.
        usual="draft" if published.device.type == "cpu" else "standard",
        held=held,
    )
