"""Train the judge on labels of whole films and on radiologists' boxes."""

import zlib
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engine.networks.judge import Judge, pooled
from engine.training import augment
from engine.training.data import Film, Pack
from engine.training.labels import ellipse
from engine.training.loop import Average, Plan, train
from engine.training.prompts import FINDINGS

BATCH = 24
PEAK = 2e-3
BOX_SIDE = 64
HELD_BACK = 8  # every so many patients of the training films are kept from the judge
NORMAL = "No Finding"
BY_BOX_ONLY = "Lung Opacity"  # NIH's labels do not speak of it
ARCHITECTURE = {"findings": list(FINDINGS.values()), "widths": [32, 64, 128]}


def build_judge() -> Judge:
    """An untrained judge of the shipped architecture."""
    a = ARCHITECTURE
    return Judge(tuple(a["findings"]), tuple(a["widths"]))


def kept_from_judge(film: Film) -> bool:
    """Whether the judge never saw the film: validation films and an eighth of the patients."""
    if film.split != "train":
        return True
    return zlib.crc32(film.patient.encode()) % HELD_BACK == 0


def labelled(films: Sequence[Film]) -> NDArray[np.intp]:
    """Positions of the films that somebody has read: those with labels or boxes."""
    return np.flatnonzero([bool(film.labels or film.boxes) for film in films])


def truths(films: Sequence[Film]) -> tuple[Tensor, Tensor]:
    """Whether each finding is there, and whether that is known: two (N, 12) of 0 and 1."""
    there = torch.zeros(len(films), len(FINDINGS))
    known = torch.ones_like(there)
    for i, film in enumerate(films):
        said = {*film.labels, *(box.label for box in film.boxes)}
        for k, label in enumerate(FINDINGS):
            there[i, k] = float(label in said)
            if label == BY_BOX_ONLY and label not in said:
                known[i, k] = float(NORMAL in said)
    return there, known


def boxes_of(film: Film) -> NDArray[np.float32]:
    """Where each finding is boxed: (12, 64, 64), all zero for a finding without a box."""
    places = np.zeros((len(FINDINGS), BOX_SIDE, BOX_SIDE), np.float32)
    for k, label in enumerate(FINDINGS):
        for box in film.boxes:
            if box.label == label:
                places[k] = np.maximum(places[k], ellipse(box, BOX_SIDE))
    return places


def varied(images: Tensor, places: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Other geometry, tone and sharpness; never mirrored, because sides matter.

    ``images`` (B, 1, 256, 256) in [0, 1] and ``places`` (B, 12, 64, 64).
    """
    count, side = len(images), images.shape[-1]
    zoom = torch.exp(augment.uniform(generator, count, -0.12, 0.18))
    aspect = torch.exp(augment.uniform(generator, count, -0.06, 0.06))
    grid = augment.affine_grid(
        augment.uniform(generator, count, -8, 8),
        zoom * aspect,
        zoom / aspect,
        augment.uniform(generator, count, -0.08, 0.08),
        augment.uniform(generator, count, -0.08, 0.08),
        side,
    )
    images = augment.sampled(images, grid)
    step = side // places.shape[-1]
    places = augment.sampled(places, grid[:, step // 2 :: step, step // 2 :: step])

    def draw(low: float, high: float) -> Tensor:
        return augment.uniform(generator, count, low, high, 1, 1, 1)

    images = images.clamp(0, 1) ** torch.exp(draw(-0.3, 0.3))
    images = (images - 0.5) * draw(0.85, 1.1) + 0.5 + draw(-0.06, 0.06)
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), "replicate"), 3, 1)
    images = images + draw(-0.5, 1) * (blurred - images)
    return images + draw(0, 0.03) * torch.randn(images.shape, generator=generator), places


def map_loss(logits: Tensor, places: Tensor) -> Tensor:
    """How far the maps of boxed findings are from their boxes; inside and outside count alike."""
    share = F.adaptive_avg_pool2d(places, (logits.shape[-2], logits.shape[-1]))
    most = share.amax((2, 3), keepdim=True)
    boxed = (most > 0).float()
    truth = (share / most.clamp_min(1e-3)).clamp(0, 1)
    error = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    inside = (error * truth).sum((2, 3)) / truth.sum((2, 3)).clamp_min(1e-3)
    outside = (error * (1 - truth)).sum((2, 3)) / (1 - truth).sum((2, 3)).clamp_min(1e-3)
    boxed = boxed[:, :, 0, 0]
    return ((inside + outside) * boxed).sum() / boxed.sum().clamp_min(1)


def train_judge(pack: Pack, plan: Plan) -> tuple[Judge, dict[str, object]]:
    """Train on what is not held back; returns the judge and its figures on what is."""
    torch.manual_seed(0)
    chosen = [i for i in labelled(pack.films) if not kept_from_judge(pack.films[i])]
    films = [pack.films[i] for i in chosen]
    images = torch.from_numpy(pack.images[chosen])
    there, known = truths(films)
    rare = ((1 - there) * known).sum(0) / (there * known).sum(0).clamp_min(1)
    places = [boxes_of(film) for film in films]
    network = build_judge().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    torch.nn.init.constant_(network.head.bias, -2.0)  # pyright: ignore[reportArgumentType]
    average = Average(network, 0.995)
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK, weight_decay=0.02)
    optimiser.param_groups[0]["peak"] = PEAK

    def step(index: int, fraction: float) -> dict[str, float]:
        generator = torch.Generator().manual_seed(index)
        rows = torch.randint(len(films), (BATCH,), generator=generator)
        boxes = torch.from_numpy(np.stack([places[i] for i in rows.tolist()]))
        batch, boxes = varied(images[rows].float()[:, None] / 255, boxes, generator)
        network.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(batch.contiguous(memory_format=torch.channels_last))
        logits = logits.float()
        error = F.binary_cross_entropy_with_logits(
            pooled(logits), there[rows], pos_weight=rare.clamp_max(30).sqrt(), reduction="none"
        )
        whole = (error * known[rows]).sum() / known[rows].sum()
        where = map_loss(logits, boxes)
        optimiser.zero_grad()
        (whole + 0.25 * where).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        average.update(network, index)
        return {"whole": whole.item(), "where": where.item()}

    train(step, {"network": network, "optimiser": optimiser, "average": average}, plan)
    network.load_state_dict(average.weights)
    network.eval()
    standardise(network, images)
    return network, judge_figures(network, pack)


@torch.inference_mode()
def standardise(network: Judge, images: Tensor) -> None:
    """Fix the origin and the units of the judge's features: those of its training films."""
    network.mean.zero_()
    network.spread.fill_(1)
    found = torch.cat([network.features(p[:, None].float() / 255) for p in images.split(32)])
    network.mean.copy_(found.mean(0))
    network.spread.copy_(found.std(0, unbiased=False).clamp_min(1e-3))


@torch.inference_mode()
def judge_figures(network: Judge, pack: Pack) -> dict[str, object]:
    """Area under the curve of each finding on labelled films that the judge never saw."""
    chosen = [i for i in labelled(pack.films) if kept_from_judge(pack.films[i])]
    films = [pack.films[i] for i in chosen]
    there, known = (values.bool().numpy() for values in truths(films))
    parts = torch.from_numpy(pack.images[chosen]).split(32)
    scores = torch.cat([pooled(network(p[:, None].float() / 255)) for p in parts]).numpy()
    areas = {}
    for k, name in enumerate(network.findings):
        yes, no = there[:, k] & known[:, k], ~there[:, k] & known[:, k]
        if yes.any() and no.any():
            areas[name] = round(area_under_curve(scores[yes, k], scores[no, k]), 3)
    mean = float(np.mean(list(areas.values()))) if areas else 0.0
    return {"films": len(films), "mean_auc": round(mean, 3), "auc": areas}


def area_under_curve(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> float:
    """Chance that a film with the finding scores above one without; ties count half."""
    above = (positive[:, None] > negative[None, :]).mean()
    equal = (positive[:, None] == negative[None, :]).mean()
    return float(above + equal / 2)
