"""Findings laid onto healthy films: drawn films, no patient."""

import numpy as np
import pytest
import torch

from engine.training import diffusion
from engine.training.codec import fitted_codec
from engine.training.data import SIZE, Box
from engine.training.diffusion import Films
from engine.training.grafts import Graft, cut, laid, lung_frame
from engine.training.labels import LEFT, REGION_SIDE, RIGHT, Labelled, ellipse
from engine.training.madeup import made_up_pack

DARK, SHADOW = 60, 50  # grey levels: a lung, and what the finding adds to it
BOX = Box("Infiltration", 0.2, 0.4, 0.15, 0.2)


@pytest.fixture
def organs():
    labels = np.zeros((128, 128), np.uint8)
    labels[20:100, 16:56] = RIGHT
    labels[20:100, 72:112] = LEFT
    return labels


@pytest.fixture
def healthy():
    return np.full((SIZE, SIZE), DARK, np.uint8)


@pytest.fixture
def sick(healthy):
    film = healthy.copy()
    film[ellipse(BOX, SIZE)] += SHADOW
    return film


def residual(film, healthy):
    return (film.astype(np.float32) - healthy) / 255


def test_a_finding_lands_where_it_was_in_its_lung(organs, healthy, sick):
    graft = cut(BOX, sick, residual(sick, healthy), organs)

    assert graft is not None and graft.side == RIGHT
    result = laid(healthy, organs, graft, 1.0, False)
    assert result is not None
    image, box = result
    assert (box.x, box.y, box.w, box.h) == pytest.approx((BOX.x, BOX.y, BOX.w, BOX.h))
    added = image.astype(int) - healthy
    inside = ellipse(BOX, SIZE)
    assert added[inside].mean() > 0.5 * SHADOW
    assert added[:, : SIZE // 8].max() == 0 and added[:, SIZE // 2 :].max() == 0


def test_mirrored_it_lands_at_the_same_depth_of_the_other_lung(organs, healthy, sick):
    graft = cut(BOX, sick, residual(sick, healthy), organs)
    assert graft is not None

    result = laid(healthy, organs, graft, 1.0, True)

    assert result is not None
    image, box = result
    left, right = lung_frame(organs, LEFT), lung_frame(organs, RIGHT)
    assert left is not None and right is not None
    from_outside = BOX.x - right[0]
    assert left[0] + left[2] - (box.x + box.w) == pytest.approx(from_outside)
    assert box.y == pytest.approx(BOX.y)
    bright = np.argwhere(image > DARK + 10)
    assert bright[:, 1].min() > SIZE // 2


def test_what_is_no_brighter_than_lung_is_no_graft(organs, healthy):
    assert cut(BOX, healthy, residual(healthy, healthy), organs) is None


def test_what_lies_outside_the_lungs_is_no_graft(organs, healthy):
    below = Box("Effusion", 0.4, 0.85, 0.1, 0.1)
    film = healthy.copy()
    film[ellipse(below, SIZE)] += SHADOW

    assert cut(below, film, residual(film, healthy), organs) is None


def test_a_chest_without_that_lung_gets_nothing(organs, healthy, sick):
    graft = cut(BOX, sick, residual(sick, healthy), organs)
    assert graft is not None

    assert laid(healthy, np.where(organs == RIGHT, 0, organs), graft, 1.0, False) is None


def test_training_films_get_the_finding_its_region_and_its_words(monkeypatch):
    pack = made_up_pack()
    labelled = Labelled(
        pack.organs[:, ::2, ::2],
        np.ones(len(pack.films), bool),
        np.zeros((len(pack.films), REGION_SIDE, REGION_SIDE), np.uint8),
    )
    graft = Graft("Mass", RIGHT, Box("Mass", 0.3, 0.4, 0.4, 0.2), np.full((40, 40), 0.3, "f4"))
    codec = fitted_codec(pack)
    plain = Films(pack, labelled, codec, "train")
    grafted = Films(pack, labelled, codec, "train", [graft])
    healthy = torch.nonzero(grafted.healthy)[:, 0]
    monkeypatch.setattr(diffusion, "GRAFTED", 1.0)

    before, after = (films.of(healthy, 3, varied=False) for films in (plain, grafted))
    torch.testing.assert_close(after.latents, before.latents)  # held-out films stay as they are
    images, regions = grafted.images[healthy], grafted.regions[healthy]
    said = grafted.said_of(healthy)
    grafted.graft(images, regions, said, healthy, torch.Generator().manual_seed(0))

    changed = (images.int() - grafted.images[healthy].int()).amax((1, 2))
    assert (changed > 20).all() and (regions.amax((1, 2)) == 255).all()
    assert {finding for some in said for finding, _ in some} == {"mass"}
    assert grafted.said_of(healthy) == plain.said_of(healthy)
    asked = [grafted.batch(number).words for number in range(4)]
    assert any("mass" in words for batch in asked for words in batch)
