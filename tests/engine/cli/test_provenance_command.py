"""``python -m engine provenance`` and the ledger that the other commands write."""

import hashlib
import json

import pytest

from engine.cli.main import main
from engine.images import write_png
from engine.ledger import entries
from engine.provenance import write_picture
from tests.engine.cli.fake_engine import FakeEngine
from tests.engine.test_invisible import film
from tests.engine.test_origin import GENERATED, MADE


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XREAL_DATA", str(tmp_path / "data"))
    write_picture("ours.png", MADE, GENERATED, {})
    write_png("marked.png", MADE, 8)
    write_png("plain.png", film(8), 8)
    (tmp_path / "text.png").write_text("no picture")
    return tmp_path


@pytest.mark.parametrize(
    ("files", "status"),
    [
        (["ours.png", "marked.png"], 0),
        (["ours.png", "plain.png"], 3),
        (["plain.png", "text.png", "ours.png"], 2),
        (["missing.png"], 2),
        (["."], 2),
    ],
)
def test_the_exit_status_tells_synthetic_from_nothing_from_unreadable(desk, files, status, capsys):
    assert main(["provenance", *files]) == status
    told = capsys.readouterr()
    assert all(name in told.out + told.err for name in files if name != ".")


def test_json_says_it_to_programs(desk, capsys):
    status = main(["provenance", "ours.png", "marked.png", "plain.png", "text.png", "--json"])

    answer = json.loads(capsys.readouterr().out)
    assert status == 2
    assert answer["status"] == "failed"
    assert [file["found"] for file in answer["files"]] == [
        "recipe",
        "mark",
        "nothing",
        "unreadable",
    ]
    assert answer["files"][0]["recipe"]["verb"] == "generate"
    assert answer["files"][1]["mark"]["false_alarm"] < 1e-6
    assert answer["files"][2]["mark"]["found"] is False


def run(*argv: str) -> int:
    return main(argv, lambda **options: FakeEngine())


def test_every_file_that_a_command_writes_is_in_the_ledger(desk):
    assert run("generate", "--count", "2", "-o", "a.png", "--recipe", "r.json", "--quiet") == 0
    assert run("shape", "-o", "organs.png") == 0
    assert run("segment", "plain.png", "-o", "read.png", "--quiet") == 0
    assert run("replay", "a-1.png", "-o", "again.png", "--quiet") == 0

    found = entries(desk / "data" / "ledger.jsonl")

    names = ["a-1.png", "r-1.json", "a-2.png", "r-2.json", "organs.png", "read.png", "again.png"]
    kinds = ["png", "recipe", "png", "recipe", "organs", "organs", "png"]
    assert [e["kind"] for e in found] == kinds
    assert [e["file"] for e in found] == [
        hashlib.sha256((desk / name).read_bytes()).hexdigest() for name in names
    ]
    assert found[0]["recipe"] == found[1]["recipe"] == found[6]["recipe"]


def test_a_ledger_that_cannot_be_written_is_said_and_the_file_is_there(desk, monkeypatch, capsys):
    (desk / "occupied").write_text("a file where the folder should be")
    monkeypatch.setenv("XREAL_DATA", str(desk / "occupied"))

    assert run("shape", "-o", "organs.png") == 0

    assert (desk / "organs.png").exists()
    assert "ledger of exports cannot be written" in capsys.readouterr().err
