"""The models that ship, doing what the drawing says. Few steps: this is about obeying."""

import json

import numpy as np
import pytest
import torch

from engine import open_engine, provenance
from engine.api import (
    HEART,
    LEFT_LUNG,
    QUALITIES,
    RIGHT_LUNG,
    EraseRequest,
    Finding,
    GenerateRequest,
    InsertRequest,
    OutpaintRequest,
    Sampling,
    SegmentRequest,
    UpscaleRequest,
)
from engine.detection import find_mark
from engine.embedded import open_embedded
from engine.engine import EMBEDDED
from engine.invisible import EDIT_WORD, WHOLE_WORD
from engine.masks import cardiothoracic_ratio
from engine.qualities import psnr

SIDE = 256
QUICK = Sampling(seed=11, steps=8)


@pytest.fixture(scope="module")
def engine():
    return open_engine(device="cpu")


@pytest.fixture(scope="module")
def organs(engine):
    return engine.template(engine.templates()[0], SIDE)


@pytest.fixture(scope="module")
def film(engine, organs):
    return engine.run(GenerateRequest(organs=organs, sampling=QUICK)).image


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_the_drawn_organs_are_found_again_in_the_film(engine, organs, film):
    read = engine.run(SegmentRequest(image=film)).organs

    for label in (LEFT_LUNG, RIGHT_LUNG, HEART):
        assert dice(read == label, organs == label) > 0.85


def test_a_wider_heart_is_drawn_wider(engine, organs, film):
    columns = np.flatnonzero((organs == HEART).any(0))
    wide = organs.copy()
    rows = np.flatnonzero((organs == HEART).any(1))
    middle = (columns[0] + columns[-1]) / 2
    reach = (columns[-1] - columns[0]) / 2 * 1.25
    height = (rows[-1] - rows[0]) / 2
    y, x = np.mgrid[:SIDE, :SIDE]
    wide[((x - middle) / reach) ** 2 + ((y - rows.mean()) / height) ** 2 <= 1] = HEART

    made = engine.run(GenerateRequest(organs=wide, sampling=QUICK)).image

    narrow_ratio = cardiothoracic_ratio(engine.run(SegmentRequest(image=film)).organs)
    wide_ratio = cardiothoracic_ratio(engine.run(SegmentRequest(image=made)).organs)
    assert wide_ratio > narrow_ratio + 0.03


def test_a_finding_changes_its_region_and_not_a_bit_outside(engine, organs):
    region = np.zeros((SIDE, SIDE), np.float32)
    rows, columns = np.nonzero(organs == LEFT_LUNG)
    y, x = np.mgrid[:SIDE, :SIDE]
    low = rows.max() - (rows.max() - rows.min()) * 0.25
    region[((x - columns.mean()) / 30) ** 2 + ((y - low) / 25) ** 2 <= 1] = 1
    asked = Finding(text="effusion", mask=region)

    result = engine.run(GenerateRequest(organs=organs, findings=(asked,), sampling=QUICK))

    before, outside = result.states["anatomy"], region == 0
    assert result.image[outside].tobytes() == before[outside].tobytes()
    assert np.abs(result.image - before)[~outside].mean() > 0.01


def test_a_stronger_finding_stands_out_more_and_one_of_no_strength_is_the_networks_own(
    engine, organs
):
    lower = organs == RIGHT_LUNG
    lower[: np.flatnonzero(lower.any(1)).mean().astype(int)] = False
    region = lower.astype(np.float32)
    grey = {0.0: [], 1.0: [], 2.0: []}
    for seed in (1, 2):
        for strength, found in grey.items():
            asked = Finding(text="consolidation", mask=region, strength=strength)
            sampling = Sampling(seed=seed, steps=8)
            made = engine.run(GenerateRequest(organs=organs, findings=(asked,), sampling=sampling))
            before = made.states["anatomy"]
            assert made.image[~lower].tobytes() == before[~lower].tobytes()
            found.append((made.image - before)[lower].mean())

    assert np.mean(grey[1.0]) > np.mean(grey[0.0]) + 0.02
    assert np.mean(grey[2.0]) > np.mean(grey[1.0]) + 0.02


def test_a_painted_device_disappears(engine, film):
    device = np.zeros((SIDE, SIDE), np.float32)
    device[60:80, 170:200] = 1
    with_device = np.where(device > 0, np.float32(1), film)

    erased = engine.run(EraseRequest(image=with_device, mask=device, sampling=QUICK)).image

    inside, outside = device > 0, device == 0
    assert erased[outside].tobytes() == with_device[outside].tobytes()
    assert abs(erased[inside].mean() - film[inside].mean()) < 0.15


def test_the_field_of_view_is_completed_around_what_is_kept(engine, film):
    keep = np.ones_like(film)
    keep[:, :48] = 0
    cut = np.where(keep > 0, film, np.float32(0))

    made = engine.run(OutpaintRequest(image=cut, keep=keep, sampling=QUICK)).image

    assert made[keep > 0].tobytes() == film[keep > 0].tobytes()
    assert made[:, :48].std() > 0.01


def test_upscaling_gives_1024_px_that_shrink_back_to_the_film(engine, film):
    import cv2

    large = engine.run(UpscaleRequest(image=film, sampling=Sampling(seed=1, steps=1))).image

    assert large.shape == (1024, 1024)
    small = cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    assert np.abs(small - film).mean() < 0.02


def test_the_same_seed_gives_the_same_film_and_another_seed_another(engine, organs, film):
    again = engine.run(GenerateRequest(organs=organs, sampling=QUICK)).image
    other = engine.run(GenerateRequest(organs=organs, sampling=Sampling(seed=12, steps=8))).image

    assert again.tobytes() == film.tobytes()
    assert np.abs(other - film).mean() > 0.01


def test_what_the_models_draw_carries_the_invisible_mark_and_the_rest_of_a_film_does_not(
    engine, film
):
    assert find_mark(film).certain
    assert find_mark(film).word == WHOLE_WORD

    recipe = {"schema": 1, "verb": "generate", "parameters": {}, "inputs": {}, "models": {}}
    plain = engine.replay(recipe, {}).image  # as before there was a mark
    region = np.zeros((SIDE, SIDE), np.float32)
    region[64:192, 64:192] = 1
    erased = engine.run(EraseRequest(image=plain, mask=region, sampling=QUICK)).image

    assert not find_mark(plain).certain
    found = find_mark(erased)
    assert found.certain
    assert found.word == EDIT_WORD
    top, left, bottom, right = found.box
    assert region[top:bottom, left:right].mean() > 0.4
    assert np.array_equal(erased[region == 0], plain[region == 0])


def test_a_file_of_an_erasure_is_replayed_without_the_film_it_came_from(engine, film, tmp_path):
    device = np.zeros((SIDE, SIDE), np.float32)
    device[100:110, 60:120] = 1
    made = engine.run(EraseRequest(image=film, mask=device, sampling=QUICK))
    path = tmp_path / "erased.png"
    provenance.write_picture(path, made, made.recipe, provenance.inputs_of(made.request))

    again = engine.replay(*provenance.read_recipe(path))

    assert again.image.tobytes() == made.image.tobytes()


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def precise(request):
    return open_engine(device="cpu", precision=request.param)


def test_in_either_precision_not_a_bit_outside_the_region_changes(precise, organs, film):
    region = np.zeros((SIDE, SIDE), np.float32)
    region[150:190, 160:210] = 1
    asked = Finding(text="effusion", mask=region)
    draft = Sampling(seed=3, quality="draft")

    made = precise.run(InsertRequest(image=film, findings=(asked,), organs=organs, sampling=draft))

    outside = region == 0
    assert made.recipe["precision"] == precise.precision
    assert made.image[outside].tobytes() == film[outside].tobytes()
    assert np.abs(made.image - film)[~outside].mean() > 0.005


def test_half_precision_makes_the_same_film_up_to_arithmetic(organs):
    request = GenerateRequest(organs=organs, sampling=Sampling(seed=5, quality="draft"))

    half, whole = (
        open_engine(device="cpu", precision=p).run(request).image for p in ("bfloat16", "float32")
    )

    assert psnr(half, whole) > 40  # bfloat16 has 8 bits: 40 dB is 1 %


def test_in_half_precision_the_linear_part_of_the_codec_is_whole():
    film = torch.from_numpy(np.random.default_rng(0).random((1, 1, 64, 64), np.float32))
    half, whole = (
        open_embedded(EMBEDDED, torch.device("cpu"), dtype).painters[0].codec
        for dtype in (torch.bfloat16, torch.float32)
    )

    latent = whole.encode(film)

    assert torch.equal(half.encode(film), latent)
    assert psnr(half.decode(latent).numpy(), whole.decode(latent).numpy()) > 50


def test_more_quality_comes_nearer_to_what_many_steps_make(engine, organs):
    def made(**how):
        return engine.run(GenerateRequest(organs=organs, sampling=Sampling(seed=2, **how))).image

    many = made(steps=60)
    draft, standard, fine = (psnr(made(quality=q), many) for q in QUALITIES)

    assert 25 < draft < standard < fine


def test_every_file_says_what_it_is_what_it_was_made_from_and_under_which_terms():
    described = sorted(EMBEDDED.glob("*.json"))

    assert {p.stem for p in described} >= {
        "segmenter", "codec", "diffusion", "controller", "upscaler", "shapes",
    }  # fmt: skip
    for path in described:
        description = json.loads(path.read_text("utf-8"))
        assert description["licence"] == "Apache-2.0"
        assert "NIH Clinical Center" in json.dumps(description["attribution"])
        assert all((EMBEDDED / name).is_file() for name in description["files"])


def test_the_models_that_ship_are_small():
    total = sum(p.stat().st_size for p in EMBEDDED.rglob("*") if p.is_file())

    assert total < 100e6
    assert all(p.stat().st_size < 16 * 2**20 for p in EMBEDDED.rglob("*.safetensors"))
