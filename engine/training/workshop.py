"""What several kinds of training share: films, labels, the models trained before, and a place."""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from engine.errors import CheckpointRefused, ImageUnreadable
from engine.networks.linear_codec import LinearCodec
from engine.networks.segmenter import Segmenter
from engine.networks.small import KINDS, RoughController, load_embedded
from engine.networks.text import read_vocabulary
from engine.training import grafts, labels
from engine.training.codec import fitted_codec
from engine.training.data import Pack, read_pack
from engine.training.diffusion import Films
from engine.training.loop import Plan
from engine.training.madeup import made_up_pack
from engine.training.package import load_kind
from engine.training.upscaler import read_large

VOCABULARY = Path(__file__).parents[2] / "assets" / "models" / "vocab.txt"
SMOKE_STEPS = 2
Net = TypeVar("Net", bound=nn.Module)


@dataclass(frozen=True)
class Workshop:
    """``data`` is the folder of films, None for made-up ones; models are written to ``out``.

    ``start`` is a folder of models to go on from, None to begin with random weights.
    """

    data: Path | None
    out: Path
    minutes: float
    resume: bool
    start: Path | None = None

    @property
    def smoke(self) -> bool:
        return self.data is None

    def begun(self, network: Net) -> Net:
        """``network`` with the weights of its kind in ``start``; as it is where there is none."""
        if self.start is None:
            return network
        (kind,) = (k for k, built in KINDS.items() if isinstance(network, built))
        before = load_embedded(self.start / f"{kind}.json")
        try:
            network.load_state_dict(before.state_dict())
        except RuntimeError as error:
            raise CheckpointRefused(
                f"The {kind} in '{self.start.name}' has another architecture than the one that is "
                "trained now. Leave --from out to begin anew."
            ) from error
        return network

    def plan(self, name: str, share: float = 1.0) -> Plan:
        """The plan of one run, which may spend ``share`` of the budget."""
        steps = SMOKE_STEPS if self.smoke else None
        return Plan(self.out / "work" / name, self.minutes * share, self.resume, steps)

    @cached_property
    def pack(self) -> Pack:
        if self.data is None:
            return made_up_pack()
        if not (self.data / "index.csv").is_file():
            raise ImageUnreadable(
                f"There is no index.csv in '{self.data.name}'. Name the folder that holds the "
                "training films, see docs/training.md."
            )
        return read_pack(self.data)

    @cached_property
    def large(self) -> torch.Tensor:
        """Training films at 1024 px: (N, 1024, 1024) uint8."""
        if self.data is None:
            films = torch.from_numpy(self.pack.images[:2])
            return films.repeat_interleave(4, 1).repeat_interleave(4, 2)
        films = [f for f in self.pack.films if f.image1024 and f.split == "train"]
        return torch.from_numpy(read_large(self.data, films))

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        return read_vocabulary(VOCABULARY)

    @cached_property
    def codec(self) -> LinearCodec:
        """The codec in ``out``, or its closed-form part where it is not trained yet."""
        path = self.out / "codec.json"
        if not path.is_file():
            return fitted_codec(self.pack)
        codec = load_embedded(path)
        assert isinstance(codec, LinearCodec)
        return codec

    @cached_property
    def labelled(self) -> labels.Labelled:
        """Organ maps and regions of all films; kept in ``out``, as they take a minute."""
        path = self.out / "work" / "labels.npz"
        if path.is_file():
            with np.load(path) as stored:
                return labels.Labelled(stored["organs"], stored["sound"], stored["regions"])
        made = labels.label_films(self.segmenter, self.pack)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, organs=made.organs, sound=made.sound, regions=made.regions)
        return made

    @cached_property
    def segmenter(self) -> Segmenter:
        missing = (
            "The films must be segmented first. Train the segmenter into the same folder, "
            "then start this training again."
        )
        return load_kind(self.out / "segmenter.json", Segmenter, missing)

    @cached_property
    def controller(self) -> RoughController:
        missing = (
            "The anatomy controller must be trained first: it tells what a finding adds to a "
            "film. Train it into the same folder, then start this training again."
        )
        return load_kind(self.out / "controller.json", RoughController, missing)

    def films(self, split: str) -> Films:
        return Films(self.pack, self.labelled, self.codec, split)

    def grafted_films(self) -> Films:
        """The training films, with the findings of some laid onto others."""
        found = grafts.collect(self.pack, self.labelled, self.controller, self.codec)
        return Films(self.pack, self.labelled, self.codec, "train", found)

    def bring_vocabulary(self) -> None:
        """Put the word pieces beside the models, where an engine looks for them."""
        target = self.out / VOCABULARY.name
        if not target.exists():
            shutil.copyfile(VOCABULARY, target)
