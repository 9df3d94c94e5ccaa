import dataclasses

import numpy as np
import pytest
from PIL import Image

from engine.api import LEFT_LUNG, RIGHT_LUNG
from engine.engine import Engine
from engine.evaluation import sheets
from engine.evaluation.zones import region_of
from tests.engine import tiny

NAMES = {"samples", "obedience", "degrees", "words", "insertions", "erasures", "upscalings"}


@pytest.fixture
def engine():
    return Engine(tiny.model_set(upscaler=tiny.Enlarges()))


def test_a_quick_run_draws_every_sheet_small_enough_to_ship(engine, tmp_path):
    drawn = sheets.draw_sheets(engine, tmp_path / "cards", quick=True)

    assert set(drawn) == NAMES
    for path in drawn.values():
        assert path.suffix == ".jpg" and path.stat().st_size < 1_200_000
        assert min(Image.open(path).size) > 100


def test_what_the_models_cannot_do_is_left_out(tmp_path):
    painter = dataclasses.replace(
        tiny.model_set().painters[0], knows=tiny.knows(verbs=("generate",), findings=())
    )
    engine = Engine(tiny.model_set(painters=(painter,)))

    drawn = sheets.draw_sheets(engine, tmp_path, quick=True)

    assert set(drawn) == {"samples", "obedience", "degrees"}


def test_samples_are_the_first_seeds_in_order(engine):
    films = sheets.samples(engine, 10)

    assert [film.request.sampling.seed for film in films] == list(range(10))


def test_every_offered_finding_is_inserted(engine):
    tiles = sheets.insertions(engine, sheets.samples(engine, 2), 4)

    after = [tile.caption.split()[0] for tile in tiles[1::2]]
    assert after == ["effusion", "cardiomegaly"] * 2


def test_the_mark_is_on_the_sheet():
    plain = [sheets.Tile(np.zeros((8, 8, 3), np.uint8), "words")]

    page = sheets.sheet(plain, 4, 256)

    assert page.height > 256 + sheets.CAPTION + 2 * sheets.GAP
    foot = np.array(page)[256 + sheets.CAPTION + 2 * sheets.GAP :]
    assert foot.max() > 200


def test_a_sheet_that_is_too_large_a_file_is_made_smaller(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "LARGEST_FILE", 20_000)
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)

    path = sheets.save(Image.fromarray(noise), tmp_path / "noise.jpg")

    assert path.stat().st_size <= 20_000


def test_a_region_lies_in_the_lung_and_zone_it_is_named_for():
    organs = np.zeros((100, 100), np.uint8)
    organs[10:90, 10:40], organs[10:90, 60:90] = RIGHT_LUNG, LEFT_LUNG

    region = region_of(organs, "mass", "left", "upper")

    rows, columns = np.nonzero(region)
    assert abs(columns.mean() - 74.5) < 1
    assert rows.max() < 50
    both = region_of(organs, "edema", "both", "")
    assert both[:, :50].any() and both[:, 50:].any()
