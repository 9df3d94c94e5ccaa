import json
from dataclasses import replace

import numpy as np
import pytest

from engine.engine import EMBEDDED
from engine.errors import InvalidRequest
from engine.masks import cardiothoracic_ratio
from engine.outlines import MEASURES, measured, sound
from engine.shapes import HELD, RATIOS, SLIDERS, STEPS, ChestShape, read_shapes
from engine.training.madeup import made_up_pack
from engine.training.outlines import landmarks
from engine.training.shape_figures import read_back
from engine.training.shapes import fit_shapes, projected

OTHERS = 0.35  # standard deviations that a slider may move what it does not name
FINE = 512  # px; a coarser map adds the noise of its stairs
OWN = 0.25  # standard deviations between what a slider says and what the map shows


@pytest.fixture(scope="module")
def shipped():
    return read_shapes(EMBEDDED)


@pytest.fixture(scope="module")
def outlines():
    found = [landmarks(organs) for organs in made_up_pack(12).organs]
    return [points for points in found if points is not None]


@pytest.fixture(scope="module")
def fitted(outlines):
    return fit_shapes(outlines, ["made up"] * len(outlines), [""] * len(outlines), modes=3)


def test_outlines_come_back_from_their_coefficients(outlines, fitted):
    shapes, coefficients, figures = fitted

    assert figures["variance_kept"] > 0.9
    for points, given in zip(outlines, coefficients, strict=True):
        np.testing.assert_allclose(projected(shapes, points), given, atol=1e-8)
        np.testing.assert_allclose(shapes.points(given), points, atol=0.02)


def test_modes_are_one_standard_deviation_each(fitted):
    np.testing.assert_allclose(fitted[1].std(0), 1, atol=1e-9)
    np.testing.assert_allclose(fitted[1].mean(0), 0, atol=1e-9)


def test_an_effect_of_the_view_is_found():
    luck = np.random.default_rng(0)
    first = landmarks(made_up_pack(1).organs[0])
    assert first is not None
    taller = np.zeros_like(first)
    taller[-40:-20, 1] = 0.05  # what sets the second half apart: the heart's lower border
    outlines = [
        first * (1 + luck.normal(0, 0.05, 2))
        + luck.normal(0, 0.003, first.shape)
        + taller * (i >= 30)
        for i in range(60)
    ]

    shapes, coefficients, figures = fit_shapes(
        outlines, ["one place"] * 60, ["PA"] * 30 + ["AP"] * 30, modes=6
    )

    view = np.array([shapes.deviations(c)[-1] for c in coefficients])
    assert figures["views_apart_sd"] > 3
    assert view[30:].min() > view[:30].max()


def test_a_seed_is_a_chest(shipped):
    np.testing.assert_array_equal(shipped.sample(3, 64), shipped.sample(3, 64))
    assert (shipped.sample(3, 64) != shipped.sample(4, 64)).any()


def test_random_chests_are_sound_and_as_different_as_films(shipped):
    chests = [shipped.points(shipped.random(seed)) for seed in range(200)]

    assert all(sound(points) for points in chests)
    found = np.array([measured(points) for points in chests])
    mean, spread = np.array([shipped.population[name] for name in MEASURES]).T
    assert (np.abs(found.mean(0) - mean) < 0.25 * spread).all()
    assert (found.std(0) > 0.9 * spread).all()
    assert (found.std(0) < 1.35 * spread).all()


def test_the_ratio_that_is_asked_is_the_ratio_of_the_map(shipped):
    for template in ("average", "AP, supine", "tall and narrow", "low volumes"):
        for ratio in np.linspace(*RATIOS, 8):
            organs = shipped.chest(ChestShape(template, ratio=float(ratio)), 256)

            assert abs((cardiothoracic_ratio(organs) or 0) - ratio) <= 0.01


@pytest.mark.parametrize("template", ["average", "AP, supine"])
@pytest.mark.parametrize("slider", ["ratio", *SLIDERS])
def test_a_slider_moves_what_it_names_and_little_else(shipped, template, slider):
    values = np.linspace(*(RATIOS if slider == "ratio" else (-STEPS, STEPS)), 7)
    own = HELD.index(slider)

    maps = [
        shipped.chest(replace(ChestShape(template), **{slider: float(v)}), FINE) for v in values
    ]
    found = np.array([read_back(shipped, organs) for organs in maps])

    start = read_back(shipped, shipped.chest(ChestShape(template), FINE))
    asked = values - values[0]
    if slider == "ratio":
        asked = asked / shipped.population["ratio"][1]
    assert (np.diff(found[:, own]) > 0).all()
    np.testing.assert_allclose(found[:, own] - found[0, own], asked, atol=OWN)
    moved = np.abs(np.delete(found - start, own, axis=1)).max()
    assert moved <= OTHERS


def test_the_figures_that_ship_hold_the_bounds_and_are_in_the_document():
    figures = json.loads((EMBEDDED / "shapes.json").read_text("utf-8"))["figures"]
    document = (EMBEDDED.parent.parent / "docs" / "shapes.md").read_text("utf-8")

    assert figures["ratio_error"] <= 0.01
    assert min(figures["held_out_dice"].values()) > 0.95
    assert list(figures["slider_effects_sd"]) == ["ratio", *SLIDERS]
    for slider, row in figures["slider_effects_sd"].items():
        assert max(moved for name, moved in row.items() if name != slider) <= OTHERS
        cells = [f"**{v:.2f}**" if name == slider else f"{v:.2f}" for name, v in row.items()]
        assert " | ".join(cells) in document


def test_simple_measures_of_the_map_agree(shipped):
    """Counts of pixels, which share no code with the model."""

    def lungs(**settings):
        organs = shipped.chest(ChestShape(**settings), 256)
        right, left = (organs == 2).sum(), (organs == 1).sum()
        columns = np.ptp(np.flatnonzero((organs > 0).any(0)))
        rows = np.ptp(np.flatnonzero(((organs == 1) | (organs == 2)).any(1)))
        return right + left, right / left, columns, rows

    area, share, width, height = lungs()
    deep, low = lungs(volume=2.0), lungs(volume=-2.0)
    assert deep[0] > 1.4 * area > 1.4**2 * low[0]
    assert abs(deep[2] - width) <= 4 and abs(low[2] - width) <= 4
    assert lungs(rotation=2.0)[1] < 0.93 * share < 0.93 * 0.93 * lungs(rotation=-2.0)[1]
    broad, narrow = lungs(habitus=2.0), lungs(habitus=-2.0)
    assert broad[2] > 1.15 * width > 1.15**2 * narrow[2]
    assert broad[3] < height < narrow[3]


def test_every_template_is_a_chest(shipped):
    assert len(shipped.templates) >= 14
    for name, coefficients in shipped.templates.items():
        assert sound(shipped.points(coefficients)), name


def test_templates_are_what_their_names_say(shipped):
    found = {name: shipped.deviations(np.array(c)) for name, c in shipped.templates.items()}

    def order(measure, *names):
        values = [found[name][HELD.index(measure)] for name in names]
        return (np.diff(values) > 0.5).all()

    assert order(
        "ratio", "small heart", "average", "slightly large heart", "large heart", "very large heart"
    )
    assert order("volume", "low volumes", "average", "deep inspiration", "hyperinflation")
    assert order("volume", "large heart, low volumes", "large heart")
    assert order("habitus", "tall and narrow", "average", "short and broad")
    assert order("rotation", "rotated to the left", "average", "rotated to the right")
    assert order(
        "diaphragm", "elevated left hemidiaphragm", "average", "elevated right hemidiaphragm"
    )
    assert order("view", "average", "AP, supine")
    assert order("ratio", "average", "AP, supine")


def test_the_small_left_lung_is_small(shipped):
    def share(name):
        organs = shipped.template(name, 256)
        return (organs == 1).sum() / (organs == 2).sum()

    assert share("small left lung") < 0.8 * share("average")


def test_a_template_is_the_chest_without_sliders(shipped):
    for name in ("average", "hyperinflation"):
        chest, template = shipped.chest(ChestShape(name), 256), shipped.template(name, 256)

        assert (chest != template).mean() < 0.001


def test_costophrenic_angles_stay_sharp(shipped):
    """Near its lowest point the lung is a wedge: 5 % of its height above, less than 12 % wide."""
    organs = shipped.template("average", 512)
    for label in (1, 2):
        lung = organs == label
        rows = np.flatnonzero(lung.any(1))
        width = np.ptp(np.flatnonzero(lung.any(0))) + 1
        row = rows[-1] - round(0.05 * np.ptp(rows))
        assert lung[row].sum() < 0.25 * width


@pytest.mark.parametrize(
    "settings",
    [
        {"ratio": 0.2},
        {"ratio": 0.9},
        {"ratio": float("nan")},
        {"volume": 2.5},
        {"rotation": -3.0},
        {"habitus": float("nan")},
        {"view": float("inf")},
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(settings):
    with pytest.raises(InvalidRequest, match=r"goes from .* is outside\.$"):
        ChestShape(**settings)


def test_an_unknown_template_names_the_known_ones(shipped):
    with pytest.raises(InvalidRequest, match="large heart"):
        shipped.chest(ChestShape("cardiomegaly"), 64)


def test_sliders_that_leave_what_chests_look_like_are_refused(shipped):
    with pytest.raises(InvalidRequest, match="No chest looks like that"):
        shipped.chest(ChestShape("hyperinflation", volume=2.0, habitus=-2.0), 128)
