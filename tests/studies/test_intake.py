"""Pictures come into a draft beside everything else that changes it."""

import time
from dataclasses import replace

import numpy as np
import pytest

from app.studies.errors import StudyError
from app.studies.intake import Intake, keep_cases, last_check, treatment_of
from app.studies.model import Case
from app.studies.pictures import Treatment, from_pixels
from app.studies.shelf import Shelf
from tests.studies.films import film
from tests.studies.small import study

SMALL = Treatment(side=128)


@pytest.fixture
def store(tmp_path):
    shelf = Shelf(tmp_path / "studies")
    yield shelf.begin(replace(study(), cases=()), "")
    shelf.close()


def pictures(count, source="model-a"):
    return [
        from_pixels(Case(f"{source}-{n}", source, source != "hospital"), film(n, 160))
        for n in range(count)
    ]


def finish(intake, store):
    """The task of the study at its end."""
    for _ in range(6000):
        task = intake.task(store.folder.name)
        assert task is not None
        if task["state"] != "running":
            return task
        time.sleep(0.01)
    raise AssertionError("the task did not end")


def test_what_is_added_has_its_picture_its_treatment_and_a_check(tmp_path, store):
    intake = Intake(tmp_path / "in")
    intake.add(store, lambda: pictures(3), SMALL)
    task = finish(intake, store)

    assert (task["state"], task["done"], task["total"]) == ("done", 3, 3)
    cases = store.study().cases
    assert all((store.folder / "pictures" / f"{case.sha256}.png").is_file() for case in cases)
    assert treatment_of(store) == SMALL
    check = last_check(store)
    assert check is not None and check["current"] and check["counts"]


def test_a_failure_is_a_sentence_and_the_draft_is_as_before(tmp_path, store):
    def wrong():
        raise StudyError("Row 3 of cases.csv: there is no such file.")

    intake = Intake(tmp_path / "in")
    intake.add(store, wrong, SMALL)
    task = finish(intake, store)

    assert (task["state"], task["sentence"]) == (
        "failed",
        "Row 3 of cases.csv: there is no such file.",
    )
    assert store.study().cases == ()


def test_what_is_saved_meanwhile_is_kept(store):
    """The draft changes between preparation and saving: both changes are there."""
    store.save_draft(replace(store.study(), ethics="given meanwhile"))
    keep_cases(store, [Case("a-1", "a", True, sha256="1" * 64)])

    assert store.study().ethics == "given meanwhile"
    assert [case.case_id for case in store.study().cases] == ["a-1"]


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (Case("a-1", "a", True, sha256="2" * 64), "has a case 'a-1' already"),
        (Case("a-2", "a", True, sha256="1" * 64), "is in the study already, as a-1"),
    ],
)
def test_a_name_or_a_picture_that_is_there_is_not_added_again(store, case, told):
    keep_cases(store, [Case("a-1", "a", True, sha256="1" * 64)])

    with pytest.raises(StudyError, match=told):
        keep_cases(store, [case])
    assert len(store.study().cases) == 1


def test_a_check_of_other_pictures_is_not_current(tmp_path, store):
    intake = Intake(tmp_path / "in")
    intake.add(store, lambda: pictures(3), SMALL)
    finish(intake, store)
    cases = store.study().cases

    store.save_draft(replace(store.study(), cases=(replace(cases[0], role="catch"), *cases[1:])))

    check = last_check(store)
    assert check is not None and not check["current"]


def test_pictures_of_a_frozen_study_are_refused_before_anything_is_read(tmp_path, store):
    store.save_draft(study())
    store.freeze()

    with pytest.raises(StudyError, match="frozen"):
        Intake(tmp_path / "in").add(store, lambda: pytest.fail("read"), SMALL)


def test_the_films_of_these_tests_differ():
    assert not np.array_equal(film(0, 64), film(1, 64))
