import cv2
import numpy as np
import pytest
import torch

from engine import masks
from engine.api import HEART, LEFT_LUNG, RIGHT_LUNG

SIDE = 64


def lungs():
    """Two boxes: the patient's right lung on the image's left, both from row 10 to 50."""
    organs = np.zeros((SIDE, SIDE), np.uint8)
    organs[10:50, 5:25] = RIGHT_LUNG
    organs[10:50, 40:60] = LEFT_LUNG
    organs[30:50, 25:45] = HEART
    return organs


def painted(rows, columns):
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[rows, columns] = 1
    return mask


def test_every_cell_with_any_paint_may_change():
    zone = torch.from_numpy(painted(slice(9, 10), slice(17, 18)))[None, None]

    cover = masks.cells(zone, 8)

    assert cover.sum() == 1
    assert cover[0, 0, 1, 2] == 1


def test_the_filled_zone_does_not_depend_on_what_it_hid():
    rng = np.random.default_rng(0)
    image = rng.random((SIDE, SIDE), dtype=np.float32)
    zone = painted(slice(20, 40), slice(10, 30))
    other = np.where(zone > 0, rng.random((SIDE, SIDE), dtype=np.float32), image)

    assert masks.fill(image, zone).tobytes() == masks.fill(other, zone).tobytes()


def test_filling_leaves_known_pixels_alone_and_continues_a_flat_area():
    image = np.full((SIDE, SIDE), 0.6, np.float32)
    image[20:40, 10:30] = 0.0
    zone = painted(slice(20, 40), slice(10, 30))

    filled = masks.fill(image, zone)

    assert np.allclose(filled, 0.6, atol=1e-5)


def test_a_fill_without_surroundings_is_middle_grey():
    assert np.all(
        masks.fill(np.zeros((SIDE, SIDE), np.float32), np.ones((SIDE, SIDE), np.float32)) == 0.5
    )


def test_a_wide_gaussian_of_a_large_film_is_nearly_that_of_all_its_taps():
    film = np.random.default_rng(0).random((601, 700)).astype(np.float32)
    film[200:400, 300:500] += 3

    for sigma in (2.0, 32.0, 64.0, 128.0):
        exact = cv2.GaussianBlur(film, (0, 0), sigma)
        np.testing.assert_allclose(masks.blurred(film, sigma), exact, atol=0.01 * np.ptp(film))
    small = film[:512, :512]
    np.testing.assert_array_equal(masks.blurred(small, 64), cv2.GaussianBlur(small, (0, 0), 64))


@pytest.mark.parametrize("radius", [1, 4, 9])
def test_feathering_never_leaves_the_mask_and_keeps_its_middle(radius):
    mask = painted(slice(20, 44), slice(20, 44))

    soft = masks.feather(mask, radius)

    assert not soft[mask == 0].any()
    assert soft[32, 32] == 1
    assert soft[20, 32] < 1 or radius == 1


def test_a_thin_stroke_survives_feathering():
    mask = painted(slice(30, 31), slice(5, 60))

    assert masks.feather(mask, 6)[30, 30] == 1


@pytest.mark.parametrize(
    ("rows", "columns", "where"),
    [
        (slice(12, 18), slice(8, 20), ("right", "upper")),
        (slice(40, 50), slice(42, 58), ("left", "lower")),
        (slice(27, 33), slice(5, 60), ("both", "middle")),
    ],
)
def test_a_region_is_named_by_the_patients_side_and_its_height(rows, columns, where):
    assert masks.place(painted(rows, columns), lungs()) == where


def test_a_region_without_lungs_has_no_place():
    assert masks.place(painted(slice(0, 5), slice(0, 5)), np.zeros((SIDE, SIDE), np.uint8)) == (
        "",
        "",
    )


@pytest.mark.parametrize("shape", [(40, 64), (64, 40), (33, 64), (64, 64)])
def test_squaring_is_undone_exactly(shape):
    array = np.random.default_rng(1).random(shape, dtype=np.float32)

    assert np.array_equal(masks.unsquare(masks.square(array), *shape), array)


def test_a_one_pixel_stroke_survives_shrinking():
    mask = np.zeros((1000, 1000), np.float32)
    mask[500, 100:900] = 1

    small = masks.mask_at(mask, 256)

    assert (small[0, 0, 128] > 0).sum() >= 200


def test_the_cardiothoracic_ratio_is_heart_width_over_thorax_width():
    assert masks.cardiothoracic_ratio(lungs()) == pytest.approx(20 / 55)
    assert masks.cardiothoracic_ratio(np.zeros((SIDE, SIDE), np.uint8)) is None


def test_a_region_ends_at_the_chest_wall():
    inside = masks.inside_chest(painted(slice(20, 40), slice(44, 64)), lungs())

    assert inside[20:40, 44:60].all()
    assert not inside[:, 62:].any()
    assert inside.dtype == np.float32


@pytest.mark.parametrize(
    ("mask", "organs"),
    [
        (painted(slice(0, 6), slice(0, 6)), lungs()),
        (painted(slice(20, 40), slice(44, 64)), np.zeros((SIDE, SIDE), np.uint8)),
    ],
    ids=["outside altogether", "no lungs in the map"],
)
def test_a_region_that_cannot_be_cut_to_the_chest_stays_as_it_is(mask, organs):
    assert np.array_equal(masks.inside_chest(mask, organs), mask)


def test_a_guess_is_denser_where_it_is_painted_and_the_same_elsewhere():
    image = np.full((SIDE, SIDE), 0.45, np.float32)
    zone = painted(slice(20, 44), slice(10, 50))

    guess = masks.denser(image, zone, 0.3)

    assert np.allclose(guess[26:38, 16:44], 0.45 + 0.3 * (1.25 - 0.45))  # inside the fade of 2 px
    assert (guess[zone > 0] > 0.45).all()
    assert guess[zone == 0].tobytes() == image[zone == 0].tobytes()


def test_a_clearer_guess_takes_a_share_of_what_is_there():
    image = np.full((SIDE, SIDE), 0.5, np.float32)
    zone = painted(slice(20, 44), slice(10, 50))

    assert np.allclose(masks.denser(image, zone, -0.3)[26:38, 16:44], 0.5 - 0.3 * 0.5)
    assert masks.denser(image, zone, 0.0) is image


@pytest.mark.parametrize("density", [-2.0, 2.0])
def test_a_guess_stays_within_black_and_white(density):
    image = np.linspace(0, 1, SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE)
    guess = masks.denser(image, painted(slice(0, SIDE), slice(0, SIDE)), density)
    assert guess.min() >= 0 and guess.max() <= 1


@pytest.mark.parametrize("radius", [3, 7, 9, 12, 15, 20, 26, 30])
def test_averages_that_are_left_out_would_have_counted_nothing(radius):
    """The sum over all widths up to half the picture, written out."""
    rows, columns = np.mgrid[:64, :64]
    known = ((rows - 32) ** 2 + (columns - 30) ** 2 > radius**2).astype(np.float32)
    values = np.random.default_rng(0).random((64, 64), np.float32)
    smooth, weight = np.zeros_like(values), np.zeros_like(values)
    for sigma in (2.0, 4.0, 8.0, 16.0, 32.0, 64.0):
        near = masks.blurred(known, sigma)
        trust = (1 - weight) * np.clip(near * 4, 0, 1)
        mean = masks.blurred(values * known, sigma) / np.maximum(near, 1e-6)
        smooth, weight = smooth + trust * mean, weight + trust
    overall = float((values * known).sum() / known.sum())

    found = masks.spreading(known)(values)

    np.testing.assert_array_equal(found, smooth + (1 - weight) * overall)
