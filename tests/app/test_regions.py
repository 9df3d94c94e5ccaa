import numpy as np
import pytest

from app.report.regions import has_lungs, proposed
from engine import masks
from engine.api import Organs
from engine.errors import InvalidRequest

SIDE = 120
RIGHT, LEFT, HEART = 2, 1, 3


@pytest.fixture
def chest() -> Organs:
    organs = np.zeros((SIDE, SIDE), np.uint8)
    organs[10:100, 12:52] = RIGHT  # his right lung lies in the image's left
    organs[10:100, 68:108] = LEFT
    organs[60:105, 44:84] = HEART
    return organs


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("zone", ["upper", "middle", "lower"])
@pytest.mark.parametrize("finding", ["opacity", "consolidation", "atelectasis", "nodule"])
def test_a_region_lies_in_the_lung_and_zone_it_was_asked_for(chest, finding, side, zone):
    region = proposed(finding, finding, side, zone, chest)
    assert masks.place(region.astype(np.float32), chest) == (side, zone)
    assert (chest[region] == {"left": LEFT, "right": RIGHT}[side]).all()


def test_fluid_fills_the_base_and_climbs_towards_the_ribs(chest):
    left = proposed("effusion", "effusion", "left", None, chest)
    tops = {x: np.flatnonzero(left[:, x])[0] for x in (86, 106)}
    assert left[99, 90:108].all()
    assert tops[106] < tops[86] - 10
    right = proposed("effusion", "effusion", "right", None, chest)
    assert np.flatnonzero(right[:, 13])[0] < np.flatnonzero(right[:, 34])[0] - 10


def test_air_gathers_under_the_ribs_at_the_apex(chest):
    region = proposed("pneumothorax", "pneumothorax", "left", None, chest)
    assert region[12, 100] and not region[50, 75]
    assert masks.place(region.astype(np.float32), chest) == ("left", "upper")


def test_words_of_size_make_the_region_smaller_and_larger(chest):
    small, plain, massive = (
        proposed("effusion", f"{word} effusion", "left", None, chest).sum()
        for word in ("small", "moderate", "massive")
    )
    assert small < plain < massive


def test_a_word_of_size_is_a_share_of_the_area(chest):
    small, plain = (
        proposed("consolidation", f"{word} consolidation", "left", "middle", chest).sum()
        for word in ("small", "moderate")
    )
    assert small / plain == pytest.approx(0.7, abs=0.05)


def test_edema_without_a_side_lies_in_both_lungs(chest):
    region = proposed("edema", "edema", None, None, chest)
    assert set(np.unique(chest[region])) == {LEFT, RIGHT}
    assert set(np.unique(chest[proposed("opacity", "opacity", None, None, chest)])) == {RIGHT}


def test_an_enlarged_heart_is_the_heart(chest):
    np.testing.assert_array_equal(proposed("cardiomegaly", "", None, None, chest), chest == HEART)


def test_a_missing_lung_is_named(chest):
    chest[chest == LEFT] = 0
    assert has_lungs(chest, "right") and not has_lungs(chest, "left") and not has_lungs(None, None)
    with pytest.raises(InvalidRequest, match="left lung is not drawn"):
        proposed("effusion", "effusion", "left", None, chest)
