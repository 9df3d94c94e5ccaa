import numpy as np

from engine.engine import EMBEDDED
from engine.evaluation.copies import copy_figures
from engine.evaluation.films import Instruments
from engine.training.madeup import made_up_pack

TOOLS = Instruments(EMBEDDED, EMBEDDED)


def test_films_that_were_trained_on_are_found_out():
    films = made_up_pack(12).images
    trained, strangers = films[:8], films[8:]

    found = copy_figures(trained[:4], strangers, trained, TOOLS.codec, TOOLS.judge)

    assert found["pairs_above_0.9"] == 4 and found["max_ssim"] == 1.0
    assert found["ratio"]["block mean"] < 0.05 and found["ratio"]["detail"] < 0.05


def test_films_as_far_from_the_trained_ones_as_strangers_are_no_copies():
    films = np.random.default_rng(0).integers(0, 256, (24, 256, 256)).astype(np.uint8)

    found = copy_figures(films[:8], films[8:16], films[16:], TOOLS.codec, TOOLS.judge)

    assert found["pairs_above_0.9"] == 0
    assert 0.9 < found["ratio"]["block mean"] < 1.1
