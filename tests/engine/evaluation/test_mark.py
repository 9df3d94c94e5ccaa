"""The command that measures the invisible mark, on films made here."""

import json

import numpy as np
import pytest

from engine.cli.main import main
from engine.detection import CERTAIN, NULL_MODE, NULL_SCALE, false_alarm
from engine.evaluation.mark import ATTACKS, decibels, gumbel, square, ssim, tail
from tests.engine.test_invisible import film, picture


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "images512"
    folder.mkdir()
    for number in range(2):
        picture(film(number)).save(folder / f"{number}.jpg", quality=92)
    return tmp_path


def test_the_figures_of_every_attack_and_share_are_written(data, capsys):
    out = data / "mark.json"
    status = main(
        ["evaluate-mark", "--data", str(data), "--side", "256", "--films", "1", "--unmarked", "2",
         "--out", str(out), "--quiet"]
    )  # fmt: skip

    size = json.loads(out.read_text())["sizes"]["256"]
    assert status == 0
    assert list(size["found"]) == ["100%", "25%", "10%", "5%", "2%"]
    assert all(set(rates) == set(ATTACKS) for rates in size["found"].values())
    assert set(size["found"]["100%"].values()) == {1.0}
    assert all(least >= 42 for least, _ in size["psnr_least_median"].values())
    assert size["unmarked"]["films"] == 2
    assert size["unmarked"]["above_threshold"] == 0
    assert "| JPEG 85 | 100% |" in capsys.readouterr().out


def test_a_folder_without_films_is_refused(tmp_path, capsys):
    assert main(["evaluate-mark", "--data", str(tmp_path), "--quiet"]) == 2
    assert "no films in the folder 'images512'" in capsys.readouterr().err


def test_the_fit_finds_a_gumbel_distribution_again_and_minds_a_heavy_tail():
    rng = np.random.default_rng(0)
    scores = rng.gumbel(5.0, 0.2, 20_000)

    mode, scale = gumbel(scores)
    heavy = gumbel(np.where(rng.random(20_000) < 0.02, scores + 2, scores))[1]

    assert mode == pytest.approx(5.0, abs=0.02)
    assert scale == pytest.approx(0.2, rel=0.1)
    assert heavy > 1.5 * scale
    assert tail(5.0, 5.0, 0.2) == pytest.approx(1 - np.exp(-1))


def test_a_score_at_the_threshold_is_rarer_than_one_in_ten_thousand():
    assert false_alarm(CERTAIN) < 1e-4
    assert false_alarm(CERTAIN) == pytest.approx(tail(CERTAIN, NULL_MODE, NULL_SCALE))
    assert false_alarm(0.0) == pytest.approx(1)
    assert false_alarm(1000.0) == 0


def test_decibels_and_similarity_are_what_arithmetic_says():
    one = np.full((64, 64), 0.5, np.float32)

    assert decibels(one, one + np.float32(0.01)) == pytest.approx(40, abs=0.01)
    assert np.allclose(ssim(one, one), 1)
    # Both are flat: only the means count. (2ab + c1) / (a^2 + b^2 + c1), c1 = 0.0001.
    assert np.allclose(ssim(one, one / 2), (0.25 + 1e-4) / (0.3125 + 1e-4))


@pytest.mark.parametrize("share", [1.0, 0.25, 0.02])
def test_a_square_covers_the_share_that_was_asked_for(share):
    for seed in range(20):
        zone = square(256, share, np.random.default_rng(seed))
        assert zone.mean() == pytest.approx(share, rel=0.03)
