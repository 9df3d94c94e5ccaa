import numpy as np
import torch
from scipy import ndimage

from engine.networks.segmenter import Segmenter, levelled
from engine.networks.small import (
    REACH,
    DetailUpscaler,
    RoughController,
    condition_channels,
    enlarged,
    signed_distance,
)

UPSCALER = {
    "in_channels": 17,
    "out_channels": 16,
    "down_block_types": ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"],
    "block_out_channels": [16],
    "norm_num_groups": 16,
    "add_attention": False,
}


def test_signed_distance_is_the_euclidean_one_up_to_its_reach():
    inside = np.zeros((2, 32, 40), bool)
    inside[0, 5:25, 8:30] = True
    inside[1, 10:12, 3:5] = True

    found = signed_distance(torch.from_numpy(inside)).numpy()

    for mask, distance in zip(inside, found, strict=True):
        exact = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
        np.testing.assert_allclose(distance, np.clip(exact / REACH, -1, 1), atol=1e-6)


def test_an_organ_that_is_not_there_is_far_away_everywhere():
    assert (signed_distance(torch.zeros(1, 8, 8, dtype=torch.bool)) == -1).all()


def test_a_drawing_becomes_shares_distances_and_flags():
    organs = torch.zeros(1, 128, 128, dtype=torch.uint8)
    organs[:, 32:96, 64:120] = 1
    organs[:, 40:80, 40:62] = 3

    told = condition_channels(organs, None, shape=(1, 32, 32), known=(1, 3))[0]

    assert told[0, 16, 20] == 1
    assert told[0].mean() == (64 * 56) / 128**2
    assert told[2, 15, 15] == 0.5  # half of the cell lies in the heart
    assert told[3, 16, 22] > 0 > told[3, 2, 2]
    assert [float(told[k].mean()) for k in (6, 7, 8)] == [1, 0, 1]
    assert told[1].abs().max() == told[4].abs().max() == 0
    assert told[9:].abs().max() == 0


def test_no_region_and_an_empty_region_are_different_things():
    unsaid = condition_channels(None, None, shape=(1, 8, 8))
    nothing = condition_channels(None, torch.zeros(1, 1, 64, 64), shape=(1, 8, 8))

    assert unsaid.abs().max() == 0
    assert (nothing[:, 10] == 1).all()
    assert nothing[:, :10].abs().max() == 0


def test_the_segmenter_does_not_mind_exposure():
    torch.manual_seed(0)
    film = torch.rand(1, 1, 64, 64)
    network = Segmenter((16, 16, 16)).eval()

    torch.testing.assert_close(levelled(film), levelled(0.3 * film + 0.2), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(network(film), network(0.3 * film + 0.2), atol=1e-3, rtol=1e-3)
    assert network(film).shape == (1, 4, 64, 64)


def test_the_controller_answers_any_grid():
    network = RoughController(8, 16, 2)

    assert network(torch.zeros(2, 11, 24, 32)).shape == (2, 8, 24, 32)


def test_detail_cells_give_the_large_film_back():
    torch.manual_seed(0)
    network = DetailUpscaler(UPSCALER)
    network.spread.fill_(0.03)
    large = torch.rand(1, 1, 64, 96)
    small = torch.nn.functional.avg_pool2d(large, 4)

    cells = network.to_cells(large, small)

    assert cells.shape == (1, 16, 16, 24)
    torch.testing.assert_close(network.to_film(cells, small), large, atol=1e-6, rtol=0)
    torch.testing.assert_close(network.to_film(torch.zeros_like(cells), small), enlarged(small))
