"""``python -m engine report``: what is read in a report, and what the model makes of it."""

import io
import json

import pytest

from engine.cli.main import main
from tests.engine.cli.fake_engine import FakeEngine

REPORT = "Possible small left effusion. No pneumothorax. Hiatal hernia."


def run(*argv: str) -> int:
    return main(("report", *argv), lambda **options: FakeEngine(**options))


def test_a_report_is_told_finding_by_finding(capsys):
    assert run(REPORT) == 0

    told = capsys.readouterr()
    effusion, pneumothorax, hernia, prompt = (line.split() for line in told.out.splitlines())
    assert effusion == ["effusion", "small", "left", "uncertain", "drawn", "as", "effusion"]
    assert pneumothorax == ["pneumothorax", "absent"]
    assert hernia[:2] == ["hernia", "present"] and "not drawn" in " ".join(hernia)
    assert prompt == ["The", "model", "reads:", "effusion", "left"]
    assert "The model 'stand-in' cannot draw: hiatal hernia." in told.err


def test_a_report_is_told_to_programs(capsys):
    assert run(REPORT, "--json") == 0

    answer = json.loads(capsys.readouterr().out)
    assert (answer["status"], answer["command"]) == ("done", "report")
    assert answer["prompt"] == "effusion left"
    assert answer["mentions"][0] == {
        "finding": "effusion",
        "side": "left",
        "zone": None,
        "certainty": "uncertain",
        "degree": "small",
        "words": [20, 28],
        "said": "effusion",
        "drawn": "effusion",
    }
    assert [m["drawn"] for m in answer["mentions"]] == ["effusion", None, None]
    assert any("hiatal hernia" in note for note in answer["notes"])


def test_a_report_comes_from_a_file_or_from_stdin(tmp_path, monkeypatch, capsys):
    path = tmp_path / "report.txt"
    path.write_text("INDICATION: cough.\nFINDINGS: Consolidation, right base.", "utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(path.read_text("utf-8")))

    assert run(str(path), "--json") == 0
    assert run("-", "--json") == 0

    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first == second
    assert first["prompt"] == "consolidation right lower"
    assert first["passed_over"] == ["indication"]


@pytest.mark.parametrize("text", ["", "zeppelin", "🫁", "a" * 5000, "Pas d'épanchement.\n"])
def test_a_text_without_findings_is_no_fault(text, capsys):
    assert run(text) == 0

    assert capsys.readouterr().out.startswith("No finding was read.\nThe model reads: nothing\n")


def test_a_file_that_cannot_be_read_gets_one_sentence(tmp_path, capsys):
    (tmp_path / "odd.txt").write_bytes(b"\xff\xfe\x00effusion")
    (tmp_path / "huge.txt").write_bytes(b"a" * 1_000_001)

    for name, sentence in {
        "none.txt": "There is no file 'none.txt'.",
        "odd.txt": "'odd.txt' is not a text file in UTF-8.",
        "huge.txt": "'huge.txt' is too large for a report",
    }.items():
        assert run(str(tmp_path / name)) == 2
        assert capsys.readouterr().err.startswith(sentence)
