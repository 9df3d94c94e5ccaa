import pytest
import torch

from engine.evaluation.likeness import likeness


def test_an_offset_of_a_tenth_is_twenty_decibels():
    film = torch.full((2, 1, 32, 32), 0.5)

    found = likeness(film + 0.1, film)

    assert found["mse"].tolist() == pytest.approx([0.01, 0.01])
    assert found["psnr"].tolist() == pytest.approx([20, 20], abs=1e-4)


def test_ssim_is_one_for_the_same_and_the_constants_for_flat_opposites():
    black, white = torch.zeros(1, 1, 32, 32), torch.ones(1, 1, 32, 32)

    assert likeness(white, white)["ssim"].item() == pytest.approx(1)
    # no variance, means 0 and 1: C1 / (1 + C1)
    assert likeness(black, white)["ssim"].item() == pytest.approx(1e-4 / 1.0001, rel=1e-2)


def test_what_is_brighter_than_white_counts_as_white():
    white = torch.ones(1, 1, 32, 32)

    assert likeness(white * 3, white)["mse"].item() == 0
