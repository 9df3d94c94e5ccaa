import numpy as np
import pytest

from engine.api import HEART, LEFT_LUNG, RIGHT_LUNG
from engine.evaluation.devices import DEVICES, METAL, chest_of, with_devices

SIDE = 256


def chest_map():
    organs = np.zeros((SIDE, SIDE), np.uint8)
    organs[40:200, 30:115] = RIGHT_LUNG
    organs[40:200, 140:226] = LEFT_LUNG
    organs[110:200, 100:180] = HEART
    return organs


def grey_film():
    return np.full((SIDE, SIDE), 0.4, np.float32)


@pytest.mark.parametrize("name", DEVICES)
def test_the_mask_covers_all_of_a_device_with_a_margin(name):
    film, organs = grey_film(), chest_map()

    drawn, mask = with_devices(film, organs, np.random.default_rng(3), [name])

    changed = drawn != film
    assert changed.any()
    assert (mask[changed] == 1).all()
    assert 0 < mask.mean() < 0.35
    rows, columns = np.nonzero(changed)
    for step in (-2, 2):
        assert (mask[(rows + step).clip(0, SIDE - 1), columns] == 1).all()
        assert (mask[rows, (columns + step).clip(0, SIDE - 1)] == 1).all()


def test_a_pacemaker_is_nearly_white_and_reaches_the_heart():
    film, organs = grey_film(), chest_map()

    drawn, _ = with_devices(film, organs, np.random.default_rng(1), ["pacemaker"])

    assert METAL - 0.05 < drawn.max() <= 1
    assert (drawn[organs == HEART] > 0.6).any()


def test_the_same_generator_draws_the_same_devices():
    first = with_devices(grey_film(), chest_map(), np.random.default_rng(5))
    again = with_devices(grey_film(), chest_map(), np.random.default_rng(5))

    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])


def test_a_map_without_lungs_is_completed_from_the_size_of_the_film():
    organs = np.zeros((200, 100), np.uint8)

    chest = chest_of(organs)
    drawn, mask = with_devices(
        np.zeros((200, 100), np.float32), organs, np.random.default_rng(0), list(DEVICES)
    )

    assert chest.middle == 50
    assert drawn.shape == mask.shape == (200, 100)
    assert drawn.min() >= 0 and drawn.max() <= 1
