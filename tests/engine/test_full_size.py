"""The two ways are timed on the same weights; here on small ones."""

import itertools

import pytest
import torch

from engine import full_size
from engine.full_size import FINDING, race, race_table
from engine.networks.ldm import AutoencoderPlan, TextPlan, UNetPlan
from engine.networks.sr_unet import SRPlan

CODES = AutoencoderPlan(widths=(32, 32, 32), resnets=1)
SMALL = {
    "unet": UNetPlan(widths=(32, 64), attends=(False, True), resnets=1, words=16, heads=2),
    "text": TextPlan(width=16, layers=1, heads=1, inner=16),
    "autoencoder": CODES,
    "controller": CODES,
    "upscaler": SRPlan(dim=8, first=8, multiples=(1,) * 8),
}
CPU = torch.device("cpu")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(full_size, "PLANS", SMALL)
    monkeypatch.setattr(full_size, "QUICK_STEPS", 2)


def test_every_job_of_ours_is_set_beside_the_authors_way(small):
    """In float32 nothing is lost, because all have the same weights."""
    rows = race(CPU, torch.float32, 1, quick=True, at_once=2)

    theirs, ours = rows[:2], rows[2:]
    jobs = ("two stages", "one finding changed", "a picture of 2 at once", "upscale")
    assert {row["key"] for row in ours} == set(itertools.product(jobs, ("standard", "draft")))
    assert {row["steps"] for row in rows} == {2}
    for row in ours:
        way = theirs[row["key"][0] == "upscale"]
        assert row["times"] == pytest.approx(way["clock"] / row["clock"])
        assert (row["psnr"], row["ssim"]) == (99.0, pytest.approx(1))
        assert row["clock"] > 0 and row["processor"] > 0
    assert race_table(rows).count("\n") == len(rows) + 2


def test_after_a_changed_finding_only_that_finding_is_drawn(small):
    engine = full_size.Networks(CPU, torch.float32).engine()
    whole = full_size._generate("draft", quick=True, seed=0)
    changed = full_size._with_another_finding(
        lambda **told: full_size._generate("draft", quick=True, **told), seed=0
    )
    stages: list[list[str]] = [[], []]
    for request, told in zip((whole, changed), stages, strict=True):
        engine.run(request, lambda event, told=told: told.append(event.stage))

    assert [stages[0].count(name) for name in ("anatomy", FINDING)] == [3, 2]
    assert [stages[1].count(name) for name in ("anatomy", "Edema")] == [1, 2]
