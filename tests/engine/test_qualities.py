"""What is measured of each quality, on stand-in networks."""

from types import SimpleNamespace

import numpy as np
import pytest

from engine.api import QUALITIES
from engine.engine import Engine
from engine.errors import InvalidRequest
from engine.qualities import (
    BEGIN,
    END,
    add_distances,
    dice,
    measure_qualities,
    psnr,
    put_into,
    quality_table,
)
from tests.engine.tiny import Enlarges, model_set


def an_engine(precision="float32"):
    return Engine(model_set(upscaler=Enlarges(), precision=precision))


def test_every_quality_has_a_row_and_float32_one_beside_half_precision():
    alone = measure_qualities(an_engine(), an_engine(), maps=2, many=9)
    halves = measure_qualities(an_engine("bfloat16"), an_engine(), maps=2, many=9)

    assert [(r["quality"], r["steps"]) for r in alone] == [
        ("draft", 2), ("standard", 4), ("fine", 8),
    ]  # fmt: skip
    assert [(r["quality"], r["precision"]) for r in halves] == [
        *((q, "bfloat16") for q in QUALITIES), ("standard", "float32"),
    ]  # fmt: skip
    for row in halves:
        # A perfect network ends at the same picture whatever the steps.
        assert row["psnr map"] > 90
        assert row["psnr finding"] > 90
        assert row["ssim map"] == pytest.approx(1, abs=1e-4)
        assert 0 <= row["dice heart"] <= 1


def test_what_fewer_steps_lose_is_read_beside_what_two_seeds_differ_by():
    """Described by their left and right mean, films of a perfect network differ in nothing, and
    darker ones by how much darker they are."""

    def describe(films):
        return np.array([[half.mean() for half in np.hsplit(film, 2)] for film in films]) * 100

    rows = measure_qualities(an_engine(), an_engine(), maps=3, many=9, describe=describe)

    assert all("films" not in row for row in rows)
    for row in rows:
        assert row["frechet"] == pytest.approx(0, abs=0.05)
        assert row["frechet by chance"] == pytest.approx(0, abs=0.05)
    told = [{"films": [np.full((4, 4), grey, np.float32)] * 3} for grey in (0.2, 0.8)]
    others = [np.full((4, 4), 0.8, np.float32)] * 3
    drawn = [np.ones((32, 32), np.uint8)] * 3
    add_distances(told, lambda request: SimpleNamespace(image=others[0]), drawn, 9, describe)
    assert told[0]["frechet"] == pytest.approx(2 * 60**2, rel=1e-3)  # 20 for 80, in both halves
    assert told[1]["frechet"] == pytest.approx(0, abs=1e-6)


def test_the_table_has_a_line_a_row():
    rows = measure_qualities(an_engine(), an_engine(), maps=1, many=3)

    lines = quality_table(rows, {"processor": "X", "graphics_card": None}).splitlines()

    assert lines[0] == "processor X."
    assert len(lines) == 2 + 2 + len(QUALITIES)
    assert {line.count("|") for line in lines[2:]} == {14}
    assert lines[4].startswith("| draft | 2 | float32 |")


def test_the_table_replaces_what_stands_between_its_marks_and_nothing_else(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}old\n{END}after\n", "utf-8")

    put_into(page, "new\n")
    put_into(page, "newer\n")

    assert page.read_text("utf-8") == f"before\n{BEGIN}\nnewer\n\n{END}after\n"


def test_a_page_without_a_place_for_the_table_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing\n", "utf-8")

    with pytest.raises(InvalidRequest, match="no place"):
        put_into(page, "new\n")
    assert page.read_text("utf-8") == "nothing\n"


def test_likeness_has_the_values_of_arithmetic():
    a = np.zeros((4, 4))

    assert psnr(a, a + 0.1) == pytest.approx(20)
    assert psnr(a, a) == 99
    half = np.zeros((4, 4), bool)
    half[:2] = True
    assert dice(half, np.ones((4, 4), bool)) == pytest.approx(2 * 8 / 24)
    assert dice(a > 0, a > 0) == 1
