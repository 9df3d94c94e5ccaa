import json

import pytest

from engine.cli.main import main


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XREAL_DATA", str(tmp_path))


def test_the_models_that_ship_are_listed_with_what_they_know(capsys):
    assert main(["models", "list", "--json"]) == 0

    models = {m["name"]: m for m in json.loads(capsys.readouterr().out)["models"]}
    assert {"segmenter", "codec", "diffusion", "shapes"} <= set(models)
    assert "effusion" in models["diffusion"]["knows"]
    assert models["codec"]["licence"] == "Apache-2.0"


def test_the_models_that_ship_are_what_was_shipped(capsys):
    assert main(["models", "verify"]) == 0

    assert "The embedded model 'codec' is as it was shipped." in capsys.readouterr().out


def test_the_import_folder_is_named(tmp_path, capsys):
    assert main(["models", "where", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["published"] == str(tmp_path / "models")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "There is no file"), (b"<!DOCTYPE html>", "web page"), (b"", "empty")],
)
def test_a_file_that_is_no_model_gets_one_sentence(tmp_path, capsys, content, sentence):
    path = tmp_path / "weights.pt"
    if content is not None:
        path.write_bytes(content)

    assert main(["models", "import", str(path)]) == 2

    told = capsys.readouterr().err
    assert sentence in told
    assert told.count("\n") == 1
