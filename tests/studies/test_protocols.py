"""Protocols are files that people edit: read back equal, and refused with the place."""

import pytest

from app.studies import protocols
from app.studies.errors import StudyError
from app.studies.model import Question


@pytest.mark.parametrize("name", ["rating", "turing", "pair", "preference", "edit", "two-phase"])
def test_a_protocol_that_ships_is_read_and_written_back_equal(name):
    protocol = protocols.shipped(name)

    assert protocol.name == name
    assert protocols.parse(protocols.as_yaml(protocol), "again") == protocol


def edited(old: str, new: str) -> str:
    text = (protocols.FOLDER / "turing.yaml").read_text("utf-8")
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("version: 1", "version: 1\ncolour: red", "has 'colour', which is not known"),
        ("title: Visual Turing test\n", "", "lacks 'title'"),
        ("gap: 20", "gap: twenty", "order, gap must be a whole number"),
        ("gap: 20", "gap: true", "order, gap must be a whole number"),
        ("kind: marks", "kind: sound", "no kind of question 'sound'"),
        ("positive_from: 4", "positive_from: 9", "must be an answer of its scale"),
        ("question: source,", "question: colour,", "has no question 'colour'"),
        ("measure: accuracy", "measure: luck", "no measure 'luck'"),
        ("version: 1", "version: 1\nversion: 2", "'version' is written twice"),
        ("parts:", "parts: [", "is not valid YAML"),
        ("title: Visual", "title: !!python/name:os.system Visual", "is not valid YAML"),
        ("kind: single", "kind: pair", "cannot have the pairing none"),
        ("- name: remark", "- name: source", "'source' is there twice"),
    ],
)
def test_an_edited_protocol_that_is_wrong_is_refused_with_the_place(old, new, told):
    with pytest.raises(StudyError, match=told):
        protocols.parse(edited(old, new), "turing.yaml")


def test_ratings_come_before_the_question_of_real_or_synthetic():
    first, second = protocols.shipped("two-phase").parts

    assert not any(question.positive_from for question in first.questions)
    assert any(question.positive_from for question in second.questions)


def test_what_a_reader_reads_before_the_disclosure_says_nothing_of_synthesis():
    protocol = protocols.shipped("two-phase")
    first = protocols.as_yaml(protocol.parts[0])
    words = " ".join([protocol.instructions, protocol.consent, first]).lower()

    assert not any(word in words for word in ("synthetic", "generated", "real", "fake", "model"))


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("scale", [1, 3], [0, 4, "2", 2.0, True, None]),
        ("tags", [[], ["b"], ["a", "c"]], [["d"], ["a", "a"], "a", None]),
        ("choice", ["a"], ["d", 1, None]),
        ("yes_no", [True, False], [1, "yes", None]),
        ("text", ["", "words"], [None, "x" * 4001]),
        ("side", ["left", "right"], ["tie", "up", None]),
        (
            "marks",
            [[], [{"x": 0, "y": 1.0}], [{"x": 0.2, "y": 0.3, "tag": "a"}]],
            [[{"x": 1.2, "y": 0}], [{"x": 0}], [{"x": 0, "y": 0, "tag": "z"}], [{}, {}, {}], 3],
        ),
    ],
)
def test_only_answers_of_the_question_are_taken(kind, good, bad):
    anchors = ("a", "b", "c") if kind in ("scale", "tags", "choice", "marks") else ()
    question = Question("q", kind, "What?", anchors, most=2 if kind == "marks" else 0)

    for value in good:
        question.check(value)
    for value in bad:
        with pytest.raises(StudyError, match="not an answer"):
            question.check(value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("gap: 20", "gap: twenty"),
        ("kind: marks", "kind: sound"),
        ("measure: accuracy", "measure: luck"),
        ("version: 1", "version: 1\ncolour: red"),
        ("version: 1", "version: 1\nversion: 2"),
        ("positive_from: 4", "positive_from: four"),
        ("title: Visual Turing test", "title: [Visual"),
    ],
)
def test_the_error_has_the_line_that_is_wrong(old, new):
    text = edited(old, new)
    wrong = new.splitlines()[-1].split(":")[0].strip()

    with pytest.raises(StudyError) as told:
        protocols.parse(text, "turing.yaml")

    at = told.value.line
    near = "\n".join(text.splitlines()[max(0, at - 4) : at + 1])
    assert wrong in near and str(told.value).startswith(f"Line {at}: ")
