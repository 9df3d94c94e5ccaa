"""Published models behind the verbs, as the page and the command line use them."""

import numpy as np
import pytest
import torch

from engine import api, open_engine
from engine.api import Sampling
from tests.engine.conftest import GOLDEN

FILM = np.linspace(0, 1, 256 * 256, dtype=np.float32).reshape(256, 256)
ZONE = np.zeros((256, 256), np.float32)
ZONE[64:128, 64:160] = 1
ORGANS = np.zeros((256, 256), np.uint8)
ORGANS[40:200, 40:110] = 1
QUICK = Sampling(steps=2, seed=3)


@pytest.fixture(scope="module")
def engine(recorded):
    return open_engine(models=recorded.folder, device="cpu")


def test_organs_and_a_finding_are_drawn_in_two_stages(engine):
    finding = api.Finding(text="Cardiomegaly", mask=ZONE)

    result = engine.run(
        api.GenerateRequest(organs=ORGANS, findings=(finding,), sampling=QUICK, held_steps=1)
    )

    assert list(result.states) == ["anatomy", "Cardiomegaly"]
    outside = ZONE == 0
    assert np.array_equal(result.image[outside], result.states["anatomy"][outside])
    assert not np.array_equal(result.image, result.states["anatomy"])


def test_erasing_keeps_every_pixel_outside_the_zone(engine):
    result = engine.run(api.EraseRequest(image=FILM, mask=ZONE, sampling=QUICK))

    assert result.image[ZONE == 0].tobytes() == FILM[ZONE == 0].tobytes()
    assert not np.array_equal(result.image, FILM)


def test_an_exact_run_and_its_replay_give_the_same_pixels(engine):
    request = api.GenerateRequest(report="Edema", sampling=Sampling(exact=True, steps=2, seed=4))

    result = engine.run(request)
    again = engine.replay(result.recipe, {})

    assert result.raw.shape == (3, 256, 256)
    assert np.array_equal(again.image, result.image)
    assert again.raw.tobytes() == result.raw.tobytes()


def test_the_licence_of_every_published_network_is_shown(engine):
    licences = {card.role: card.licence for card in engine.models}

    assert "non-commercial" in licences["xreal_backbone"]
    assert licences["cheff_unconditional"].startswith("MIT")
    assert engine.knows("insert").free_text


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_recorded_runs_are_repeated_on_a_graphics_card(recorded):
    from dataclasses import replace

    from engine import golden
    from engine.published.shelf import Shelf
    from engine.recipes.reference import run_exact

    cuda = torch.device("cuda")
    models = replace(recorded, device=cuda, shelf=Shelf(cuda))
    case = golden.read_case(GOLDEN, "xreal_sample_s5_eta1")
    xreal = {r: models.stored[r] for r in ("xreal_backbone", "xreal_autoencoder")}
    sampling = Sampling(exact=True, seed=case.seed, steps=5)
    request = api.GenerateRequest(report=case.call["conditioning"], sampling=sampling)

    _, _, raw = run_exact(request, replace(models, stored=xreal), lambda _: None)

    assert np.abs(raw - case.outputs["out"][0].numpy()).max() < 5e-4
