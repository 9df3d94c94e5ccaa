import numpy as np

from engine.engine import EMBEDDED
from engine.evaluation.films import Instruments
from engine.evaluation.realism import Sides, distances_to, levelled, told_apart
from engine.training.madeup import made_up_pack


def smooth(films):
    """Films whose grain is gone."""
    return np.repeat(np.repeat(films[:, 4::8, 4::8], 8, 1), 8, 2)


def test_films_without_grain_are_told_from_those_with_it():
    grainy = made_up_pack(24).images

    found = told_apart(
        Sides(learn=(grainy[:16], smooth(grainy[:16])), test=(grainy[16:], smooth(grainy[16:]))),
        steps=30,
        seed=0,
    )

    assert found["rate"] >= 0.9 and found["of"] == 16


def test_the_same_films_on_both_sides_are_told_apart_half_of_the_time():
    films = made_up_pack(12).images

    found = told_apart(Sides(learn=(films, films), test=(films, films)), steps=3, seed=0)

    assert found["rate"] == 0.5  # whatever the network says, it says it of both


def test_sides_without_films_are_not_guessed_at():
    films, none = made_up_pack(4).images, np.zeros((0, 256, 256), np.uint8)

    assert told_apart(Sides(learn=(films, none), test=(films, films)), 3, 0)["rate"] is None


def test_other_films_are_farther_away_than_films_of_the_same_kind():
    films = made_up_pack(48).images
    judge = Instruments(EMBEDDED, EMBEDDED).judge

    found = distances_to(judge, films[:24], {"real": films[24:], "drawn": smooth(films[24:])})

    assert found["n"] == 24
    assert found["frechet"]["drawn"] > 2 * found["frechet"]["real"]
    assert found["kid_x1000"]["drawn"] > found["kid_x1000"]["real"]


def test_the_tone_of_a_film_alone_tells_nothing():
    film = made_up_pack(1).images
    paler = (film * 0.7 + 30).round().astype(np.uint8)

    assert np.abs(levelled(film).astype(int) - levelled(paler)).max() <= 3
