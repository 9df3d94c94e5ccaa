import numpy as np
import pytest

from engine.masks import cardiothoracic_ratio
from engine.shapes import Shapes, draw_organs, random_coefficients
from engine.training.madeup import made_up_pack
from engine.training.shapes import fit_shapes, template_coefficients


@pytest.fixture(scope="module")
def maps():
    return made_up_pack(12).organs[:, ::2, ::2]


@pytest.fixture(scope="module")
def fitted(maps):
    return fit_shapes(maps, modes=3)


def test_a_map_is_drawn_again_from_its_coefficients(maps, fitted):
    shape, coefficients, kept = fitted

    drawn = draw_organs(shape, coefficients[0].tolist(), 128)

    assert kept > 0.8
    for k in (1, 2, 3):
        both = ((drawn == k) & (maps[0] == k)).sum()
        assert 2 * both / ((drawn == k).sum() + (maps[0] == k).sum()) > 0.95


def test_modes_are_one_standard_deviation_each(fitted):
    _, coefficients, _ = fitted

    np.testing.assert_allclose(coefficients.std(0), 1, atol=1e-3)
    np.testing.assert_allclose(coefficients.mean(0), 0, atol=1e-3)


def test_sides_are_the_patients(fitted):
    organs = draw_organs(fitted[0], [], 64)

    assert np.argwhere(organs == 1)[:, 1].mean() > 40 > 24 > np.argwhere(organs == 2)[:, 1].mean()


def test_a_seed_is_a_chest(maps, fitted):
    shape, coefficients, _ = fitted
    shapes = Shapes(shape, template_coefficients(shape, maps, coefficients))

    np.testing.assert_array_equal(shapes.sample(3, 64), shapes.sample(3, 64))
    assert (shapes.sample(3, 64) != shapes.sample(4, 64)).any()
    assert random_coefficients(3, 8) == random_coefficients(3, 8)


def test_the_shipped_templates_differ_in_what_their_names_say():
    from engine.shapes import read_shapes
    from engine.training.workshop import VOCABULARY

    shapes = read_shapes(VOCABULARY.parent)
    ratio = {name: cardiothoracic_ratio(shapes.template(name, 256)) for name in shapes.templates}
    tall = np.flatnonzero((shapes.template("tall and narrow", 256) > 0).any(1))
    low = np.flatnonzero((shapes.template("low volumes", 256) > 0).any(1))

    assert ratio["small heart"] < ratio["average"] < ratio["large heart"]
    assert ratio["large heart"] < ratio["very large heart"] < 0.75
    assert np.ptp(low) < np.ptp(tall)
