import numpy as np
import pytest

from engine.bench import chest
from engine.evaluation.obedience import compared, dice


def hearts(*widths):
    """Maps (n, 128, 128) whose hearts are so many columns wide."""
    maps = np.stack([chest(128) for _ in widths])
    for organs, width in zip(maps, widths, strict=True):
        organs[organs == 3] = 0
        organs[70:90, 64 - width // 2 : 64 + width // 2] = 3
    return maps


def test_half_an_overlap_is_a_dice_of_two_thirds():
    a, b = np.zeros((2, 1, 4, 4), bool)
    a[0, :2] = True
    b[0] = True

    assert dice(a, b).tolist() == [pytest.approx(2 / 3)]
    assert dice(a[:, :0], a[:, :0]).tolist() == [1.0]


def test_maps_that_are_read_as_drawn_are_obeyed_to_the_full():
    maps = hearts(20, 30, 40, 50)

    found = compared(maps, maps)

    assert found["dice"] == {"left lung": 1.0, "right lung": 1.0, "heart": 1.0}
    assert (found["ratio_r"], found["ratio_slope"], found["ratio_error"]) == (1.0, 1.0, 0.0)


def test_hearts_that_grow_half_as_much_have_a_slope_of_a_half():
    found = compared(hearts(20, 30, 40, 50), hearts(30, 34, 40, 44))

    assert found["ratio_slope"] == pytest.approx(0.48, abs=0.02)
    assert found["dice"]["left lung"] == pytest.approx(1, abs=0.05)


def test_a_film_without_a_heart_is_left_out_of_the_ratio_only():
    read = hearts(20, 30, 40, 50)
    read[0][read[0] == 3] = 0

    found = compared(hearts(20, 30, 40, 50), read)

    assert (found["maps"], found["ratio_maps"]) == (4, 3)
    assert found["dice"]["heart"] == 0.75
