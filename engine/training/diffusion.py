"""Train the embedded diffusion model on latents of the frozen linear encoder."""

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.networks.linear_codec import CHANNELS, LinearCodec
from engine.networks.small import CELL, CONDITIONS, EmbeddedDiffusion, fill_map
from engine.schedules import zero_snr_cosine
from engine.training import augment, prompts
from engine.training.codec import noised
from engine.training.data import SIZE, Pack
from engine.training.grafts import Graft, chosen, laid
from engine.training.labels import HEART, REGION_SIDE, Labelled, ellipse
from engine.training.loop import Average, Plan, train

BATCH = 16
PEAK = 7e-4
SNR_CAP = 5.0
BOXED = 3.5  # how much oftener a boxed film is drawn
GRAFTED = 0.4  # of the healthy films get a finding of another film
IN_REGION = 2.0  # extra weight of the loss where a finding is
# Channels are standardised, yet an error of the block mean is seen far more than one of the finest
# pattern: the weights follow what is seen, as far as that still trains the fine ones.
SEEN = (2.0, 1.4, 1.4, 1.0, 1.0, 1.0, 0.7, 0.7, 0.7, 0.7)
HELD_OUT_EVERY = 400  # steps
GRID = SIZE // CELL
UNET = {
    "sample_size": GRID,
    "in_channels": CHANNELS + CONDITIONS,
    "out_channels": CHANNELS,
    "down_block_types": ["DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"],
    "block_out_channels": [64, 128, 192],
    "layers_per_block": [1, 2, 2],
    "cross_attention_dim": 128,
    "attention_head_dim": 4,
    "norm_num_groups": 16,
    "resnet_time_scale_shift": "scale_shift",
    "class_embed_type": "projection",
    "projection_class_embeddings_input_dim": 128,
}
TEXT = {"width": 128, "layers": 2}


@dataclass(frozen=True)
class Batch:
    """Latents (B, 10, 32, 32), conditions (B, 11, 32, 32), loss weights (B, 1, 32, 32), words."""

    latents: Tensor
    condition: Tensor
    weight: Tensor
    words: list[str]


class Films:
    """Draws batches with fresh augmentation; everything random comes from the step's number."""

    def __init__(
        self,
        pack: Pack,
        labelled: Labelled,
        codec: LinearCodec,
        split: str,
        grafts: Sequence[Graft] = (),
    ):
        rows = [
            i
            for i in pack.select(split)
            if labelled.sound[i] or (pack.films[i].boxes and split == "train")
        ]
        self.films = [pack.films[i] for i in rows]
        self.images = torch.from_numpy(pack.images[rows])
        self.organs = torch.from_numpy(labelled.organs[rows])
        self.regions = torch.from_numpy(labelled.regions[rows])
        self.sound = torch.from_numpy(labelled.sound[rows])
        self.boxed = torch.tensor([bool(film.boxes) for film in self.films])
        self.healthy = torch.tensor(["No Finding" in film.labels for film in self.films])
        self.odds = torch.where(self.boxed, BOXED, 1.0)
        self.codec = codec
        self.grafts = grafts
        self.said = [
            prompts.phrases(film, self.organs[i].numpy() if self.sound[i] else None)
            for i, film in enumerate(self.films)
        ]

    def batch(self, number: int, size: int = BATCH) -> Batch:
        generator = torch.Generator().manual_seed(number)
        picked = torch.multinomial(self.odds, size, replacement=True, generator=generator)
        return self.of(picked, number, varied=True)

    def of(self, picked: Tensor, number: int, *, varied: bool) -> Batch:
        """The films ``picked``; without ``varied`` as they are and with everything known."""
        generator = torch.Generator().manual_seed(number)
        count = len(picked)
        films, regions, said = self.images[picked], self.regions[picked], self.said_of(picked)
        if varied and self.grafts:
            self.graft(films, regions, said, picked, generator)
        images = films.float()[:, None] / 255
        organs = self.organs[picked]
        layers = torch.stack([organs == k for k in (1, 2, HEART)], 1).float()
        regions = regions.float()[:, None] / 255
        if varied:
            grid = varied_grid(layers[:, 2], generator)
            images = augment.sampled(images, grid)
            small = F.avg_pool2d(grid.movedim(-1, 1), 2).movedim(1, -1)
            layers = (augment.sampled(layers, small) > 0.5).float()
            smaller = F.avg_pool2d(small.movedim(-1, 1), 2).movedim(1, -1)
            regions = augment.sampled(regions, smaller)
            images = varied_tone(images, generator)
        condition = torch.zeros(count, CONDITIONS, GRID, GRID)
        told, told_region = self.known(picked, generator, varied=varied)
        fill_map(condition, layers, told)
        inside = F.adaptive_avg_pool2d(regions, GRID)
        condition[:, 9:10] = inside * told_region
        condition[:, 10:11] = told_region
        luck = random.Random(number)
        words = [
            prompts.prompt(self.films[i], some, luck)
            for i, some in zip(picked.tolist(), said, strict=True)
        ]
        latents = self.codec.encode(images)
        if varied:
            latents = noised(latents, generator)
        return Batch(latents, condition, 1 + IN_REGION * inside, words)

    def said_of(self, picked: Tensor) -> list[list[tuple[str, str]]]:
        return [self.said[i] for i in picked.tolist()]

    def graft(
        self,
        films: Tensor,
        regions: Tensor,
        said: list[list[tuple[str, str]]],
        picked: Tensor,
        generator: torch.Generator,
    ) -> None:
        """Lay findings onto ``GRAFTED`` of the healthy films; changes the first three in place."""
        lucky = torch.rand(len(picked), generator=generator) < GRAFTED
        fit = lucky & self.healthy[picked] & self.sound[picked]
        for row in torch.nonzero(fit)[:, 0].tolist():
            organs = self.organs[picked[row]].numpy()
            result = laid(films[row].numpy(), organs, *chosen(self.grafts, generator))
            if result is None:
                continue
            image, box = result
            films[row] = torch.from_numpy(image)
            regions[row] = torch.from_numpy(ellipse(box, REGION_SIDE).astype(np.uint8) * 255)
            told = replace(self.films[picked[row]], labels=(), boxes=(box,))
            said[row] = prompts.phrases(told, organs)

    def known(
        self, picked: Tensor, generator: torch.Generator, *, varied: bool
    ) -> tuple[Tensor, Tensor]:
        """Which organs and whether the region are told: (B, 3, 1, 1) and (B, 1, 1, 1)."""
        count = len(picked)
        sound, boxed = self.sound[picked].float(), self.boxed[picked]
        told = sound[:, None].expand(count, 3).clone()
        # An unboxed film with a finding has a region nobody drew; a healthy one has none.
        told_region = (boxed | self.healthy[picked]).float()
        if varied:
            drop_map = torch.where(boxed, 0.25, 0.12)
            told *= (torch.rand(count, generator=generator) >= drop_map)[:, None]
            told *= torch.rand(count, 3, generator=generator) >= 0.08
            told_region *= torch.rand(count, generator=generator) >= 0.3
        return told[:, :, None, None], told_region[:, None, None, None]


def varied_grid(heart: Tensor, generator: torch.Generator) -> Tensor:
    """Small turns, zooms and heart sizes that never show what lies outside the film.

    ``heart`` is (B, 128, 128); returns the sampling grid (B, 256, 256, 2).
    """
    count = len(heart)
    plain = torch.rand(count, generator=generator) < 0.3
    angle = (2.5 * torch.randn(count, generator=generator)).clamp(-6, 6)
    needed = angle.abs().mul(torch.pi / 180)
    needed = needed.cos() + needed.sin()
    zoom = torch.maximum(torch.exp(augment.uniform(generator, count, 0.0, 0.17)), needed * 1.005)
    aspect = torch.exp(augment.uniform(generator, count, 0.0, 0.06))
    wide = torch.rand(count, generator=generator) < 0.5
    slack = 1 - needed / zoom
    shift = augment.uniform(generator, count, -1, 1, 2) * slack[:, None]
    scale_x = torch.where(wide, zoom * aspect, zoom)
    scale_y = torch.where(wide, zoom, zoom * aspect)
    keep = torch.where(plain, 0.0, 1.0)
    one = torch.ones(count)
    grid = augment.affine_grid(
        angle * keep,
        torch.where(plain, one, scale_x),
        torch.where(plain, one, scale_y),
        shift[:, 0] * keep,
        shift[:, 1] * keep,
        SIZE,
    )
    return resized_heart(grid, heart, generator)


def resized_heart(grid: Tensor, heart: Tensor, generator: torch.Generator) -> Tensor:
    """Enlarge or shrink the surroundings of the heart's centre in a third of the films.

    Film and map are sampled with the same grid, so large and small hearts are learned from
    ordinary ones. The change fades out smoothly, and is nothing at the frame.
    """
    count, side = len(heart), heart.shape[-1]
    axis = (torch.arange(side) + 0.5) * (2 / side) - 1
    mass = heart.sum((1, 2)).clamp_min(1)
    centre = torch.stack(
        [(heart.sum(1) * axis).sum(1) / mass, (heart.sum(2) * axis).sum(1) / mass], 1
    )
    reach = 1.7 * (mass / torch.pi).sqrt() * (2 / side)
    factor = torch.exp(augment.uniform(generator, count, -0.2, 0.3))
    chosen = (torch.rand(count, generator=generator) < 0.33) & (mass > 50)
    pull = torch.where(chosen, 1 / factor - 1, 0.0).view(-1, 1, 1, 1)
    away = grid - centre.view(-1, 1, 1, 2)
    distance = away.pow(2).sum(-1, keepdim=True).sqrt() / reach.view(-1, 1, 1, 1).clamp_min(1e-3)
    return (grid + pull * away * torch.exp(-(distance**4))).clamp(-1, 1)


def varied_tone(images: Tensor, generator: torch.Generator) -> Tensor:
    """A little exposure and brightness."""
    count = len(images)
    gamma = torch.exp(augment.uniform(generator, count, -0.2, 0.2, 1, 1, 1))
    gain = 1 + augment.uniform(generator, count, -0.08, 0.04, 1, 1, 1)
    return images.clamp(0, 1) ** gamma * gain


def v_loss(network: EmbeddedDiffusion, batch: Batch, table: Tensor, t: Tensor, noise: Tensor):
    """Error of v per film (B,), weighted by region and min-SNR-5 (Hang et al. 2023)."""
    abar = zero_snr_cosine()[t].view(-1, 1, 1, 1)
    signal, spread = abar.sqrt(), (1 - abar).sqrt()
    x = signal * batch.latents + spread * noise
    target = signal * noise - spread * batch.latents
    joined = x.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        v = network(joined, t, batch.condition, *network.read(table))
    error = (v.float() - target).pow(2) * batch.weight * torch.tensor(SEEN).view(-1, 1, 1)
    ratio = abar.flatten() / (1 - abar.flatten())
    return error.mean((1, 2, 3)) * ratio.clamp_max(SNR_CAP) / (ratio + 1)


def times(count: int, generator: torch.Generator) -> Tensor:
    """Training times spread evenly, one in each of ``count`` equal spans."""
    spans = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    return (spans * 1000).long().clamp_max(999)


def build_diffusion(vocabulary: dict[str, int]) -> EmbeddedDiffusion:
    """An untrained network of the shipped architecture."""
    return EmbeddedDiffusion(UNET, TEXT, prompts.known_pieces(vocabulary))


def train_diffusion(
    network: EmbeddedDiffusion,
    films: Films,
    held_out: Films,
    vocabulary: dict[str, int],
    plan: Plan,
) -> Average:
    """Train ``network``; returns the average of its weights, which is what ships."""
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    average = Average(network, 0.999)
    shadow = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=PEAK, betas=(0.9, 0.99), weight_decay=0.01, foreach=True
    )
    optimiser.param_groups[0]["peak"] = PEAK

    def step(index: int, fraction: float) -> dict[str, float]:
        generator = torch.Generator().manual_seed(index)
        batch = films.batch(index)
        noise = torch.randn(batch.latents.shape, generator=generator)
        table = network.rows(batch.words, vocabulary)
        network.train()
        loss = v_loss(network, batch, table, times(BATCH, generator), noise).mean()
        optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        average.update(network, index)
        found = {"loss": loss.item(), "norm": norm.item()}
        if index % HELD_OUT_EVERY == HELD_OUT_EVERY - 1:
            shadow.load_state_dict(average.weights)
            # A mean over the steps since the last note would dilute it: it has its own line.
            note_held_out(plan, index, held_out_loss(shadow, held_out, vocabulary))
        return found

    train(step, {"network": network, "optimiser": optimiser, "average": average}, plan)
    return average


def note_held_out(plan: Plan, index: int, loss: float) -> None:
    with (plan.folder / "held_out.csv").open("a") as file:
        file.write(f"{index + 1},{loss:.5f}\n")


@torch.inference_mode()
def held_out_loss(
    network: EmbeddedDiffusion, films: Films, vocabulary: dict[str, int], count: int = 96
) -> float:
    """Weighted loss on validation films, always with the same noise and times."""
    losses = []
    picked = torch.from_numpy(np.linspace(0, len(films.films) - 1, count).astype(np.int64))
    for i, rows in enumerate(picked.split(BATCH)):
        generator = torch.Generator().manual_seed(1000 + i)
        batch = films.of(rows, i, varied=False)
        noise = torch.randn(batch.latents.shape, generator=generator)
        table = network.rows(batch.words, vocabulary)
        losses.append(v_loss(network, batch, table, times(len(rows), generator), noise))
    return float(torch.cat(losses).mean())
