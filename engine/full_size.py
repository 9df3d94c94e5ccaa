"""The authors' way against ours on networks of the published size, in one process.

The weights are random: they take as long as real ones, and nobody has to own the files. What the
authors' code does is :mod:`engine.recipes.pipelines`: float32, one picture, guidance as two calls,
attention as matrix products, decoding and encoding again between the stages. Both ways have the
same weights. *Fidelity* is the distance of a picture to the same request in float32; what fewer
steps cost in quality random weights cannot say (:mod:`engine.qualities` measures it with real
ones).
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, cast

import numpy as np
import torch

from engine.api import (
    Batch,
    Finding,
    GenerateRequest,
    Quality,
    Request,
    Result,
    Sampling,
    SegmentRequest,
    UpscaleRequest,
)
from engine.bench import GIB, SIDE, Row, chest, ellipse
from engine.bundle import ModelSet, Painter
from engine.checkpoints.roles import ROLES
from engine.checkpoints.store import StoredModel
from engine.devices import give_back
from engine.engine import Engine
from engine.networks.ldm import AutoencoderPlan, Plan, TextPlan, UNetPlan, build
from engine.networks.sr_unet import SRPlan
from engine.published.models import PAINTERS, QUALITIES, VOCABULARY, LatentModel
from engine.published.networks import (
    AnatomyController,
    Autoencoder,
    PublishedDiffusion,
    PublishedUpscaler,
    Words,
)
from engine.published.shelf import prepared
from engine.published.tokens import read_tokenizer
from engine.qualities import begin_peak, peak, psnr
from engine.recipes import pipelines
from engine.recipes.reference import plain_float32
from engine.sampling import SeededNoise
from engine.tensors import to_film
from engine.training.codec import ssim

AT_ONCE = 16  # pictures of one batch, on a card
QUICK_STEPS = 4  # instead of each number of steps
ZONE = ellipse(SIDE, 0.72, 0.70, 0.13, 0.10)
FINDING, CHANGED = "Pleural Effusion", "Edema"
COLUMNS = (
    "job", "steps", "precision", "clock, s", "processor, s", "times the authors' way",
    "memory, GiB", "PSNR to float32, dB", "SSIM",
)  # fmt: skip
PLANS: dict[str, Plan] = {
    "unet": UNetPlan(),
    "text": TextPlan(),
    "autoencoder": AutoencoderPlan(),
    "controller": AutoencoderPlan(),
    "upscaler": SRPlan(),
}


@dataclass(frozen=True)
class Networks:
    """One set of weights in one precision; ``exact`` computes as the authors' code does."""

    device: torch.device
    dtype: torch.dtype
    exact: bool = False

    @property
    def model(self) -> LatentModel:
        role, plan = ROLES["xreal_backbone"], PLANS["unet"]
        assert isinstance(plan, UNetPlan)
        codec = self._codec("autoencoder", role.pixel_range, role.latent_scale)
        text = PLANS["text"]
        assert isinstance(text, TextPlan)
        words = Words(self._load("text"), text, lambda: read_tokenizer(VOCABULARY), self.device)
        unet = self._load("unet")
        diffusion = PublishedDiffusion(
            unet, words, None, plan, cell=codec.cell, device=self.device, dtype=self.dtype
        )
        rough = AnatomyController(self._codec("controller", role.pixel_range, 1.0), self.device)
        return LatentModel(cast(StoredModel, None), codec, diffusion, rough)

    @property
    def upscaler(self) -> PublishedUpscaler:
        plan = PLANS["upscaler"]
        assert isinstance(plan, SRPlan)
        return PublishedUpscaler(self._load("upscaler"), plan, self.dtype)

    def engine(self) -> Engine:
        """As a folder with XReal's files would be opened."""
        model, role = self.model, ROLES["xreal_backbone"]
        painter = Painter(
            name=role.title,
            codec=model.codec,
            diffusion=model.diffusion,
            knows=role.knows,
            defaults=PAINTERS["xreal_backbone"],
            qualities=QUALITIES,
            controller=model.controller,
        )
        found = ModelSet(
            name="random weights",
            device=self.device,
            cards=(),
            painters=(painter,),
            upscaler=self.upscaler,
        )
        return Engine(found)

    def _codec(self, part: str, pixel_range: tuple[float, float], scale: float) -> Autoencoder:
        plan = PLANS[part]
        assert isinstance(plan, AutoencoderPlan)
        return Autoencoder(self._load(part, torch.float32), plan, pixel_range, scale)

    def _load(self, part: str, dtype: torch.dtype | None = None) -> Callable[[], Any]:
        @cache
        def load() -> Any:
            torch.manual_seed(list(PLANS).index(part))  # the same numbers in every precision
            network = build(PLANS[part]).eval().requires_grad_(False)
            return prepared(network, self.device, dtype or self.dtype, exact=self.exact)

        return load


def race(
    device: torch.device, half: torch.dtype, repeat: int, *, quick: bool, at_once: int | None = None
) -> list[Row]:
    """All rows; each is said on stderr as soon as it is there. ``quick`` takes 4 steps each.

    ``at_once`` pictures in one batch are timed as well, a picture: 16 on a card, none on a
    processor, where they take as long as one after the other.
    """
    if at_once is None:
        at_once = AT_ONCE if device.type == "cuda" else 0
    theirs = _authors_way(Networks(device, torch.float32, exact=True), repeat, quick=quick)
    give_back(device)
    precise = _ours(Networks(device, torch.float32), 1, quick=quick, at_once=at_once, rows=False)
    give_back(device)
    ours = _ours(Networks(device, half), repeat, quick=quick, at_once=at_once)
    for row in ours:
        image = precise[row["key"]].pop("image")
        row["psnr"] = psnr(row["image"], image)
        row["ssim"] = float(ssim(to_film(row.pop("image")), to_film(image)))
        row["times"] = theirs[row["key"][0] == "upscale"]["clock"] / row["clock"]
    return [*theirs, *ours]


def _authors_way(networks: Networks, repeat: int, *, quick: bool) -> list[Row]:
    model, upscaler = networks.model, networks.upscaler
    steps = QUICK_STEPS if quick else 100
    labels = torch.from_numpy(chest(SIDE).astype(np.float32)).to(networks.device)
    cells = torch.from_numpy(ZONE[2::4, 2::4].copy())[None, None].to(networks.device)
    film = to_film(ellipse(SIDE, 0.5, 0.5, 0.4, 0.4), networks.device)

    def two_stages(seed: int, steps: int = steps) -> None:
        noise = SeededNoise(seed, device=networks.device)
        assert model.controller is not None
        _, drawn = pipelines.follow_organs(
            model,
            model.controller,
            noise,
            anatomy=labels,
            steps=steps,
            held_steps=steps // 2,
        )
        pipelines.add_finding(
            model, noise, picture=drawn, region=cells, words=FINDING, steps=steps
        ).cpu()

    def upscale(seed: int, steps: int = steps) -> None:
        noise = SeededNoise(seed, device=networks.device)
        pipelines.enlarge_ddim(upscaler, noise, film=film, steps=steps).cpu()

    rows = []
    with plain_float32(), torch.inference_mode():
        for name, work in (("two stages", two_stages), ("upscale to 1024 px", upscale)):
            work(0, 2)
            row = _timed(f"the authors' way: {name}", work, networks.device, repeat)
            rows.append({**row, "steps": steps, "precision": "float32", "times": 1.0})
            _say(rows[-1])
    return rows


def _ours(networks: Networks, repeat: int, *, quick: bool, at_once: int, rows: bool = True) -> Any:
    """Rows of our way; without ``rows`` the pictures only, by the keys of the rows."""
    engine, found = networks.engine(), []
    for name, kind in (("two stages", _generate), ("upscale", _upscale)):
        engine.run(kind("standard", quick=True, seed=99))
        for quality in ("standard", "draft"):
            request = partial(kind, quality, quick=quick)
            row = _run(engine, name, request, networks, repeat)
            found.append({**row, "key": (name, quality)})
            if name == "two stages":
                changed = partial(_with_another_finding, request)
                row = _run(engine, "one finding changed", changed, networks, repeat)
                found.append({**row, "key": ("one finding changed", quality)})
            if name == "two stages" and at_once:
                several = partial(_several, request, at_once)
                row = _run(engine, "a picture", several, networks, repeat)
                row["clock"], row["processor"] = row["clock"] / at_once, row["processor"] / at_once
                found.append({**row, "key": (f"a picture of {at_once} at once", quality)})
    if not rows:
        return {row["key"]: row for row in found}
    for row in found:
        _say(row)
    return found


def _run(
    engine: Engine,
    name: str,
    request: Callable[..., Request | Batch],
    networks: Networks,
    repeat: int,
) -> Row:
    results: list[Result] = []

    def work(seed: int) -> None:
        made = engine.run(request(seed=seed))
        results.extend(made if isinstance(made, list) else [made])

    row = _timed(name, work, networks.device, repeat)
    made = results[0].request
    assert not isinstance(made, SegmentRequest)
    precision = str(networks.dtype).removeprefix("torch.")
    return {**row, "steps": made.sampling.steps, "precision": precision, "image": results[0].image}


def _generate(quality: Quality, *, quick: bool, seed: int, words: str = FINDING) -> Request:
    sampling = Sampling(quality=quality, seed=seed, steps=QUICK_STEPS if quick else None)
    finding = Finding(text=words, mask=ZONE)
    return GenerateRequest(organs=chest(SIDE), findings=(finding,), sampling=sampling)


def _with_another_finding(request: Callable[..., Request], *, seed: int) -> Request:
    return request(seed=seed, words=CHANGED)


def _several(request: Callable[..., Request], count: int, *, seed: int) -> Batch:
    first = 1000 + count * seed  # none that was drawn by itself
    return Batch(request=request(seed=first), seeds=tuple(range(first, first + count)))


def _upscale(quality: Quality, *, quick: bool, seed: int) -> Request:
    sampling = Sampling(quality=quality, seed=seed, steps=QUICK_STEPS if quick else None)
    return UpscaleRequest(image=ellipse(SIDE, 0.5, 0.5, 0.4, 0.4), sampling=sampling)


def _timed(name: str, work: Callable[[int], Any], device: torch.device, repeat: int) -> Row:
    """Medians over ``repeat`` seeds; a seed that was drawn before would be remembered."""
    clock, busy = [], []
    on_card = device.type == "cuda"
    if on_card:
        torch.cuda.reset_peak_memory_stats(device)
    begin_peak()
    for seed in range(repeat):
        started, worked = time.perf_counter(), time.process_time()
        work(seed)
        clock.append(time.perf_counter() - started)
        busy.append(time.process_time() - worked)
    held = torch.cuda.max_memory_allocated(device) / GIB if on_card else peak()
    return {
        "job": name,
        "clock": statistics.median(clock),
        "processor": statistics.median(busy),
        "gib": held,
    }


def race_table(rows: list[Row]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "| --- " + "| ---: " * (len(COLUMNS) - 1) + "|"]
    for row in rows:
        likeness = [f"{row[k]:.{n}f}" if k in row else "" for k, n in (("psnr", 1), ("ssim", 4))]
        key = row.get("key")
        cells = [
            row["job"] if key is None else f"{key[0]}, {key[1]}",
            str(row["steps"]),
            row["precision"],
            f"{row['clock']:.1f}" if row["clock"] >= 10 else f"{row['clock']:.3f}",
            f"{row['processor']:.1f}",
            f"{row['times']:.1f}",
            "" if row["gib"] is None else f"{row['gib']:.1f}",
            *likeness,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _say(row: Row) -> None:
    sys.stderr.write(f"{row['job']}, {row['steps']} steps: {row['clock']:.1f} s\n")
    sys.stderr.flush()
