"""The models that ship with the project, as recipes see them.

Each network loads on its first use, so that opening an engine only reads descriptions. What
they are and how well they do is in assets/models (a JSON description and a card).
"""

import json
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine import masks
from engine.api import Knows, ModelCard, Organs, Pixels, Quality, Sampling
from engine.bundle import Conditions, ModelSet, Painter
from engine.errors import CheckpointRefused
from engine.networks.linear_codec import GRAIN
from engine.networks.small import (
    CELL,
    condition_channels,
    load_embedded,
    read_vocabulary,
)
from engine.replays import called, replays_on
from engine.sampling import Denoiser, Noise, from_v
from engine.schedules import SCHEDULES
from engine.shapes import read_shapes
from engine.tensors import resize, to_film

NAME = "Embedded models, 256 px"
FILM_SIDE = 256  # px
GRID = FILM_SIDE // CELL
MAP_SIDE = 128  # px; the organ maps the diffusion model was trained on
PAINTING = Sampling(steps=12, sampler="dpmpp", eta=0.0, guidance=3.5, guidance_lasts=1.0)
REPORT_GUIDANCE = 1.5
# Measured by hit rate and by eye on films of the training set's kinds: evaluation/findings.py
DENSITIES = {
    "consolidation": 0.3,
    "effusion": 0.45,
    "pneumonia": 0.3,
    "opacity": 0.3,
    "infiltration": 0.25,
    "mass": 0.5,
    "nodule": 0.6,
    "atelectasis": 0.35,
    "edema": 0.2,
    "pleural thickening": 0.4,
    "pneumothorax": -0.4,
}
UNSAID = "no finding, pa view"  # crisper than saying nothing: see the sheets of the card
UPSCALING = Sampling(steps=6, sampler="ddim", eta=0.0, guidance=1.0)
# What each costs and keeps: docs/performance.md
QUALITIES: Mapping[Quality, Sampling] = {"draft": Sampling(steps=6), "fine": Sampling(steps=24)}
UPSCALING_QUALITIES: Mapping[Quality, Sampling] = {
    "draft": Sampling(steps=3),
    "fine": Sampling(steps=12),
}
REMEMBERED = 64  # texts whose states are kept
VERBS = ("generate", "insert", "erase", "outpaint")


def open_embedded(folder: Path, device: torch.device, dtype: torch.dtype) -> ModelSet:
    """The embedded models in ``folder``; raises CheckpointRefused where one is missing."""
    kinds = ("segmenter", "codec", "diffusion", "controller", "upscaler")
    files = {kind: Weights(folder / f"{kind}.json", device, dtype) for kind in kinds}
    files["segmenter"].dtype = torch.float32  # quick, and a map must not depend on the precision
    codec = EmbeddedCodec(files["codec"])
    knows = knows_of(files["diffusion"].description)
    painter = Painter(
        name="embedded",
        codec=codec,
        diffusion=EmbeddedPainter(files["diffusion"], read_vocabulary(folder / "vocab.txt")),
        knows=knows,
        defaults=PAINTING,
        controller=EmbeddedController(files["controller"], codec),
        report_guidance=REPORT_GUIDANCE,
        qualities=QUALITIES,
        unsaid=UNSAID,
    )
    return ModelSet(
        name=NAME,
        device=device,
        cards=tuple(card_of(f.description) for f in files.values()),
        painters=(painter,),
        upscaler=EmbeddedUpscaler(files["upscaler"]),
        segmenter=EmbeddedSegmenter(files["segmenter"]),
        shapes=read_shapes(folder),
        hashes={f.description["name"]: f.description["sha256"] for f in files.values()},
        precision=str(dtype).removeprefix("torch."),
        held=lambda: {f.description["sha256"]: f.held for f in files.values() if f.held},
    )


class Weights:
    """One network on disk: described at once, loaded when first asked for."""

    def __init__(self, path: Path, device: torch.device, dtype: torch.dtype) -> None:
        if not path.is_file():
            raise CheckpointRefused(
                f"The embedded model '{path.stem}' is missing from {path.parent.name}. "
                "Download the project again; its folder is not complete."
            )
        self.description: dict[str, Any] = json.loads(path.read_text("utf-8"))
        self.device, self.dtype = device, dtype
        self._path, self._lock = path, threading.Lock()

    @property
    def network(self) -> Any:
        with self._lock:
            return self._loaded

    @property
    def held(self) -> int:
        """Bytes of the network in memory; 0 until it is first used."""
        network = self.__dict__.get("_loaded")
        if network is None:
            return 0
        return sum(p.numel() * p.element_size() for p in network.parameters())

    @cached_property
    def _loaded(self) -> Any:
        network: Any = load_embedded(self._path, self.dtype).to(self.device)
        vars(network)["replays"] = replays_on(self.device)
        return network.to(memory_format=torch.channels_last)  # what processors convolve fastest

    @cached_property
    def alphas_cumprod(self) -> Tensor:
        return SCHEDULES[self.description["schedule"]]()


class EmbeddedCodec:
    cell, size = CELL, FILM_SIDE

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.channels: int = weights.description["architecture"]["channels"]

    def encode(self, film: Tensor) -> Tensor:
        return self._weights.network.encode(film.float())

    def decode(self, latent: Tensor, grain: Noise | None = None) -> Tensor:
        """Faithful without ``grain``; with it the film's texture is invented."""
        network, latent = self._weights.network, latent.float()
        if grain is None:
            return network.decode(latent, head="fidelity")
        batch, _, height, width = latent.shape
        half = CELL // 2
        noise = grain((batch, GRAIN, height * half, width * half))
        return network.decode(latent, head="texture", noise=noise)

    def glance(self, latent: Tensor) -> Tensor:
        return self.decode(latent)  # 12 ms on one core


class EmbeddedPainter:
    """The diffusion model: reads words, the organ map and the finding's region."""

    takes_map = True

    def __init__(self, weights: Weights, vocabulary: dict[str, int]) -> None:
        self._weights, self._vocabulary = weights, vocabulary
        self._read: dict[str, tuple[Tensor, Tensor]] = {}

    @property
    def alphas_cumprod(self) -> Tensor:
        return self._weights.alphas_cumprod

    def words(self, text: str) -> tuple[Tensor, Tensor]:
        """States (1, 32, 128) of a text and their mean (1, 128); recent ones are remembered."""
        if text not in self._read:
            if len(self._read) >= REMEMBERED:
                self._read.pop(next(iter(self._read)))
            network = self._weights.network
            table = network.rows([text], self._vocabulary).to(self._weights.device)
            self._read[text] = network.read(table)
        return self._read[text]

    def denoiser(self, conditions: Sequence[Conditions]) -> Denoiser:
        weights, network = self._weights, self._weights.network
        told = torch.cat(drawings(conditions)).to(weights.device, weights.dtype)
        read = [self.words(c.words) for c in conditions]
        states, mean = (torch.cat(parts) for parts in zip(*read, strict=True))

        def estimate(x: Tensor, t: int):
            times = torch.full((len(x),), t, device=x.device)
            v = called(network, network, x.to(weights.dtype), times, told, states, mean)
            abar = float(self.alphas_cumprod[t])
            return from_v(x, v.float(), abar)

        return estimate


def drawings(conditions: Sequence[Conditions]) -> list[Tensor]:
    """The channels of each; a drawing that several share is worked out once."""
    found: dict[tuple[int, int], Tensor] = {}
    for c in conditions:
        key = (id(c.organs), id(c.region))
        if key not in found:
            found[key] = drawing_channels(c)
    return [found[id(c.organs), id(c.region)] for c in conditions]


def drawing_channels(condition: Conditions) -> Tensor:
    """(1, 11, 32, 32): an organ that is not drawn is not spoken of, rather than absent."""
    organs = known = None
    if condition.organs is not None:
        labels = masks.organs_at(condition.organs, MAP_SIDE)
        organs, known = torch.from_numpy(labels)[None], np.unique(labels).tolist()
    region = None
    if condition.region is not None:
        region = masks.mask_at(condition.region, FILM_SIDE)
    return condition_channels(organs, region, shape=(1, GRID, GRID), known=known or ())


class EmbeddedController:
    def __init__(self, weights: Weights, codec: EmbeddedCodec) -> None:
        self._weights, self._codec = weights, codec

    def rough(self, organs: Organs) -> Tensor:
        told = drawing_channels(Conditions(organs=organs))[:, :9]
        latent = self._weights.network(told.to(self._weights.device, self._weights.dtype))
        return self._codec.decode(latent.float()).clamp(0, 1)


class EmbeddedUpscaler:
    defaults = UPSCALING
    qualities: Mapping[Quality, Sampling] = UPSCALING_QUALITIES

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    @property
    def alphas_cumprod(self) -> Tensor:
        return self._weights.alphas_cumprod

    def shape(self, film: Tensor) -> tuple[int, ...]:
        return (len(film), 16, *film.shape[-2:])

    def denoiser(self, film: Tensor) -> Denoiser:
        weights, network = self._weights, self._weights.network
        small = film.to(weights.dtype)

        def estimate(x: Tensor, t: int):
            times = torch.full((len(x),), t, device=x.device)
            v = called(network, network, x.to(weights.dtype), times, small)
            return from_v(x, v.float(), float(self.alphas_cumprod[t]))

        return estimate

    def picture(self, x: Tensor, film: Tensor) -> Tensor:
        return self._weights.network.to_film(x.float(), film).clamp(0, 1)


class EmbeddedSegmenter:
    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def organs(self, image: Pixels) -> Organs:
        """The likeliest label of each pixel, tidied: one piece per organ, without holes."""
        weights = self._weights
        height, width = image.shape
        film = resize(to_film(masks.square(image), weights.device), MAP_SIDE, MAP_SIDE)
        logits = weights.network(film.to(weights.dtype)).float().cpu()
        longest = max(height, width)
        labels = F.interpolate(logits, (longest, longest), mode="bilinear").argmax(1)[0]
        labels = masks.unsquare(labels.numpy().astype(np.uint8), height, width)
        return masks.tidied(labels)


def knows_of(description: dict[str, Any]) -> Knows:
    told = description["knows"]
    return Knows(
        verbs=VERBS,
        findings=tuple(told["findings"]),
        organs=tuple(told["organs"]),
        sides=tuple(told["sides"]),
        zones=tuple(told["zones"]),
        views=tuple(told["views"]),
        free_text=bool(told["free_text"]),
        densities={f: d for f, d in DENSITIES.items() if f in told["findings"]},
    )


def card_of(description: dict[str, Any]) -> ModelCard:
    diffusion = description["kind"] == "diffusion"
    return ModelCard(
        name=description["name"],
        role=description["kind"],
        knows=knows_of(description) if diffusion else Knows(),
        licence=description["licence"],
        sha256=description["sha256"],
        source="embedded",
        figures=description.get("figures", {}),
    )
