"""Every command once on the models that ship, with very few steps."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.cli.main import main
from engine.images import read_image, read_mask, read_organs, write_png

FEW = ("--steps", "2", "--seed", "7", "--device", "cpu")


@pytest.fixture(scope="module")
def engine():
    from engine.engine import open_engine

    return open_engine(device="cpu")


@pytest.fixture(scope="module")
def desk(engine, tmp_path_factory):
    """A folder with a generated chest and a mask in it."""
    folder = tmp_path_factory.mktemp("desk")
    mask = np.zeros((256, 256), np.float32)
    mask[90:140, 150:190] = 1
    write_png(folder / "mask.png", mask, 8)
    mask[90:140, 190:] = 1  # and on beyond the chest
    write_png(folder / "chest-wall.png", mask, 8)
    made = run(engine, "generate", "--template", "average", *FEW, "-o", str(folder / "chest.png"))
    assert made == 0
    return folder


@pytest.fixture(autouse=True)
def here(desk, monkeypatch):
    monkeypatch.chdir(desk)


def run(engine, *argv: str) -> int:
    return main(argv, lambda **options: engine)


def test_generate_draws_a_chest_of_the_size_asked_for(engine, capsys):
    status = run(engine, "generate", "--template", "large heart", "--finding",
                 "left effusion=mask.png", "--report", "ap view", *FEW, "--json", "-o",
                 "sick.png")  # fmt: skip

    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert status == 0
    assert (file["width"], file["height"]) == (256, 256)
    assert file["recipe"]["models"]["diffusion"]
    pixels = read_image("sick.png").pixels
    assert pixels.std() > 0.02
    assert not np.array_equal(pixels, read_image("chest.png").pixels)


@pytest.mark.parametrize(
    "command",
    [
        ["erase", "chest.png", "--mask", "mask.png"],
        ["insert", "chest.png", "--finding", "opacity=mask.png"],
        ["insert", "chest.png", "--remove", "mask.png"],
    ],
    ids=["erase", "insert", "remove"],
)
def test_an_edit_changes_its_zone_and_nothing_else_and_can_be_replayed(engine, command):
    assert run(engine, *command, *FEW, "-o", "edited.png") == 0
    assert run(engine, "replay", "edited.png", "-o", "again.png") == 0

    before, after = read_image("chest.png").pixels, read_image("edited.png").pixels
    zone = read_mask("mask.png") > 0
    assert before[~zone].tobytes() == after[~zone].tobytes()
    assert (before != after)[zone].mean() > 0.9
    assert Path("again.png").read_bytes() == Path("edited.png").read_bytes()


def test_outpaint_keeps_what_was_given(engine):
    assert run(engine, "outpaint", "chest.png", "--add", "left=64", *FEW, "-o", "beyond.png") == 0

    before, after = read_image("chest.png").pixels, read_image("beyond.png").pixels
    assert after.shape == (256, 320)
    assert np.array_equal(after[:, 64:], before)


def test_upscale_gives_1024_px_of_the_same_film(engine):
    assert run(engine, "upscale", "chest.png", *FEW, "-o", "large.png") == 0

    small, large = read_image("chest.png").pixels, read_image("large.png").pixels
    assert large.shape == (1024, 1024)
    shrunk = large.reshape(256, 4, 256, 4).mean((1, 3))
    assert np.abs(shrunk - small).mean() < 0.02  # it is the same film, only finer


def test_segment_writes_a_map_that_generate_accepts(engine):
    assert run(engine, "segment", "chest.png", "--device", "cpu", "-o", "organs.png") == 0
    assert read_organs("organs.png").shape == (256, 256)

    assert run(engine, "generate", "--organs", "organs.png", *FEW, "-o", "like.png") == 0


def test_words_that_the_model_does_not_know_are_refused(engine, capsys):
    status = run(engine, "insert", "chest.png", "--finding", "zeppelin=mask.png", *FEW,
                 "-o", "none.png")  # fmt: skip

    assert status == 2
    assert "does not know 'zeppelin'. It knows: " in capsys.readouterr().err
    assert not Path("none.png").exists()


def test_exact_arithmetic_needs_the_published_files(engine, capsys):
    assert run(engine, "generate", "--exact", *FEW, "-o", "none.png") == 2

    assert "published" in capsys.readouterr().err


def test_a_finding_painted_beyond_the_chest_can_be_replayed(engine):
    command = ["insert", "chest.png", "--finding", "opacity=chest-wall.png"]
    assert run(engine, *command, *FEW, "-o", "edited.png") == 0
    assert run(engine, "replay", "edited.png", "-o", "again.png") == 0

    before, after = read_image("chest.png").pixels, read_image("edited.png").pixels
    assert before[:, 250:].tobytes() == after[:, 250:].tobytes()
    assert Path("again.png").read_bytes() == Path("edited.png").read_bytes()
