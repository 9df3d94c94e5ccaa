"""What is measured is what a user gets."""

import numpy as np
import pytest

from engine.api import Finding, GenerateRequest, Sampling
from engine.engine import Engine
from engine.evaluation.drawing import Insertion, Order, draw, painter_for, repaint_all
from engine.masks import organs_at
from tests.engine import tiny


def codes(image):
    return np.round(image * 255).astype(int)


def unmarked(engine, request):
    """As the engine runs it, before the invisible mark: what is measured is what a model draws."""
    return engine._run(request, (request.sampling.seed,), None, mark=0)[0]


@pytest.mark.parametrize("way", ["map", "controller"])
def test_a_batch_of_maps_gives_the_films_that_single_requests_give(way):
    maps = [tiny.disc(256, radius) for radius in (40, 60)]
    engine = Engine(tiny.model_set())

    films = draw(engine.loaded, [Order(seed=i, organs=o) for i, o in enumerate(maps)], way=way)

    for seed, organs in enumerate(maps):
        request = GenerateRequest(organs=organs, anatomy_way=way, sampling=Sampling(seed=seed))
        assert np.abs(films[seed] - codes(unmarked(engine, request).image)).max() <= 1


def test_small_maps_are_drawn_at_full_size():
    films = draw(tiny.model_set(), [Order(seed=0, organs=tiny.disc(128, 30))])

    assert films.shape == (1, 256, 256) and films.dtype == np.uint8


def test_the_words_of_a_report_reach_the_model():
    paints = tiny.Paints()

    draw(
        tiny.model_set(paints),
        [Order(seed=0, organs=tiny.disc(256, 40), report="Effusion. Shadows.")],
    )

    assert paints.asked[0].words == "effusion"


def test_a_finding_painted_into_a_film_is_the_one_that_generate_paints():
    organs, region = tiny.disc(256, 60), tiny.box_mask(256, 96, 160)
    engine = Engine(tiny.model_set())
    finding = Finding(text="effusion", mask=region)
    request = GenerateRequest(organs=organs, findings=(finding,))
    result = unmarked(engine, request)
    base = codes(result.states["anatomy"]).astype(np.uint8)
    painter = painter_for(engine.loaded)
    assert painter is not None

    films = repaint_all(
        engine.loaded,
        painter,
        [Insertion(film=base, organs=organs, region=region, words="effusion", seed=0)],
    )

    assert np.abs(films[0] - codes(result.image)).max() <= 1
    np.testing.assert_array_equal(films[0][region == 0], base[region == 0])


def test_films_of_one_batch_have_regions_of_their_own():
    organs = organs_at(tiny.disc(256, 60), 256)
    regions = [tiny.box_mask(256, 32, 96), tiny.box_mask(256, 160, 224)]
    models = tiny.model_set()
    painter = painter_for(models)
    assert painter is not None
    base = np.full((256, 256), 64, np.uint8)

    films = repaint_all(
        models,
        painter,
        [Insertion(film=base, organs=organs, region=r, words="effusion", seed=0) for r in regions],
    )

    for film, region in zip(films, regions, strict=True):
        assert (film[region == 0] == 64).all()
        assert film[region > 0].mean() > 100


def test_where_nobody_draws_from_a_map_there_is_no_painter():
    nobody = tiny.model_set(painters=())

    assert painter_for(nobody) is None
