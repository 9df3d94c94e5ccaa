"""The invisible mark: where it is put, what it costs, what it survives, and when it is not seen.

The films are made here: smooth random fields with edges and grain. Figures on real films are in
docs/provenance.md and are made by ``python -m engine evaluate-mark``.
"""

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from engine import invisible
from engine.api import Finding, InsertRequest
from engine.detection import CERTAIN, find_mark
from engine.images import from_codes, to_codes
from engine.invisible import EDIT_WORD, WHOLE_WORD, embed, embed_states, tiles

SIDE = 256


def film(seed: int, side: int = SIDE) -> np.ndarray:
    """A smooth field with bright ribs, a sharp letter and grain, on the 16-bit grid."""
    rng = np.random.default_rng(seed)
    shape = (side, side)
    field = ndimage.gaussian_filter(rng.standard_normal(shape), side / 12)
    field = 0.45 + 0.2 * field / field.std()
    ribs = ndimage.gaussian_filter(rng.standard_normal(shape), (2, 25))
    field += 0.1 * (ribs > 1.2 * ribs.std())
    field = ndimage.gaussian_filter(field, 1)
    top, left = rng.integers(10, side - 30, 2)
    field[top : top + 12, left : left + 6] = 1
    grainy = field + 0.006 * ndimage.gaussian_filter(rng.standard_normal(shape), 0.6)
    return from_codes(to_codes(np.clip(grainy, 0, 1).astype(np.float32), 16), 65535)


def box(share: float, side: int = SIDE) -> np.ndarray:
    zone = np.zeros((side, side), bool)
    edge = round(side * share**0.5)
    start = (side - edge) // 2
    zone[start : start + edge, start : start + edge] = True
    return zone


def picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(to_codes(pixels, 8))


def pixels_of(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.float32) / np.float32(255)


def jpeg(image: Image.Image) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return Image.open(io.BytesIO(out.getvalue()))


def half(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def cropped(image: Image.Image) -> Image.Image:
    across, down = round(image.width * 0.8), round(image.height * 0.8)
    return image.crop((13, 29, 13 + across, 29 + down))


ATTACKS = {
    "8 bits": lambda i: i,
    "JPEG 85": jpeg,
    "half": half,
    "half and back": lambda i: half(i).resize(i.size, Image.Resampling.BICUBIC),
    "cropped to 80 %": cropped,
    "cropped, half, JPEG 85": lambda i: jpeg(half(cropped(i))),
    "half, back, JPEG 85": lambda i: jpeg(half(i).resize(i.size, Image.Resampling.BICUBIC)),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("word", [WHOLE_WORD, EDIT_WORD])
def test_the_mark_of_a_whole_film_is_found_and_read_after(attack, word):
    marked = embed(film(word), np.ones((SIDE, SIDE), bool), word)

    found = find_mark(pixels_of(ATTACKS[attack](picture(marked))))

    assert found.certain
    assert found.word == word


@pytest.mark.parametrize("share", [0.05, 0.1, 0.25])
@pytest.mark.parametrize("attack", ["8 bits", "JPEG 85"])
def test_the_mark_of_a_zone_is_found_where_it_is(share, attack):
    zone = box(share)
    marked = embed(film(5), zone, EDIT_WORD)

    found = find_mark(pixels_of(ATTACKS[attack](picture(marked))))

    assert found.certain
    assert found.word == EDIT_WORD
    top, left, bottom, right = found.box
    assert zone[top:bottom, left:right].any()


@pytest.mark.parametrize("share", [0.02, 0.25, 1])
def test_the_mark_is_fainter_than_42_decibels_and_outside_the_zone_there_is_none(share):
    plain, zone = film(7), box(share)

    marked = embed(plain, zone, EDIT_WORD)

    error = (marked - plain)[zone]
    assert 10 * np.log10(1 / np.mean(error.astype(np.float64) ** 2)) >= 42
    assert error.any()
    assert marked[~zone].tobytes() == plain[~zone].tobytes()
    assert np.array_equal(from_codes(to_codes(marked, 16), 65535), marked)  # on the 16-bit grid


def test_no_pixel_outside_any_zone_changes():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        height, width = rng.integers(32, 150, 2)
        plain = rng.random((height, width), dtype=np.float32)
        zone = rng.random((height, width)) < rng.random()
        marked = embed(plain, zone, int(rng.integers(4)))
        assert marked[~zone].tobytes() == plain[~zone].tobytes()
        assert 0 <= marked.min() <= marked.max() <= 1


def test_pictures_without_the_mark_are_not_said_to_have_it():
    scores = []
    for seed in range(500):
        rng = np.random.default_rng(seed)
        field = ndimage.gaussian_filter(rng.standard_normal((96, 96)), rng.uniform(0, 8))
        field = (
            0.5
            + 0.15 * field / field.std()
            + rng.uniform(0, 0.05) * (np.sin(rng.uniform(0.1, 2) * np.arange(96)))
        )  # the last is a grid, as anti-scatter grids leave one
        scores.append(find_mark(pixels_of(picture(np.clip(field, 0, 1)))).score)

    assert max(scores) < CERTAIN


@pytest.mark.parametrize("pixels", [np.zeros((64, 64)), np.ones((40, 300)), np.full((8, 8), 0.5)])
def test_empty_pictures_hold_no_mark(pixels):
    assert not find_mark(pixels.astype(np.float32)).certain


def test_the_tiles_are_what_they_were_when_films_were_first_marked():
    """Rounded as they are added; another tile would not be found in files that exist."""
    steps = np.round(tiles() * 1000).astype(int)

    assert steps.shape == (4, 64, 64)
    assert steps[0, 0, :4].tolist() == GOLDEN[0]
    assert steps[1, 63, :4].tolist() == GOLDEN[1]
    assert np.abs(tiles().mean((1, 2))).max() < 1e-9
    likeness = np.einsum("iyx,jyx->ij", tiles(), tiles()) / 64**2
    assert np.allclose(np.diag(likeness), 1)
    assert np.abs(likeness - np.eye(4)).max() < 0.15


GOLDEN = [[555, 87, 35, 576], [777, -437, -1229, -1299]]


def test_strength_falls_with_the_zone_and_stays_between_its_bounds():
    strengths = [invisible.strength(area) for area in (1, 128**2, 256**2, 512**2, 8192 * 4096)]

    assert strengths[:2] == [1.85, 1.85]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[-1] == 0.9
    assert strengths[2] == pytest.approx(1.85 / 2**0.5)


def test_a_later_stage_keeps_the_mark_of_the_one_before():
    one, two = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
    one[8:40, 8:40], two[60:90, 60:90] = 1, 1
    findings = (Finding(text="effusion", mask=one), Finding(text="mass", mask=two))
    request = InsertRequest(image=film(1), findings=findings)
    states = {"opened": film(1), "effusion": film(2), "mass": film(3)}
    both = (one + two) > 0

    marked = list(embed_states(request, states).values())

    np.testing.assert_array_equal(marked[0], film(1))
    np.testing.assert_array_equal(marked[2], embed(film(3), both, EDIT_WORD))
