"""The raster rules on pixels that can be counted by hand."""

import numpy as np

from app.canvas import raster


def test_a_dot_covers_the_pixel_centres_within_its_radius() -> None:
    dot = raster.capsule((5, 5), (2.5, 2.5), (2.5, 2.5), 1)

    assert dot.astype(int).tolist() == [
        [0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 1, 1, 1, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0],
    ]


def test_a_capsule_is_as_long_as_its_segment_and_two_radii() -> None:
    line = raster.capsule((9, 30), (5, 4.5), (25, 4.5), 2)

    assert np.flatnonzero(line[4]).tolist() == list(range(3, 27))


def test_a_polygon_covers_the_centres_inside_it() -> None:
    square = raster.polygon((8, 8), [(1.5, 1.5), (5.5, 1.5), (5.5, 4.5), (1.5, 4.5)])

    assert square.sum() == 4 * 3
    assert square[1:4, 1:5].all()


def test_growing_and_shrinking_a_square_undo_each_other() -> None:
    square = np.zeros((12, 12), bool)
    square[4:8, 3:9] = True

    assert raster.grown(square).sum() == 24 + 2 * (4 + 6)
    assert raster.shrunk(square).sum() == 2 * 4
    assert np.array_equal(raster.shrunk(raster.grown(square)), square)


def test_a_label_at_the_border_does_not_shrink_from_it() -> None:
    half = np.zeros((6, 6), bool)
    half[:, :3] = True

    assert raster.shrunk(half)[:, :2].all()
    assert raster.shrunk(half).sum() == 12


def test_smoothing_drops_a_lone_pixel_and_closes_a_pinhole() -> None:
    label = np.zeros((20, 20), bool)
    label[2, 17] = True
    label[8:18, 3:13] = True
    label[12, 7] = False

    smooth = raster.smoothed(label)

    assert not smooth[2, 17]
    assert smooth[12, 7]


def test_doubling_the_size_repeats_each_pixel() -> None:
    bits = np.array([[1, 2], [4, 8]], np.uint32)

    assert raster.resized(bits, 4, 4).tolist() == [
        [1, 1, 2, 2],
        [1, 1, 2, 2],
        [4, 4, 8, 8],
        [4, 4, 8, 8],
    ]
