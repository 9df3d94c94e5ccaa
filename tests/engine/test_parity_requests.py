"""Requests with ``exact`` reach the authors' pipelines; what those cannot do is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine import golden
from engine.api import (
    EraseRequest,
    Finding,
    GenerateRequest,
    InsertRequest,
    OutpaintRequest,
    Sampling,
    SegmentRequest,
    UpscaleRequest,
)
from engine.errors import Cancelled, InvalidRequest, ModelMissing
from engine.recipes import pipelines
from engine.recipes.reference import run_exact
from engine.sampling import SeededNoise
from engine.schedules import ldm_linear
from tests.engine.conftest import GOLDEN

FILM = np.linspace(0, 1, 256 * 256, dtype=np.float32).reshape(256, 256)
ZONE = np.zeros((256, 256), np.float32)
ZONE[64:128, 64:160] = 1
ORGANS = np.zeros((256, 256), np.uint8)
ORGANS[40:200, 40:110] = 1
QUICK = Sampling(exact=True, steps=2)
EFFUSION = Finding(text="Pleural Effusion", mask=ZONE)


def ignore(_event):
    pass


def only(models, *roles):
    """The same set with the files of these roles alone."""
    return replace(models, stored={role: models.stored[role] for role in roles})


def test_organs_and_a_finding_give_what_the_authors_code_gives(recorded):
    case = golden.read_case(GOLDEN, "xreal_controlled_s8")
    region = case.inputs["pathology_mask"].numpy().repeat(4, 0).repeat(4, 1)
    request = GenerateRequest(
        organs=case.inputs["anatomy_mask"].numpy().astype(np.uint8),
        findings=(Finding(text="Cardiomegaly", mask=region),),
        sampling=Sampling(exact=True, seed=case.seed, steps=8),
    )

    image, states, raw = run_exact(request, recorded, ignore)

    apart = np.abs(raw.transpose(1, 2, 0) - case.outputs["image_hwc"].numpy())
    assert apart.max() < 5e-4
    assert apart.mean() < 5e-6
    assert list(states) == ["anatomy", "Cardiomegaly"]
    assert np.abs(image - raw.mean(0)).max() < 1e-5  # the mean of the channels, on 16 bits


def test_a_report_gives_what_xreals_sample_gives(recorded):
    case = golden.read_case(GOLDEN, "xreal_sample_s5_eta1")
    xreal = only(recorded, "xreal_backbone", "xreal_autoencoder")
    request = GenerateRequest(
        report=case.call["conditioning"],
        sampling=Sampling(exact=True, seed=case.seed, steps=5),
    )

    _, _, raw = run_exact(request, xreal, ignore)

    assert np.abs(raw - case.outputs["out"][0].numpy()).max() < 5e-5


@pytest.mark.parametrize(
    ("request_", "stage"),
    [
        (GenerateRequest(sampling=QUICK), "generated"),
        (GenerateRequest(report="Edema", sampling=QUICK), "generated"),
        (GenerateRequest(organs=ORGANS, anatomy_way="map", sampling=QUICK), "anatomy"),
        (GenerateRequest(organs=ORGANS, sampling=QUICK), "anatomy"),
        (InsertRequest(image=FILM, findings=(EFFUSION,), sampling=QUICK), EFFUSION.text),
        (EraseRequest(image=FILM, mask=ZONE, sampling=QUICK), "erased"),
        (EraseRequest(image=FILM, mask=ZONE, words="Edema", sampling=QUICK), "erased"),
        (OutpaintRequest(image=FILM, keep=1 - ZONE, sampling=QUICK), "completed"),
    ],
)
def test_a_request_runs_as_one_stage_with_progress(request_, stage, recorded):
    events = []

    image, states, raw = run_exact(request_, recorded, events.append)

    assert list(states) == [stage]
    assert image.shape == (256, 256)
    assert raw.shape == (3, 256, 256)
    assert [(e.stage, e.done, e.total) for e in events] == [(stage, 1, 2), (stage, 2, 2)]
    assert all(e.preview.shape == (256, 256) for e in events)


def test_upscaling_uses_the_authors_steps(recorded):
    recorded.sr.side = 128  # the recorded network is small
    request = UpscaleRequest(image=FILM[::4, ::4], sampling=Sampling(exact=True, steps=3, seed=5))

    _, _, raw = run_exact(request, recorded, ignore)

    film = torch.from_numpy(request.image.copy())[None, None]
    x = pipelines.enlarge_ddim(recorded.sr, SeededNoise(5), film=film, steps=3)
    recorded.sr.side = 1024
    assert np.array_equal(raw, ((x[0].clamp(-1, 1) + 1) / 2).numpy())


def test_stop_ends_an_exact_run_at_the_next_step(recorded):
    seen = []

    def stop(event):
        seen.append(event.done)
        if event.done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        run_exact(GenerateRequest(sampling=Sampling(exact=True, steps=8)), recorded, stop)

    assert seen == [1, 2]


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (GenerateRequest(findings=(EFFUSION,), sampling=QUICK), "drawn anatomy only"),
        (GenerateRequest(organs=ORGANS, findings=(EFFUSION,) * 2, sampling=QUICK), "one finding"),
        (GenerateRequest(organs=ORGANS, report="Edema", sampling=QUICK), "no report together"),
        (GenerateRequest(sampling=replace(QUICK, guidance=3)), "guidance for findings only"),
        (InsertRequest(image=FILM, findings=(EFFUSION,) * 2, sampling=QUICK), "one finding at a"),
        (
            InsertRequest(image=FILM, findings=(EFFUSION,), sampling=replace(QUICK, eta=0)),
            "with eta 1",
        ),
        (UpscaleRequest(image=FILM, method="ddpm", sampling=QUICK), "all 2000 steps"),
        (SegmentRequest(image=FILM), "does not read organs"),
        (GenerateRequest(sampling=replace(QUICK, steps=1)), "2 to 500 steps; 1 were asked"),
        (GenerateRequest(sampling=replace(QUICK, steps=27)), "fails with 27 steps.*Choose 25"),
    ],
)
def test_what_the_published_code_cannot_do_is_refused(request_, sentence, recorded):
    with pytest.raises(InvalidRequest, match=sentence):
        run_exact(request_, recorded, ignore)


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (GenerateRequest(organs=ORGANS, sampling=QUICK), "neither"),
        (GenerateRequest(report="Edema", sampling=QUICK), "draws from a report"),
        (InsertRequest(image=FILM, findings=(EFFUSION,), sampling=QUICK), "XReal's diffusion"),
        (UpscaleRequest(image=FILM, sampling=QUICK), "no super-resolution"),
    ],
)
def test_a_missing_network_is_named(request_, sentence, recorded):
    cheff = only(recorded, "cheff_unconditional", "cheff_autoencoder")

    with pytest.raises(ModelMissing, match=sentence):
        run_exact(request_, cheff, ignore)


def test_a_controller_that_is_missing_is_named(recorded):
    xreal = only(recorded, "xreal_backbone", "xreal_autoencoder")

    with pytest.raises(ModelMissing, match="anatomy controller"):
        run_exact(GenerateRequest(organs=ORGANS, sampling=QUICK), xreal, ignore)


def test_step_counts_are_those_of_the_authors_or_refused():
    """Counts with which the authors' code fails, and how many steps the others run."""
    config = json.loads((GOLDEN / "schedules" / "config.json").read_text())
    fails = set(next(v for k, v in config.items() if "crash" in k))
    differ = dict(next(v for k, v in config.items() if k.startswith("S values with a step count")))
    abars = ldm_linear()

    for count in range(2, 501):
        if count in fails:
            with pytest.raises(InvalidRequest):
                pipelines.reference_steps(abars, count, 1.0)
        elif count <= max(differ):
            steps = pipelines.reference_steps(abars, count, 1.0)
            assert len(steps) == differ.get(count, count)


def test_kept_areas_follow_the_picture_at_its_own_scale(recorded):
    """The authors forget the latent scale here; by default we do not."""
    model = recorded.text_to_image
    picture = model.codec.to_own(torch.from_numpy(FILM[:128, :128].copy())[None, None])
    mean, _ = model.codec.moments(picture)
    keep = torch.ones(1, 1, 32, 32)

    def kept(**options):
        latent = pipelines.inpaint(
            model, SeededNoise(0), picture=picture, keep=keep, steps=100, eta=0.0, **options
        )
        return float((latent * mean).sum() / mean.square().sum())

    # The last blend is one step from the end, so that the kept latent is there but for noise.
    assert kept() == pytest.approx(model.codec.scale, abs=0.05)
    assert kept(unscaled_reference=True) == pytest.approx(1.0, abs=0.05)
