"""The real films that drawn ones are measured against, and the networks that measure.

Real films stay in memory: no picture of them is written anywhere.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import ImageUnreadable
from engine.networks.judge import Judge
from engine.networks.linear_codec import LinearCodec
from engine.networks.segmenter import Segmenter
from engine.networks.small import load_embedded
from engine.training.data import Film, Pack, read_pack
from engine.training.judge import kept_from_judge, labelled
from engine.training.labels import DENSE, Labelled, label_films
from engine.training.package import load_kind
from engine.training.prompts import NOTHING, phrases

WITHOUT_DATA = (
    "Name the folder of real films with --data DIR (see docs/training.md): obedience, findings, "
    "realism, copies, the codec and the upscaler are all measured against held-out real films."
)


@dataclass(frozen=True)
class Instruments:
    """What measures: the segmenter and the codec of ``folder``, the judge of ``judge_folder``."""

    folder: Path
    judge_folder: Path

    @cached_property
    def segmenter(self) -> Segmenter:
        network = load_embedded(self.folder / "segmenter.json")
        assert isinstance(network, Segmenter)
        return network

    @cached_property
    def codec(self) -> LinearCodec:
        network = load_embedded(self.folder / "codec.json")
        assert isinstance(network, LinearCodec)
        return network

    @cached_property
    def judge_told(self) -> dict[str, Any]:
        """The judge's description."""
        return json.loads((self.judge_folder / "judge.json").read_text("utf-8"))

    @cached_property
    def judge(self) -> Judge:
        missing = (
            "The judge that looks for findings is missing. Download the project again, or "
            "train one: python -m engine train judge."
        )
        return load_kind(self.judge_folder / "judge.json", Judge, missing)


@dataclass(frozen=True)
class RealFilms:
    """All films of a training folder, 256 px; ``folder`` is None for made-up ones."""

    pack: Pack
    instruments: Instruments
    folder: Path | None = None

    @cached_property
    def train(self) -> NDArray[np.intp]:
        return np.asarray(self.pack.select("train"))

    @cached_property
    def val(self) -> NDArray[np.intp]:
        return np.asarray(self.pack.select("val"))

    @cached_property
    def reference(self) -> NDArray[np.intp]:
        """Training films that the judge never saw: what sets of films are compared with.

        Films nobody labelled come from another source than the labelled ones, so both have the
        share here that they have among the held-out films.
        """
        films = self.pack.films
        told = [bool(film.labels or film.boxes) for film in films]
        with_labels = [i for i in self.train if told[i] and kept_from_judge(films[i])]
        without = [i for i in self.train if not told[i]]
        share = float(np.mean([told[i] for i in self.val])) if len(self.val) else 1.0
        if share > 0:
            count = round(len(with_labels) * (1 - share) / share)
            without = np.random.default_rng(0).permutation(without)[:count]
        return np.array([*with_labels, *without], int)

    @cached_property
    def read(self) -> NDArray[np.intp]:
        """Films with labels that the judge never saw, of both splits."""
        films = self.pack.films
        return np.array([i for i in labelled(films) if kept_from_judge(films[i])], int)

    def labels_of(self, rows: Sequence[int] | NDArray[np.intp]) -> Labelled:
        """Organ maps (n, 128, 128) and their soundness for some films."""
        return label_films(self.instruments.segmenter, self.subset(rows))

    def subset(self, rows: Sequence[int] | NDArray[np.intp]) -> Pack:
        rows = np.asarray(rows, int)
        films = tuple(self.pack.films[i] for i in rows)
        return Pack(films, self.pack.images[rows], self.pack.organs[rows])

    @cached_property
    def held_out(self) -> "HeldOut":
        """The organ maps of held-out films that may be trusted, with the words of their films."""
        labels = self.labels_of(self.val)
        rows = [k for k in range(len(self.val)) if labels.sound[k]]
        films = [self.pack.films[self.val[k]] for k in rows]
        organs = labels.organs[rows]
        return HeldOut(tuple(films), organs, tuple(map(report_of, films, organs)))


@dataclass(frozen=True)
class HeldOut:
    """Held-out films as orders: ``organs`` (n, 128, 128) and the words their films are read as."""

    films: tuple[Film, ...]
    organs: NDArray[np.uint8]
    reports: tuple[str, ...]

    @cached_property
    def healthy(self) -> NDArray[np.intp]:
        """Those without a disease that hides lung."""
        sick = [DENSE & {*f.labels, *(b.label for b in f.boxes)} for f in self.films]
        return np.flatnonzero([not one for one in sick])


def report_of(film: Film, organs: NDArray[np.uint8]) -> str:
    """What a report of the film would say in the words of its labels: "effusion left lower"."""
    words = [f"{name} {where}".strip() for name, where in phrases(film, organs)]
    if film.view:
        words = [*(words or [NOTHING]), f"{film.view.lower()} view"]
    return ", ".join(words or [NOTHING])


def read_real(folder: Path, instruments: Instruments) -> RealFilms:
    """The films of a training folder; refuses a folder that is none."""
    if not (folder / "index.csv").is_file():
        raise ImageUnreadable(
            f"There is no index.csv in '{folder.name}'. Name the folder that holds the films of "
            "docs/training.md."
        )
    return RealFilms(read_pack(folder), instruments, folder)
