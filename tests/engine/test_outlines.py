import numpy as np
import pytest

from engine.outlines import (
    ALL_HEART,
    ALL_LUNG,
    FINER,
    PARTS,
    area,
    crossings,
    curve,
    filled,
    lung_polygon,
    measured,
    organ_map,
    placed,
    sound,
    within_walls,
)
from tests.box_chest import boxes

SQUARE = np.array([[0.25, 0.25], [0.75, 0.25], [0.75, 0.5], [0.25, 0.5]])

RIGHT = np.array([0.5, 0.0])


def test_a_polygon_fills_the_pixels_whose_centres_it_holds():
    inside = filled(SQUARE, 8)

    expected = np.zeros((8, 8), bool)
    expected[2:4, 2:6] = True
    np.testing.assert_array_equal(inside, expected)


@pytest.mark.parametrize("size", [64, 101, 256])
def test_a_filled_polygon_has_its_area(size):
    triangle = np.array([[0.1, 0.1], [0.9, 0.3], [0.4, 0.8]])

    assert filled(triangle, size).mean() == pytest.approx(area(triangle), abs=2 / size)


def test_a_polygon_that_leaves_the_picture_is_cut_off():
    assert filled(SQUARE + RIGHT, 8).sum() == 2 * 2
    assert filled(SQUARE - RIGHT, 8).sum() == 2 * 2


def test_a_chest_of_boxes_has_the_measures_of_boxes():
    ratio, volume, rotation, habitus, diaphragm, tilt = measured(boxes())

    points = boxes()
    assert ratio == pytest.approx(0.2 / 0.8)
    cut = 0.3 * (0.2 / 14) / 2  # from the last point of the hilum straight to the apex
    assert volume == pytest.approx(np.log(2 * (0.3 * 0.5 - cut)))
    assert rotation == pytest.approx((0.5 - points[ALL_HEART][:, 0].mean()) / 2 / 0.8)
    assert habitus == pytest.approx(np.log(0.8))
    assert diaphragm == pytest.approx(0)
    assert tilt == pytest.approx(0)


def test_measures_say_which_side():
    points = boxes()
    points[PARTS["left hilum"], 0] -= 0.08
    points[PARTS["right hilum"], 0] -= 0.08
    points[PARTS["right base"], 1] -= 0.04

    moved = measured(points) - measured(boxes())

    assert moved[2] == pytest.approx(0.08 / 2 / 0.8)  # the mediastinum lies to the patient's right
    assert moved[4] == pytest.approx(0.04 / 0.8)  # the right half of the diaphragm is higher


def test_a_map_has_the_patients_sides_and_no_gap_at_the_heart():
    organs = organ_map(boxes(), 100)

    assert set(organs[30, :].tolist()) == {0, 1, 2}
    assert (organs[50, 10:90] > 0).all()
    assert organs[50, 20] == 2 and organs[50, 80] == 1 and organs[50, 50] == 3


def test_moving_a_chest_moves_no_measure():
    np.testing.assert_allclose(measured(boxes() + 0.1 * RIGHT), measured(boxes()), atol=1e-12)


def test_a_chest_over_the_edge_is_moved_back_as_little_as_needed():
    moved = placed(boxes() + 0.4 * RIGHT)

    assert moved[:, 0].max() == pytest.approx(0.99)
    np.testing.assert_allclose(moved[:, 1], boxes()[:, 1])


def test_crossed_outlines_are_no_chest():
    bow_tie = SQUARE[[0, 1, 3, 2]]
    crossed = boxes()
    crossed[PARTS["left hilum"], 0] = 1.2

    assert crossings(SQUARE) == 0 and crossings(bow_tie) == 1
    assert sound(boxes())
    assert not sound(crossed)
    assert not sound(boxes() + RIGHT)


def test_the_lung_borders_on_the_heart_where_they_touch():
    polygon = lung_polygon(boxes(), "right")

    heart = boxes()[PARTS["heart right"]]
    assert {tuple(p) for p in heart} <= {tuple(p) for p in polygon}
    assert boxes()[ALL_LUNG].shape == (94, 2)


def test_a_curve_goes_through_its_points_and_keeps_a_straight_line():
    line = np.linspace([0.1, 0.2], [0.5, 0.4], 5)

    fine = curve(line)

    np.testing.assert_allclose(fine[::FINER], line)
    np.testing.assert_allclose(fine, np.linspace([0.1, 0.2], [0.5, 0.4], 4 * FINER + 1))


def test_a_heart_beyond_the_chest_wall_is_seen():
    wide = boxes()
    wide[PARTS["heart left"], 0] = 0.95

    assert within_walls(boxes())
    assert not within_walls(wide)
