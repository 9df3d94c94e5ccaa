import numpy as np

from engine.outlines import PARTS, organ_map
from engine.training.madeup import made_up_pack
from engine.training.outlines import contour, landmarks


def test_a_contour_is_clockwise_and_lies_on_the_border():
    mask = np.zeros((128, 128), bool)
    mask[32:96, 40:80] = True

    line = contour(mask)

    assert line is not None
    x, y = line.T
    assert (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() > 0
    np.testing.assert_allclose([x.min(), x.max()], [40 / 128, 80 / 128], atol=0.004)
    np.testing.assert_allclose([y.min(), y.max()], [32 / 128, 96 / 128], atol=0.004)


def test_outlines_draw_the_map_again():
    for organs in made_up_pack(4).organs:
        points = landmarks(organs)

        assert points is not None
        drawn = organ_map(points, 256)
        for k in (1, 2, 3):
            both = ((drawn == k) & (organs == k)).sum()
            assert 2 * both / ((drawn == k).sum() + (organs == k).sum()) > 0.97


def test_landmarks_are_where_their_names_say():
    points = landmarks(made_up_pack(1).organs[0])

    assert points is not None
    left_apex, right_apex = points[PARTS["left wall"]][0], points[PARTS["right wall"]][0]
    left_angle, right_angle = points[PARTS["left base"]][0], points[PARTS["right base"]][0]
    assert left_apex[0] > 0.5 > right_apex[0]
    assert left_angle[0] > left_apex[0] and right_angle[0] < right_apex[0]
    assert left_apex[1] < 0.3 < 0.55 < left_angle[1]


def test_a_map_without_a_heart_has_no_landmarks():
    organs = made_up_pack(1).organs[0]

    assert landmarks(np.where(organs == 3, 0, organs).astype(np.uint8)) is None
    assert landmarks(np.zeros((128, 128), np.uint8)) is None


def test_a_heart_that_touches_no_lung_has_no_landmarks():
    organs = np.zeros((128, 128), np.uint8)
    organs[20:90, 10:30], organs[20:90, 98:118], organs[60:90, 54:74] = 2, 1, 3

    assert landmarks(organs) is None
