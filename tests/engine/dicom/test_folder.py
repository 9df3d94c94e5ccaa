"""A folder of films on the command line: plain facts, nothing that names anybody, no early end."""

import json
import logging
import os

import pytest

from engine.cli import folder
from engine.cli.main import main
from engine.dicom import child, gate, reading
from engine.dicom.keeping import packed, unpacked
from engine.dicom.listing import refused
from engine.dicom.parsing import film_of
from tests.engine.dicom.films import SC, chest, film
from tests.engine.dicom.test_canaries import CANARY, canary_film, marks_in


@pytest.fixture
def films(tmp_path, monkeypatch):
    """Two films of which one lies deeper, a text, a CT picture and a film that was cut off."""
    monkeypatch.setenv("XREAL_DATA", str(tmp_path / "data"))
    found = tmp_path / "films"
    (found / "b").mkdir(parents=True)
    (found / "a").write_bytes(film(ViewPosition="PA"))
    (found / "b" / "film").write_bytes(film(chest(96, 80, 255), 8, SOPClassUID=SC))
    (found / "c").write_bytes(b"a text")
    (found / "d").write_bytes(film(SOPClassUID="1.2.840.10008.5.1.4.1.1.2"))
    (found / "e").write_bytes(film()[:-9])
    return found


def run(*argv):
    return main([*map(str, argv)])


def test_each_file_is_one_line_and_refusals_do_not_end_the_list(films, capsys):
    assert run("dicom", films) == 0

    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0] == "1: CR, PA, 40 x 48 px, 12 bits"
    assert lines[1] == "2: SC, view not stated, 80 x 96 px, 8 bits"
    assert lines[2].startswith("3: This is not a picture")
    assert lines[3].startswith("4: This is a CT picture")
    assert lines[4].startswith("5: The DICOM file was cut off") and len(lines) == 5
    assert said.err.startswith("3 files are not films that can be opened: 1 x: ")


def test_in_json_the_facts_are_numbers_and_words_of_closed_lists(films, capsys):
    assert run("dicom", films, "--json") == 0

    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "done"
    assert told["films"] == [
        {"number": 1, "kind": "CR", "view": "PA", "width": 40, "height": 48, "bits": 12},
        {"number": 2, "kind": "SC", "view": None, "width": 80, "height": 96, "bits": 8},
    ]
    assert [one["number"] for one in told["refused"]] == [3, 4, 5]


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_a_folder_without_a_film_is_bad_input(tmp_path, capsys, extra):
    (tmp_path / "a").write_bytes(b"a text")
    assert run("dicom", tmp_path, *extra) == 2
    assert "holds no film that can be opened. 1 file is not" in capsys.readouterr().err


def test_more_files_than_are_listed_are_a_sentence(films, capsys, monkeypatch):
    monkeypatch.setattr(folder, "MOST_FILES", 4)
    assert run("dicom", films) == 2
    assert "more than 4 files" in capsys.readouterr().err


def test_a_pipe_and_a_link_to_a_folder_are_left_out(films, tmp_path):

    if not hasattr(os, "mkfifo"):
        pytest.skip("needs named pipes")
    os.mkfifo(films / "pipe")
    (films / "again").symlink_to(films, target_is_directory=True)
    names = [path.relative_to(films).as_posix() for path in folder.files_in(films)]
    assert names == ["a", "b/film", "c", "d", "e"]


@pytest.mark.own_process
def test_no_word_of_a_film_and_no_name_of_a_file_is_told(tmp_path, capfd, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    place = tmp_path / CANARY
    place.mkdir()
    whole = canary_film()
    (place / f"{CANARY} 1").write_bytes(whole)
    (place / f"{CANARY} 2").write_bytes(whole[: len(whole) // 2])
    asked = []
    monkeypatch.setattr(reading, "_answer", counting(asked))

    assert run("dicom", place) == run("dicom", place, "--json") == 0

    said = capfd.readouterr()
    assert "CR, view not stated, 40 x 48 px" in said.out and "1 file is not a film" in said.err
    assert marks_in((said.out + said.err + caplog.text).encode()) == []
    assert len(asked) == 2  # whole films only, each in a process of its own


def counting(asked):
    from tests.engine.dicom.conftest import in_own_process

    def answer(data):
        asked.append(len(data))
        return in_own_process(data)

    return answer


@pytest.mark.parametrize(
    ("stated", "told"),
    [("PA", "PA"), ("AP", "AP"), ("LL", "LL"), ("RL", "RL"), ("KANARI", ""), (None, "")],
)
def test_a_view_is_one_of_a_closed_list(stated, told):
    ds = film() if stated is None else film(ViewPosition=stated)
    found = film_of(gate.outline(ds))
    assert found.view == told
    assert unpacked(packed(found)).view == ""  # a document does not keep it


def test_a_document_cannot_bring_a_view_along():
    found = packed(film_of(gate.outline(film())))
    strange = found.replace(b'{"bits_allocated"', b'{"view": "KANARI", "bits_allocated"', 1)
    assert strange != found and unpacked(strange).view == ""


def test_reasons_are_counted_in_one_line():
    assert refused([]) == ""
    one = refused(["This is a CT picture. Opened are others."])
    assert one == "1 file is not a film that can be opened: This is a CT picture."
    many = refused(["A. x", "B.", "B. y"])
    assert many == "3 files are not films that can be opened: 2 x: B. 1 x: A."


def test_the_child_that_decodes_is_asked_for_each_film(films, monkeypatch):
    asked = []
    monkeypatch.setattr(reading, "_answer", lambda data: asked.append(1) or child.answer(data))
    run("dicom", films)
    assert len(asked) == 3  # the text and what was cut off never get there
