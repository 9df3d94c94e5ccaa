"""Findings laid onto healthy films: drawn films, no patient."""

import numpy as np
import pytest

from engine.training.data import SIZE, Box
from engine.training.grafts import cut, laid, lung_frame
from engine.training.labels import LEFT, RIGHT, ellipse

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


def test_what_lies_outside_the_lungs_is_no_graft(organs, healthy, sick):
    below = Box("Effusion", 0.4, 0.85, 0.1, 0.1)

    assert cut(below, sick, residual(sick, healthy), organs) is None


def test_a_chest_without_that_lung_gets_nothing(organs, healthy, sick):
    graft = cut(BOX, sick, residual(sick, healthy), organs)
    assert graft is not None

    assert laid(healthy, np.where(organs == RIGHT, 0, organs), graft, 1.0, False) is None
