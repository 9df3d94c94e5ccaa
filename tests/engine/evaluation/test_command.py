"""The whole command on made-up films and a stand-in for the models that draw."""

import argparse
import json
import re

import numpy as np
import pytest

from engine.cli.main import main
from engine.engine import EMBEDDED, Engine
from engine.errors import ImageUnreadable, InvalidRequest
from engine.evaluation.command import add_arguments, measured, wanted
from engine.evaluation.films import Instruments, RealFilms
from engine.evaluation.measuring import SECTIONS, Amounts, Measurement
from engine.evaluation.pictures import FOLDER_SECTIONS, read_pictures
from engine.images import write_png
from engine.training.madeup import made_up_pack
from tests.engine import tiny

FEW = Amounts(
    worded=8,
    healthy=4,
    controller=2,
    a_finding=2,
    guessing=2,
    large=1,
    upscaling=("standard",),
)
MEASURED = ",".join(SECTIONS)


def arguments(*words):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([*words, "--data", "films"])


@pytest.fixture(scope="module")
def measurement():
    real = RealFilms(made_up_pack(32), Instruments(EMBEDDED, EMBEDDED))
    engine = Engine(tiny.model_set(upscaler=tiny.Enlarges()))
    return Measurement(engine=engine, real=real, amounts=FEW, seed=0, say=lambda text: None)


@pytest.fixture(scope="module")
def results(measurement, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluation")
    args = arguments("--embedded", "--only", MEASURED, "--out", str(out))
    return measured(args, measurement, EMBEDDED), out


def test_every_section_is_measured(results):
    found, _ = results

    assert found["failed"] == {}
    assert set(SECTIONS) <= set(found)
    assert found["obedience"]["map"]["healthy"]["maps"] == 4
    assert found["obedience"]["controller"]["healthy"]["maps"] == 2
    assert found["findings"]["effusion"]["of"] == 2
    assert set(found["codec"]) == {"fidelity", "texture", "films"}


def test_the_models_are_told_by_hash_licence_and_training(results):
    models = results[0]["models"]

    assert models["judge"]["bytes"] < 4_000_000
    assert models["diffusion"]["licence"] == "Apache-2.0"
    assert re.fullmatch(r"[0-9a-f]{64}", models["codec"]["sha256"])


def test_the_json_holds_what_was_returned_and_names_no_folder(results):
    found, out = results
    text = (out / "evaluation.json").read_text("utf-8")

    assert json.loads(text) == json.loads(json.dumps(found))
    assert str(out) not in text and 'films"' not in found["command"]


def test_the_page_needs_nothing_else_and_shows_no_real_film(results):
    page = (results[1] / "evaluation.html").read_text("utf-8")

    assert page.count("<svg") >= 4
    assert "<img" not in page and "http" not in page
    assert all(one["gate"] in page.replace("&gt;", ">") for one in results[0]["gates"])


def test_sections_measured_before_stay_when_others_are_measured_anew(results, measurement):
    before, out = results

    again = measured(arguments("--embedded", "--only", "codec", "--out", str(out)), measurement,
                     EMBEDDED)  # fmt: skip

    assert again["realism"] == before["realism"]
    assert [g["gate"] for g in again["gates"]] == [g["gate"] for g in before["gates"]]


def test_a_section_that_fails_is_named_and_costs_no_other(measurement, tmp_path):
    broken = Measurement(
        engine=Engine(tiny.model_set(painters=())),
        real=measurement.real,
        amounts=FEW,
        seed=0,
        say=lambda text: None,
    )
    args = arguments("--embedded", "--only", "segmenter,codec", "--out", str(tmp_path))

    found = measured(args, broken, EMBEDDED)

    assert set(found["failed"]) == {"codec"}
    assert found["segmenter"]["films"] == 8


def test_pictures_of_any_size_are_measured_as_a_folder(measurement, tmp_path):
    luck = np.random.default_rng(0)
    for i, film in enumerate(made_up_pack(12).images):
        wide = np.pad(film, ((0, 0), (i, 0)), mode="edge") / np.float32(255)
        write_png(tmp_path / f"{i}.png", wide.astype(np.float32), bits=8)
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "broken.png").write_bytes(luck.bytes(100))
    pictures = read_pictures(tmp_path)
    out = tmp_path / "out"

    found = measured(
        arguments("--images", str(tmp_path), "--out", str(out)), measurement, EMBEDDED, pictures
    )

    assert pictures.shape == (12, 256, 256)
    assert found["failed"] == {} and set(FOLDER_SECTIONS) <= set(found)
    assert found["models"] == {}
    assert found["readings"]["pictures"]["films"] == 12


def test_a_handful_of_pictures_is_refused_with_the_number_needed(tmp_path):
    with pytest.raises(ImageUnreadable, match=r"holds 0 pictures.*from 12 pictures on"):
        read_pictures(tmp_path)


def test_a_section_that_does_not_exist_is_refused():
    with pytest.raises(InvalidRequest, match="no section 'beauty'; there are: segmenter"):
        wanted(arguments("--embedded", "--only", "codec,beauty"))


def test_without_films_one_sentence_says_what_needs_them(capsys):
    assert main(["evaluate", "--embedded"]) == 2

    assert "--data DIR" in capsys.readouterr().err
