import numpy as np
import pytest

from engine.bench import chest
from engine.evaluation.regions import SPOTS, region_for
from engine.masks import place
from engine.training.prompts import FINDINGS

SEEDS = range(12)


def region(finding, organs, seed):
    found = region_for(finding, organs, seed)
    assert found is not None
    return found


@pytest.mark.parametrize("finding", FINDINGS.values())
def test_every_finding_has_a_region_that_follows_from_the_seed(finding):
    organs = chest(128)

    first, again = region(finding, organs, 5), region(finding, organs, 5)

    assert first.shape == (256, 256) and first.any()
    np.testing.assert_array_equal(first, again)


def test_both_sides_and_all_zones_come_up():
    organs = chest(256)

    places = {place(region("nodule", organs, seed), organs) for seed in range(40)}

    assert {side for side, _ in places} == {"left", "right"}
    assert {zone for _, zone in places} == {"upper", "middle", "lower"}


def test_an_effusion_is_at_the_base_and_a_pneumothorax_at_the_apex():
    organs = chest(256)

    for seed in SEEDS:
        assert place(region("effusion", organs, seed), organs)[1] == "lower"
        assert place(region("pneumothorax", organs, seed), organs)[1] == "upper"


@pytest.mark.parametrize("finding", [name for name in SPOTS if name != "edema"])
def test_most_of_a_region_lies_on_its_lung(finding):
    organs = chest(256)

    for seed in SEEDS:
        inside = region(finding, organs, seed) > 0
        assert (organs[inside] > 0).mean() > 0.4


def test_a_large_heart_is_asked_for_where_the_heart_is():
    organs = chest(256)

    assert region("cardiomegaly", organs, 0)[organs == 3].mean() > 0.95


def test_a_map_without_lungs_has_no_region():
    assert region_for("effusion", np.zeros((64, 64), np.uint8), 0) is None
