"""Every kind of training, two steps long, on made-up films."""

import argparse
import json

import pytest
import torch

from engine.networks.small import load_embedded
from engine.training.command import TRAINERS, add_arguments, run

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
