"""Does a finding appear where it is asked for? The judge looks inside the region, film by film.

A hit is a film whose region the judge scores above what real held-out films without the finding
exceed one time in ten, in a region of the same kind. The control is the film of the same seed
before the finding was painted into it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from engine.api import Finding, Mask
from engine.bundle import ModelSet, Painter
from engine.embedded import DENSITIES
from engine.evaluation.drawing import Insertion, repaint_all
from engine.evaluation.films import RealFilms
from engine.evaluation.proportions import mcnemar, rate
from engine.evaluation.regions import region_for
from engine.masks import organs_at, place
from engine.networks.judge import Judge, pooled
from engine.prompts import finding_prompt
from engine.training.judge import area_under_curve, boxes_of, truths
from engine.training.prompts import FINDINGS, UNPLACED

FALSE_ALARMS = 0.1  # share of real films without the finding that the threshold lets pass
SMALLEST_P = 0.01
SIDE = 256  # px
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Bases:
    """Films without any finding, drawn from maps: (n, 256, 256) uint8, (n, h, w), their seeds."""

    films: NDArray[np.uint8]
    organs: NDArray[np.uint8]
    seeds: Sequence[int]


def hit_rates(
    models: ModelSet, painter: Painter, bases: Bases, real: RealFilms, say: Say
) -> dict[str, Any]:
    """Every finding of the training labels, whether it is offered or not."""
    judge = real.instruments.judge
    threshold = Thresholds(judge, real)
    figures = {}
    for k, name in enumerate(FINDINGS.values()):
        say(f"findings: {name}, {k + 1} of {len(FINDINGS)}")
        figures[name] = _one(models, painter, bases, threshold, name)
    return figures


def _one(
    models: ModelSet, painter: Painter, bases: Bases, threshold: "Thresholds", name: str
) -> dict[str, Any]:
    offered = name in painter.knows.findings or painter.knows.free_text
    figures: dict[str, Any] = {"offered": offered, **threshold.of(name)}
    regions = [region_for(name, o, s) for o, s in zip(bases.organs, bases.seeds, strict=True)]
    rows = [i for i, region in enumerate(regions) if region is not None]
    painted = [regions[i] for i in rows]
    insertions = [
        Insertion(
            film=bases.films[i],
            organs=bases.organs[i],
            region=region,
            words=words_for(name, region, bases.organs[i], painter),
            seed=bases.seeds[i],
            density=DENSITIES.get(name, 0.0) if painter.knows.densities else 0.0,
        )
        for i, region in zip(rows, painted, strict=True)
        if region is not None
    ]
    with_it = repaint_all(models, painter, insertions)
    without = bases.films[rows]
    masks = np.stack([one.region for one in insertions])
    after, before = threshold.scores(name, with_it, masks), threshold.scores(name, without, masks)
    limit = figures["threshold"]
    return figures | outcome(after > limit, before > limit) | {
        "mean_change": round(float((after - before).mean()), 3),
        "brightness_change": brightness_change(with_it, without, masks),
    }  # fmt: skip


def outcome(after: NDArray[np.bool_], before: NDArray[np.bool_]) -> dict[str, Any]:
    """Hits with and without the finding on the same films, and whether it appears."""
    with_it = rate(int(after.sum()), len(after))
    without = rate(int(before.sum()), len(before))
    p = mcnemar(int((after & ~before).sum()), int((before & ~after).sum()))
    more = (with_it["rate"] or 0) > (without["rate"] or 0)
    apart = with_it["interval"][0] > without["interval"][1]
    return with_it | {
        "without": without["rate"],
        "without_interval": without["interval"],
        "mcnemar_p": float(f"{p:.2g}"),
        "passes": bool(more and (apart or p < SMALLEST_P)),
    }


def words_for(name: str, region: Mask, organs: NDArray[np.uint8], painter: Painter) -> str:
    """The words of the finding: as a user gets them, or the bare ones where it is not offered."""
    map_here = organs_at(organs, SIDE)
    if name in painter.knows.findings or painter.knows.free_text:
        return finding_prompt(painter, Finding(text=name, mask=region), map_here)
    if name in {FINDINGS[label] for label in UNPLACED}:
        return name
    return " ".join(filter(None, (name, *place(region, map_here))))


def brightness_change(
    after: NDArray[np.uint8], before: NDArray[np.uint8], masks: NDArray[np.float32]
) -> float:
    """Mean change inside the regions, in shares of full scale."""
    change = (after.astype(np.float32) - before) / 255
    return round(float((change * masks).sum() / masks.sum()), 4)


class Thresholds:
    """The judge with what it says of real films, so that its scores can be weighed."""

    def __init__(self, judge: Judge, real: RealFilms) -> None:
        self.judge = judge
        self.pack = real.subset(real.read)
        self.organs = real.labels_of(real.read).organs
        there, known = truths(self.pack.films)
        self.there, self.known = there.bool().numpy(), known.bool().numpy()
        self.maps = logit_maps(judge, self.pack.images)

    def of(self, name: str) -> dict[str, Any]:
        """Threshold of a finding, the films behind it, and how well the judge knows it."""
        k = self.judge.findings.index(name)
        there, known = self.there[:, k], self.known[:, k]
        absent = np.flatnonzero(~there & known)
        regions = [(i, region_for(name, self.organs[i], int(i))) for i in absent]
        usable = [i for i, region in regions if region is not None]
        places = np.stack([region for _, region in regions if region is not None])
        scores = inside(self.maps[usable], places)[:, k]
        limit = float(np.quantile(scores, 1 - FALSE_ALARMS))
        found = {"threshold": round(limit, 3), "real_without": len(usable), "auc_real": None}
        whole = pooled(torch.from_numpy(self.maps)).numpy()[:, k]
        if there.sum() > 1 and len(absent):
            found["auc_real"] = round(area_under_curve(whole[there & known], whole[absent]), 3)
        boxed = [i for i in np.flatnonzero(there) if boxes_of(self.pack.films[i])[k].any()]
        if boxed:
            boxes = np.stack([boxes_of(self.pack.films[i])[k] for i in boxed])
            real_hits = int((inside(self.maps[boxed], boxes)[:, k] > limit).sum())
            found["real_boxed"] = rate(real_hits, len(boxed))
        return found

    def scores(
        self, name: str, films: NDArray[np.uint8], masks: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The judge's logit of the finding inside each film's region: (n,)."""
        return inside(logit_maps(self.judge, films), masks)[:, self.judge.findings.index(name)]


@torch.inference_mode()
def logit_maps(judge: Judge, films: NDArray[np.uint8], batch: int = 32) -> NDArray[np.float32]:
    """(N, 256, 256) uint8 -> (N, findings, 16, 16)."""
    parts = torch.from_numpy(films).split(batch)
    return torch.cat([judge(part[:, None].float() / 255) for part in parts]).numpy()


def inside(maps: NDArray[np.float32], masks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits of whole regions, (N, findings); ``masks`` (N, H, W) in [0, 1]."""
    height, width = maps.shape[-2:]
    cells = F.adaptive_avg_pool2d(torch.from_numpy(masks)[:, None], (height, width))
    return pooled(torch.from_numpy(maps), cells).numpy()
