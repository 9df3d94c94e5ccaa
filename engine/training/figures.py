"""Measure what the models of a folder do: do drawn organs, heart sizes and findings appear?"""

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engine.masks import cardiothoracic_ratio, tidied
from engine.networks.linear_codec import GRAIN, LinearCodec
from engine.networks.small import EmbeddedDiffusion, condition_channels, load_embedded
from engine.sampling import dpmpp, from_v, guided
from engine.schedules import zero_snr_cosine
from engine.shapes import read_shapes
from engine.training.data import Box
from engine.training.labels import DENSE, ellipse, segmented
from engine.training.prompts import NOTHING
from engine.training.workshop import Workshop

STEPS = 20
BATCH = 20
MAPS = 150
SHEET = 36
HEALTHY = f"{NOTHING}, pa view"
FIRMLY = 5.0  # guidance at which findings are asked for
# What a finding is asked for with: its words, a box, and whether it is brighter than lung.
TRIALS = {
    "effusion": ("effusion left lower", Box("", 0.62, 0.58, 0.24, 0.2)),
    "consolidation": ("consolidation right lower", Box("", 0.16, 0.5, 0.22, 0.2)),
    "pneumonia": ("pneumonia right lower", Box("", 0.16, 0.5, 0.22, 0.2)),
    "infiltration": ("infiltration right lower", Box("", 0.16, 0.5, 0.22, 0.2)),
    "opacity": ("opacity right lower", Box("", 0.16, 0.5, 0.22, 0.2)),
    "atelectasis": ("atelectasis left lower", Box("", 0.62, 0.55, 0.2, 0.15)),
    "mass": ("mass right middle", Box("", 0.2, 0.35, 0.16, 0.16)),
    "nodule": ("nodule right middle", Box("", 0.24, 0.38, 0.07, 0.07)),
    "pneumothorax": ("pneumothorax left upper", Box("", 0.64, 0.12, 0.2, 0.3)),
}


@torch.inference_mode()
def draw(
    network: EmbeddedDiffusion,
    codec: LinearCodec,
    condition: Tensor,
    table: Tensor,
    seed: int,
    *,
    empty: Tensor | None = None,
    guidance: float = 1.0,
    steps: int = STEPS,
) -> NDArray[np.uint8]:
    """Sample films for ``condition`` (B, 11, 32, 32): (B, 256, 256) uint8, texture head.

    ``empty`` is the row of saying nothing; guidance is on the words and the region.
    """
    generator = torch.Generator().manual_seed(seed)
    abars = zero_snr_cosine()
    count, _, height, width = condition.shape

    def bound(condition: Tensor, table: Tensor):
        states, mean = network.read(table)

        def denoise(x: Tensor, t: int):
            times = torch.full((len(x),), t)
            joined = x.contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                v = network(joined, times, condition, states, mean)
            return from_v(x, v.float(), float(abars[t]))

        return denoise

    denoise = bound(condition, table)
    if guidance != 1 and empty is not None:
        plain = condition.clone()
        plain[:, 9:] = 0
        denoise = guided(denoise, bound(plain, empty.expand(count, -1)), guidance)
    x = torch.randn(count, codec.channels, height, width, generator=generator)
    latents = dpmpp(denoise, x, abars, steps)
    noise = torch.randn(count, GRAIN, 4 * height, 4 * width, generator=generator)
    films = codec.decode(latents, head="texture", noise=noise)[:, 0].clamp(0, 1)
    return (films * 255).round().to(torch.uint8).numpy()


def obedience(
    workshop: Workshop, network: EmbeddedDiffusion, count: int, steps: int, *, healthy: bool
) -> dict[str, float]:
    """Dice of held-out maps against what the segmenter reads from the films drawn for them.

    ``healthy``: maps of films without disease that hides lung, "no finding" said, guidance 2.
    Otherwise all maps, with the words of their own films and no guidance.
    """
    films = workshop.films("val")
    plain = torch.tensor([not DENSE & set(film.labels) for film in films.films])
    films.healthy[:], films.boxed[:] = healthy, False
    picked = torch.nonzero(plain)[:, 0] if healthy else torch.arange(len(films.films))
    empty = network.rows([""], workshop.vocabulary)
    asked, read = [], []
    for i, rows in enumerate(picked[:count].split(BATCH)):
        batch = films.of(rows, i, varied=False)
        batch.condition[:, 9] = 0
        words = [HEALTHY] * len(rows) if healthy else batch.words
        table = network.rows(words, workshop.vocabulary)
        drawn = draw(
            network,
            workshop.codec,
            batch.condition,
            table,
            seed=i,
            empty=empty,
            guidance=2.0 if healthy else 1.0,
            steps=steps,
        )
        asked.append(films.organs[rows].numpy())
        read.append(segmented(workshop.segmenter, drawn)[0])
    return compared(np.concatenate(asked), np.concatenate(read))


def compared(asked: NDArray[np.uint8], read: NDArray[np.uint8]) -> dict[str, float]:
    """Dice per organ, and how the cardiothoracic ratio that is read follows the one drawn."""
    read = np.stack([tidied(organs) for organs in read])
    figures: dict[str, float] = {"maps": len(asked)}
    for k, name in ((1, "left_lung"), (2, "right_lung"), (3, "heart")):
        a, b = asked == k, read == k
        dice = 2 * (a & b).sum((1, 2)) / np.maximum(a.sum((1, 2)) + b.sum((1, 2)), 1)
        figures[f"dice_{name}"] = round(float(dice.mean()), 4)
        figures[f"dice_{name}_10th_percentile"] = round(float(np.quantile(dice, 0.1)), 4)
    drawn = np.array([cardiothoracic_ratio(organs) for organs in asked], float)
    found = np.array([cardiothoracic_ratio(organs) for organs in read], float)
    kept = np.isfinite(drawn) & np.isfinite(found)
    if kept.sum() > 2:
        slope, _ = np.polyfit(drawn[kept], found[kept], 1)
        figures["ratio_r"] = round(float(np.corrcoef(drawn[kept], found[kept])[0, 1]), 3)
        figures["ratio_slope"] = round(float(slope), 3)
        figures["ratio_error"] = round(float(np.abs(drawn - found)[kept].mean()), 4)
    return figures


def shape_conditions(workshop: Workshop, count: int) -> tuple[NDArray[np.uint8], Tensor]:
    """Organ maps of the shape model, seeds 0 to ``count``, and their conditions."""
    shapes = read_shapes(workshop.out)
    maps = np.stack([shapes.sample(seed, 128) for seed in range(count)])
    return maps, condition_channels(torch.from_numpy(maps), None, shape=(count, 32, 32))


def sheet(films: NDArray[np.uint8], columns: int) -> Image.Image:
    """Films side by side, row after row."""
    columns = min(columns, len(films))
    whole = films[: len(films) // columns * columns]
    rows = [np.hstack(list(whole[i : i + columns])) for i in range(0, len(whole), columns)]
    return Image.fromarray(np.vstack(rows))


def unchosen(
    workshop: Workshop, network: EmbeddedDiffusion, words: str, count: int, steps: int
) -> NDArray[np.uint8]:
    """Films (count, 256, 256) for the first maps of the shape model, the same words for all.

    With words: no region is asked for, and guidance is 2.
    """
    _, condition = shape_conditions(workshop, count)
    condition[:, 10] = float(bool(words))
    table = network.rows([words] * count, workshop.vocabulary)
    empty = network.rows([""], workshop.vocabulary)
    guidance = 2.0 if words else 1.0
    parts = [
        draw(network, workshop.codec, c, t, 100 + i, empty=empty, guidance=guidance, steps=steps)
        for i, (c, t) in enumerate(zip(condition.split(BATCH), table.split(BATCH), strict=True))
    ]
    return np.concatenate(parts)


@torch.inference_mode()
def copying(workshop: Workshop, films: NDArray[np.uint8]) -> float:
    """Distance of ``films`` to their nearest training film, over that of real held-out films.

    Distances are of the block means (32 x 32). Near 1 or above: drawn films are as far from the
    training films as strangers are. Well below 1: the model repeats films it has seen.
    """
    pack = workshop.pack

    def means(images: NDArray[np.uint8]) -> Tensor:
        parts = torch.from_numpy(images).split(64)
        return torch.cat([workshop.codec.encode(p[:, None] / 255)[:, 0].flatten(1) for p in parts])

    trained = means(pack.images[pack.select("train")])
    strangers = means(pack.images[pack.select("val")])

    def nearest(some: Tensor) -> float:
        return float(torch.cdist(some, trained).min(1).values.median())

    return round(nearest(means(films)) / nearest(strangers), 3)


def findings_shown(
    workshop: Workshop, network: EmbeddedDiffusion, count: int = 10, steps: int = STEPS
) -> tuple[dict[str, list[float]], Image.Image]:
    """Change of brightness inside and outside a region when a finding is asked for there.

    Same noise and map with and without; shares of full scale, mean over ``count`` maps. The
    picture shows the second map: without, then each finding.
    """
    _, condition = shape_conditions(workshop, count)
    condition[:, 10] = 1
    vocabulary = workshop.vocabulary
    empty = network.rows([""], vocabulary)
    nothing = network.rows(["no finding"] * count, vocabulary)
    without = draw(network, workshop.codec, condition, nothing, 7, steps=steps)
    changes, shown = {}, [without[1 % count]]
    for name, (words, box) in TRIALS.items():
        asked = condition.clone()
        inside = ellipse(box, 256)
        asked[:, 9:10] = torch.nn.functional.adaptive_avg_pool2d(
            torch.from_numpy(inside).float()[None, None], 32
        )
        table = network.rows([words] * count, vocabulary)
        with_it = draw(
            network, workshop.codec, asked, table, 7, empty=empty, guidance=FIRMLY, steps=steps
        )
        change = (with_it.astype(np.float32) - without) / 255
        changes[name] = [
            round(float(change[:, inside].mean()), 4),
            round(float(change[:, ~inside].mean()), 4),
            round(float((change[:, inside].mean(1) > change[:, ~inside].mean(1)).mean()), 2),
        ]
        shown.append(with_it[1 % count])
    return changes, sheet(np.stack(shown), 5)


def measure_models(workshop: Workshop) -> Path:
    """Measure the diffusion model in ``out``; writes its figures and the sheets of the card."""
    path = workshop.out / "diffusion.json"
    network = load_embedded(path)
    assert isinstance(network, EmbeddedDiffusion)
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    few = workshop.smoke
    steps, count = (1, 2) if few else (STEPS, MAPS)
    changes, shown = findings_shown(workshop, network, 1 if few else 10, steps)
    said = unchosen(workshop, network, HEALTHY, 2 if few else SHEET, steps)
    unsaid = unchosen(workshop, network, "", 2 if few else SHEET, steps)
    description = json.loads(path.read_text("utf-8"))
    description["figures"] = {
        "obedience_no_finding": obedience(workshop, network, count, steps, healthy=True),
        "obedience_own_words": obedience(workshop, network, count, steps, healthy=False),
        "finding_change_inside_outside_share": changes,
        "nearest_training_film_ratio": copying(workshop, np.concatenate([said, unsaid])),
    }
    cards = workshop.out / "cards"
    cards.mkdir(exist_ok=True)
    sheet(said, 6).save(cards / "samples.jpg", quality=85)
    sheet(unsaid, 6).save(cards / "samples-nothing-said.jpg", quality=85)
    shown.save(cards / "findings.jpg", quality=85)
    path.write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path
