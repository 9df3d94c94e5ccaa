"""The studies of a program: whose they are, what is listed, and two tabs at once."""

import threading
from dataclasses import replace

import pytest

from app.studies.errors import StudyError
from app.studies.shelf import Shelf
from tests.studies.small import study


@pytest.fixture
def shelf(tmp_path):
    made = Shelf(tmp_path / "studies")
    yield made
    made.close()


def test_a_study_has_a_free_name_made_of_its_title(shelf):
    first = shelf.begin(replace(study(), title="Réalisme, modèle A"), "")
    second = shelf.begin(replace(study(), title="Réalisme, modèle A"), "")

    assert first.folder.name == first.study().study_id == "realisme-modele-a"
    assert second.folder.name == "realisme-modele-a-2"


def test_a_study_belongs_to_its_user_and_is_not_there_for_another(shelf):
    name = shelf.begin(study(), "anna").folder.name

    assert [one.study_id for one in shelf.list_of("anna")] == [name]
    assert shelf.list_of("ben") == []
    assert shelf.of_user(name, "anna").study().title == "A small study"
    with pytest.raises(StudyError, match="no such study"):
        shelf.of_user(name, "ben")
    with pytest.raises(StudyError, match="no such study"):
        shelf.of_user("..", "anna")


def test_a_code_finds_its_study_among_several(shelf):
    codes = {}
    for title in ("One", "Two"):
        store = shelf.begin(replace(study(), title=title), "")
        codes[store.folder.name] = store.issue_codes()["R02"]

    assert shelf.sign_in(codes["two"]) == ("two", "R02")
    assert shelf.sign_in(codes["one"].lower()) == ("one", "R02")
    with pytest.raises(StudyError, match="not known"):
        shelf.sign_in("R02-AAAA-AAAA")


def test_a_damaged_study_is_listed_with_what_is_wrong_and_hides_no_other(shelf):
    shelf.begin(replace(study(), title="Whole"), "")
    shelf.begin(replace(study(), title="Broken"), "")
    shelf.close()
    (shelf.folder / "broken" / "study.sqlite").write_bytes(b"no database at all" * 100)

    listed = {one.study_id: one for one in shelf.list_of("")}

    assert "not a study file or is damaged" in listed["broken"].fault
    assert listed["whole"].phase == "draft" and not listed["whole"].fault


def test_a_draft_is_removed_and_a_frozen_study_is_not(shelf):
    shelf.begin(replace(study(), title="Draft"), "")
    shelf.begin(replace(study(), title="Kept"), "").freeze()

    shelf.remove_draft("draft", "")
    with pytest.raises(StudyError, match="record is kept"):
        shelf.remove_draft("kept", "")

    assert [one.study_id for one in shelf.list_of("")] == ["kept"]


def test_of_two_tabs_the_second_to_save_is_told_and_the_first_is_kept(shelf):
    store = shelf.begin(study(), "")
    seen = store.version

    store.save_draft(replace(store.study(), ethics="first tab"), seen)
    with pytest.raises(StudyError, match="changed elsewhere"):
        store.save_draft(replace(store.study(), ethics="second tab"), seen)

    assert store.study().ethics == "first tab"


def test_of_two_tabs_that_freeze_at_once_one_does_and_one_is_told(shelf):
    store = shelf.begin(study(), "")
    told: list[str] = []

    def freeze() -> None:
        try:
            told.append(store.freeze())
        except StudyError as error:
            told.append(str(error))

    both = [threading.Thread(target=freeze) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert len(store.log.events("kind = 'frozen'")) == 1
    assert sum(len(one) == 64 for one in told) == 1
    assert store.phase == "frozen"
