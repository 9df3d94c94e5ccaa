"""Every kind of training, two steps long, on made-up films."""

import argparse
import json

import pytest
import torch

from engine.errors import CheckpointRefused
from engine.networks.linear_codec import LinearCodec
from engine.networks.small import load_embedded
from engine.training.command import TRAINERS, add_arguments, run
from engine.training.package import write_model

NETWORKS = ("segmenter", "codec", "controller", "diffusion", "upscaler", "judge")
KINDS = (*NETWORKS, "shapes")


def train(kind, out, *more):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([kind, "--out", str(out), "--smoke", *more]))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("models")
    codes = {kind: train(kind, out) for kind in KINDS}
    return out, codes


def test_every_kind_is_tried(trained):
    assert set(TRAINERS) == set(KINDS)
    assert set(trained[1].values()) == {0}


@pytest.mark.parametrize("kind", NETWORKS)
def test_what_is_written_loads_back_strictly(trained, kind):
    network = load_embedded(trained[0] / f"{kind}.json")

    assert not network.training
    assert all(torch.isfinite(p).all() for p in network.parameters())


def test_the_loss_is_finite_and_noted(trained):
    lines = (trained[0] / "work" / "diffusion" / "log.jsonl").read_text().splitlines()

    assert 0 < json.loads(lines[-1])["loss"] < 10


def test_weights_move(trained):
    out = trained[0]
    untrained = torch.load(out / "work" / "controller" / "state.pt", weights_only=True)
    assert untrained["step"] == 2
    before = untrained["parts"]["average"]["last.weight"]

    train("controller", out)
    train("controller", out, "--resume")

    after = torch.load(out / "work" / "controller" / "state.pt", weights_only=True)
    assert after["step"] == 2
    torch.testing.assert_close(after["parts"]["average"]["last.weight"], before)
    assert load_embedded(out / "controller.json").last.weight.abs().max() > 0


def test_training_goes_on_from_models(trained, tmp_path):
    first = torch.load(trained[0] / "work" / "upscaler" / "state.pt", weights_only=True)

    assert train("upscaler", tmp_path, "--from", str(trained[0])) == 0

    after = torch.load(tmp_path / "work" / "upscaler" / "state.pt", weights_only=True)
    key = "unet.conv_in.weight"
    begun = load_embedded(trained[0] / "upscaler.json").state_dict()[key]
    change = (after["parts"]["network"][key] - begun).abs().max()
    # Two warm-up steps move a weight by far less than other random weights would differ.
    assert change < 1e-3 < first["parts"]["network"][key].abs().max()


def test_models_of_another_architecture_are_refused(trained, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for file in trained[0].glob("codec*"):
        (other / file.name).write_bytes(file.read_bytes())
    description = json.loads((other / "codec.json").read_text())
    description["architecture"]["texture"] = [8, 8, 8]
    weights = LinearCodec(texture=(8, 8, 8)).state_dict()
    write_model(other, "codec", weights, {"architecture": description["architecture"]})

    with pytest.raises(CheckpointRefused, match="another architecture"):
        train("codec", tmp_path / "out", "--from", str(other))


def test_the_description_says_what_the_model_knows(trained):
    description = json.loads((trained[0] / "diffusion.json").read_text("utf-8"))

    assert "effusion" in description["knows"]["findings"]
    assert description["schedule"] == "zero_snr_cosine"
    assert (trained[0] / "vocab.txt").is_file()


def test_the_judge_tells_its_findings_and_how_well_it_knows_them(trained):
    description = json.loads((trained[0] / "judge.json").read_text("utf-8"))

    assert description["architecture"]["findings"][0] == "atelectasis"
    assert "measuring only" in description["use"]
    assert 0 <= description["figures"]["auc"]["effusion"] <= 1


def test_without_films_the_command_says_what_is_missing(tmp_path, caplog):
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    code = run(parser.parse_args(["codec", "--out", str(tmp_path)]))

    assert code == 2
    assert "--data" in caplog.text
