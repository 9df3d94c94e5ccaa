"""What a reader's browser is given is the same whatever the truth is."""

from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from app.studies.documents import canonical, to_document
from app.studies.errors import StudyError
from app.studies.model import Trial
from app.studies.views import ReaderTrial
from tests.studies.small import opened, plain_answer, study


def everything_for(store, reader_id):
    """All texts that one reader's page is given from the first trial to the last.

    The finding that a rating asks about is the one thing that belongs to the case; it is left out
    here, and whether it is matched over sources is what the check of balance is for.
    """
    texts = []
    while shown := store.for_reader(reader_id):
        text = canonical(to_document(shown))
        texts.append(text.replace("effusion", "FINDING").replace("opacity", "FINDING"))
        answers = {one.name: plain_answer(one) for one in shown.questions if one.required}
        store.submit(reader_id, shown.trial_id, answers, f"x-{shown.trial_id}")
    return texts


def with_another_truth(made, seed):
    """The same study in which which picture is what was drawn again at random."""
    order = np.random.default_rng(seed).permutation(len(made.cases))
    shuffled = [made.cases[n] for n in order]
    return replace(
        made,
        cases=tuple(
            replace(other, case_id=case.case_id, edit_of="", sha256=case.sha256)
            for case, other in zip(made.cases, shuffled, strict=True)
        ),
    )


@pytest.mark.case(57)
@pytest.mark.parametrize("protocol", ["rating", "turing", "two-phase"])
def test_no_byte_for_a_reader_depends_on_the_truth(tmp_path, protocol):
    made = study(protocol, scenes=16, readers=1, gap=3)
    texts = [
        everything_for(opened(tmp_path / str(n), one), "R01")
        for n, one in enumerate([made, with_another_truth(made, 1), with_another_truth(made, 2)])
    ]

    assert len(texts[0]) > 40
    assert texts[0] == texts[1] == texts[2]


@pytest.mark.case(57)
def test_no_word_of_the_truth_is_in_what_a_reader_gets(tmp_path):
    made = study("pair", scenes=8, readers=1, gap=3)
    text = " ".join(everything_for(opened(tmp_path, made), "R01"))
    words = {word for case in made.cases for word in (case.case_id, case.source, case.scene)}

    assert not any(word in text for word in words | {made.title, made.study_id, "catch", "repeat"})


@pytest.mark.case(57)
def test_a_reader_s_view_has_no_field_of_the_truth():
    hidden = {"left_case", "right_case", "stratum", "repeat_of", "catch"}

    assert hidden < {field.name for field in fields(Trial)}
    assert not hidden & {field.name for field in fields(ReaderTrial)}


def test_names_of_pictures_never_come_twice(tmp_path):
    design = opened(tmp_path, study("pair", scenes=16, gap=4)).design()
    names = [name for trial in design.trials for name in (trial.left, trial.right)]

    assert len(set(names)) == len(names) and all(len(name) == 24 for name in names)


@pytest.mark.case(57)
def test_only_pictures_of_the_open_and_the_next_trial_are_given(tmp_path):
    made = study(readers=2)
    cases = tuple(
        replace(case, sha256=f"{n:064x}", origin={"prompt": "secret"})
        for n, case in enumerate(made.cases)
    )
    store = opened(tmp_path, replace(made, cases=cases))
    trials = store.design().of_reader("R01")
    by_id = {case.case_id: case for case in cases}

    for trial in trials[:2]:
        assert store.picture("R01", trial.left).stem == by_id[trial.left_case].sha256
    others = [trials[2].left, store.design().of_reader("R02")[0].left, "", "../study.sqlite"]
    for name in others:
        with pytest.raises(StudyError, match="no such picture"):
            store.picture("R01", name)


@pytest.mark.case(57)
def test_errors_for_readers_name_no_case(tmp_path):
    store = opened(tmp_path)
    for call in (
        lambda: store.submit("R01", "R01-002", {"source": 1}, "x"),
        lambda: store.picture("R01", "y"),
        lambda: store.readings(),
    ):
        with pytest.raises(StudyError) as error:
            call()
        assert not any(case.case_id in str(error.value) for case in store.study().cases)


def test_the_disclosure_is_not_sent_before_its_part_begins(tmp_path):
    store = opened(tmp_path, study("two-phase", scenes=16, readers=1, gap=3))
    second = store.study().protocol.parts[1]
    before_disclosure = []
    while (shown := store.for_reader("R01")) and shown.part == 1:
        before_disclosure.append(canonical(to_document(shown)))
        answers = {one.name: plain_answer(one) for one in shown.questions if one.required}
        store.submit("R01", shown.trial_id, answers, f"x-{shown.trial_id}")

    assert not any("synthetic" in text for text in before_disclosure)
    assert asdict(shown)["before"] == second.before
