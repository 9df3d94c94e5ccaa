"""The commands answer in JSON, and with the code that scripts look at."""

import json

import pytest

from app.studies.cli import main
from tests.studies.small import opened, read_all


def test_simulate_keeps_a_study_whose_export_is_analysed_to_the_same_numbers(tmp_path, capsys):
    words = ["--readers", "2", "--trials", "24", "--seed", "1", "--json"]
    assert main(["simulate", *words, "--folder", str(tmp_path / "s")]) == 0
    simulated = json.loads(capsys.readouterr().out)

    assert main(["analyse", str(tmp_path / "s/export"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == simulated["results"]
    assert main(["verify", str(tmp_path / "s/study")]) == 0
    assert "as it was written" in capsys.readouterr().out


def test_verify_fails_where_a_file_was_edited_and_rebuild_makes_it_whole(tmp_path, capsys):
    store = opened(tmp_path / "study")
    read_all(store, "R01")
    store.close_file()
    (tmp_path / "study/study.sqlite").write_bytes(b"x" * 5000)

    assert main(["verify", str(tmp_path / "study"), "--json"]) == 1
    mirror = str(tmp_path / "study/events.jsonl")
    assert main(["rebuild", mirror, str(tmp_path / "new")]) == 0
    assert main(["verify", str(tmp_path / "new")]) == 0
    capsys.readouterr()


def test_coverage_is_told_for_the_table_and_for_the_size_that_was_asked(capsys):
    assert main(["simulate", "--readers", "4", "--trials", "30", "--studies", "5", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)

    sizes = [(row["readers"], row["cases"]) for row in answer["table"]]
    assert sizes == [(3, 60), (6, 60), (6, 100), (10, 100)]
    assert (answer["asked"]["readers"], answer["asked"]["cases"]) == (4, 30)
    assert set(answer["asked"]["coverage"]) == {"pooled", "bootstrap", "obuchowski_rockette"}


@pytest.mark.parametrize(
    "words", [["verify", "nowhere"], ["analyse", "nowhere"], ["simulate", "--trials", "3"]]
)
def test_what_cannot_be_done_is_refused_in_a_sentence(words, capsys):
    assert main(words) == 2

    told = capsys.readouterr()
    assert told.out == "" and told.err.strip().endswith(".") and "Traceback" not in told.err


def test_protocols_are_listed_and_written_as_yaml(capsys):
    assert main(["protocols", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) >= {"turing", "two-phase"}
    assert main(["protocols", "pair"]) == 0
    assert capsys.readouterr().out.startswith("name: pair\n")
