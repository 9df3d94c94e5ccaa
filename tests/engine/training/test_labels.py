import numpy as np
import pytest

from engine.masks import cardiothoracic_ratio, tidied
from engine.training.data import Box
from engine.training.labels import (
    completed,
    looks_sound,
    region,
    solidity,
)
from engine.training.madeup import made_up_pack


@pytest.fixture
def chest():
    return made_up_pack(1).organs[0, ::2, ::2]


@pytest.fixture
def film():
    return made_up_pack(1).films[0]


def test_the_cardiothoracic_ratio_is_heart_width_over_thorax_width():
    organs = np.zeros((128, 128), np.uint8)
    organs[20:90, 14:44] = 2
    organs[20:90, 84:114] = 1
    organs[60:90, 40:90] = 3

    assert cardiothoracic_ratio(organs) == pytest.approx(50 / 100)


def test_a_drawn_chest_is_sound_and_one_without_heart_is_not(chest):
    assert looks_sound(chest, confidence=0.95)
    assert not looks_sound(np.where(chest == 3, 0, chest).astype(np.uint8), confidence=0.95)
    assert not looks_sound(chest, confidence=0.5)


def test_a_lung_on_the_wrong_side_is_refused(chest):
    assert not looks_sound(np.ascontiguousarray(chest[:, ::-1]), confidence=0.95)


def test_specks_and_holes_are_tidied_away(chest):
    spoiled = chest.copy()
    spoiled[5:8, 5:8] = 1
    spoiled[50:53, 85:88] = 0

    np.testing.assert_array_equal(tidied(spoiled), chest)


def test_a_disc_is_solid_and_a_comb_is_not():
    y, x = np.mgrid[:128, :128]
    disc = (x - 64) ** 2 + (y - 64) ** 2 < 900
    comb = disc & (x % 8 < 4)

    assert solidity(disc) > 0.97
    assert solidity(comb) < 0.7


def test_disease_hidden_from_the_segmenter_is_given_back_to_the_lung(chest, film):
    whole = (chest == 2).sum()
    eaten = chest.copy()
    rows = np.argwhere(chest == 2)[:, 0]
    eaten[(chest == 2) & (np.arange(128)[:, None] > np.quantile(rows, 0.6))] = 0

    healed = completed(eaten, film)

    assert (eaten == 2).sum() < 0.65 * whole
    assert (healed == 2).sum() > 0.75 * whole
    np.testing.assert_array_equal(healed == 3, chest == 3)


def test_the_region_lies_inside_the_box(film):
    (box,) = film.boxes
    inside = np.argwhere(region(film)) / 64

    assert box == Box("Effusion", 0.18, 0.5, 0.26, 0.24)
    assert inside[:, 1].min() >= 0.18 - 1 / 64
    assert inside[:, 0].max() <= 0.74
