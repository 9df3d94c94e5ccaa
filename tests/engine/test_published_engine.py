"""Published models behind the verbs, as the page and the command line use them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from engine import api, open_engine
from engine.api import Sampling
from engine.networks.ldm import AutoencoderPlan
from engine.published.models import published_with
from engine.published.networks import Autoencoder
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


def test_a_glance_at_a_latent_shows_the_film(monkeypatch):
    """With an encoder whose channels are linear in the film, it is the film, coarser."""
    codec = Autoencoder(lambda: None, AutoencoderPlan(), (0.0, 1.0), 1.0)

    def encode(film):
        cells = F.avg_pool2d(film, codec.cell)
        return torch.cat((2 * cells + 1, 3 - cells, cells**2), 1)

    monkeypatch.setattr(codec, "encode", encode)
    film = torch.rand(1, 1, 64, 64)

    coarse = F.interpolate(F.avg_pool2d(film, 4), (64, 64), mode="bilinear")
    torch.testing.assert_close(codec.glance(encode(film)), coarse, atol=1e-3, rtol=0)


def test_a_film_is_encoded_once_until_another_one_comes(monkeypatch):
    codec, read = Autoencoder(lambda: None, AutoencoderPlan(), (0.0, 1.0), 2.0), []

    def moments(film):
        read.append(film)
        return film[..., ::4, ::4], torch.zeros(1)

    monkeypatch.setattr(codec, "moments", moments)
    film, other = torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16)
    wanted = [2 * one[..., ::4, ::4].expand(-1, 3, -1, -1) for one in (film, film, other, film)]

    found = [codec.encode(one) for one in (film, film.clone(), other, film)]

    assert all(torch.equal(one, right) for one, right in zip(found, wanted, strict=True))
    assert len(read) == 3
    film += 1  # written on after it was read
    assert torch.equal(codec.encode(film), 2 * film[..., ::4, ::4].expand(-1, 3, -1, -1))


def test_on_a_processor_published_models_are_asked_for_a_draft(engine, recorded):
    assert engine.defaults("generate").quality == "draft"
    assert engine.defaults("generate").steps == 20
    assert engine.defaults("generate", "standard").steps == 100
    assert engine.run(api.EraseRequest(image=FILM, mask=ZONE)).request.sampling.quality == "draft"

    on_card = replace(recorded, device=torch.device("cuda"))
    assert published_with(on_card, engine.loaded).usual == "standard"
    assert open_engine(device="cpu").defaults("generate").quality == "standard"


def test_super_resolution_asks_for_no_step_that_changes_nothing(engine):
    told = []

    engine.run(
        api.UpscaleRequest(image=FILM, sampling=Sampling(steps=4)),
        lambda event: told.append((event.done, event.total)),
    )

    assert told[-1] == (3, 3)
