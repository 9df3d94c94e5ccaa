import numpy as np

from engine.compositing import match_surroundings, paste


def test_unmasked_pixels_are_bit_identical():
    rng = np.random.default_rng(0)
    original, edited = rng.random((2, 64, 64), dtype=np.float32)
    mask = np.zeros((64, 64), np.float32)
    mask[20:40, 20:40] = rng.random((20, 20), dtype=np.float32)

    result = paste(original, edited, mask)

    outside = mask == 0
    assert result[outside].tobytes() == original[outside].tobytes()


def test_a_soft_mask_blends_between_the_two():
    original, edited = np.zeros((8, 8), np.float32), np.ones((8, 8), np.float32)

    result = paste(original, edited, np.full((8, 8), 0.25, np.float32))

    assert np.allclose(result, 0.25, atol=1 / 65535)


def test_a_constant_error_around_the_zone_is_taken_off_inside_it():
    film = np.full((64, 64), 0.5, np.float32)
    zone = np.zeros((64, 64), np.float32)
    zone[20:44, 20:44] = 1
    drawn = film + np.float32(0.1)

    matched = match_surroundings(film, drawn, zone)

    assert np.allclose(matched[zone > 0], 0.5, atol=1e-4)
