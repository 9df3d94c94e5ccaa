"""The order of trials keeps its promises exactly, and comes again from its seed."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from app.studies.design import design_from, differences, make_design
from app.studies.documents import to_document
from app.studies.errors import StudyError
from app.studies.ordering import balanced_sides, williams_square
from tests.studies.small import study

NAMES = ["rating", "turing", "pair", "preference", "edit"]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", ["pair", "preference", "edit"])
def test_every_reader_has_each_kind_of_picture_on_either_side_equally_often(name, seed):
    design = make_design(study(name, scenes=16, readers=4, gap=4, seed=seed))
    first_source = {case.case_id: (case.synthetic, case.source) for case in design.study.cases}

    for reader in design.study.readers:
        trials = design.of_reader(reader.reader_id)
        on_left = [first_source[t.left_case] < first_source[t.right_case] for t in trials]
        assert on_left.count(True) == on_left.count(False)


def test_two_readers_in_a_row_see_every_pair_on_opposite_sides():
    design = make_design(study("pair", scenes=16, readers=4, gap=4))
    left = [
        {frozenset((t.left_case, t.right_case)): t.left_case for t in trials if not t.repeat_of}
        for trials in (design.of_reader(f"R0{n}") for n in range(1, 5))
    ]

    assert all(left[0][pair] != left[1][pair] for pair in left[0])
    assert all(left[2][pair] != left[3][pair] for pair in left[2])


def test_a_pair_that_comes_again_changes_sides():
    design = make_design(study("pair", scenes=16, gap=4))
    trials = {trial.trial_id: trial for trial in design.trials}
    again = [trial for trial in design.trials if trial.repeat_of]

    assert again
    assert all(trial.left_case == trials[trial.repeat_of].right_case for trial in again)


def test_an_odd_number_of_sides_differs_by_one_and_the_next_reader_evens_it():
    strata = list("aaabbbb")
    one = balanced_sides(strata, np.random.default_rng(5), flipped=False)
    other = balanced_sides(strata, np.random.default_rng(5), flipped=True)

    assert abs(2 * sum(one) - 7) == 1
    assert [not side for side in one] == other


@pytest.mark.parametrize("name", NAMES)
def test_pictures_of_one_scene_are_the_promised_number_of_trials_apart(name):
    design = make_design(study(name, scenes=16, gap=6))
    scenes = {case.case_id: case.scene or case.case_id for case in design.study.cases}

    for reader in design.study.readers:
        last: dict[str, int] = {}
        for trial in design.of_reader(reader.reader_id):
            for scene in {scenes[c] for c in (trial.left_case, trial.right_case) if c}:
                assert trial.position - last.get(scene, -99) >= 6
                last[scene] = trial.position


def test_a_gap_that_cannot_be_kept_is_refused_and_not_shortened():
    with pytest.raises(StudyError, match="must be 30 trials apart"):
        make_design(study("turing", scenes=12, gap=30))


@pytest.mark.parametrize("name", NAMES)
def test_every_reader_reads_every_case_once_and_repeats_after_their_first_showing(name):
    design = make_design(study(name, scenes=16, gap=4))
    shown = []
    for reader in design.study.readers:
        trials = design.of_reader(reader.reader_id)
        items = [frozenset((t.left_case, t.right_case)) for t in trials if not t.repeat_of]
        position = {t.trial_id: t.position for t in trials}
        assert max(Counter(items).values()) == 1
        assert [t.position for t in trials] == list(range(1, len(trials) + 1))
        assert all(position[t.repeat_of] < t.position for t in trials if t.repeat_of)
        shown.append(set(items))

    assert all(one == shown[0] for one in shown)


def test_every_block_holds_its_share_of_sources():
    design = make_design(study("turing", scenes=40, gap=8))
    sources = {case.case_id: case.source for case in design.study.cases}

    for reader in design.study.readers:
        trials = [t for t in design.of_reader(reader.reader_id) if not t.repeat_of]
        for start in range(0, 120, 30):
            counts = Counter(sources[t.left_case] for t in trials[start : start + 30])
            assert all(5 <= counts[source] <= 15 for source in set(sources.values()))


@pytest.mark.parametrize("conditions", [2, 3, 4, 5, 6])
def test_in_a_williams_square_every_condition_follows_every_other_equally_often(conditions):
    rows = williams_square(conditions)
    follows = Counter((a, b) for row in rows for a, b in pairwise(row))
    places = Counter((n, one) for row in rows for n, one in enumerate(row))

    assert len(set(follows.values())) == 1 and len(follows) == conditions * (conditions - 1)
    assert len(set(places.values())) == 1 and len(places) == conditions**2


def test_sources_one_after_the_other_come_in_the_order_of_the_square():
    made = study("rating", scenes=12, readers=6, gap=4)
    order = replace(made.protocol.order, by_source=True, repeats=0.0)
    design = make_design(replace(made, protocol=replace(made.protocol, order=order)))
    sources = {case.case_id: case.source for case in made.cases}
    seen = []
    for reader in made.readers:
        shown = [sources[t.left_case] for t in design.of_reader(reader.reader_id)]
        runs = [one for n, one in enumerate(shown) if n == 0 or shown[n - 1] != one]
        seen.append(tuple(runs))

    assert all(len(runs) == 3 for runs in seen)
    assert len(set(seen)) == 6


def test_the_same_seed_gives_the_same_design_and_another_seed_another():
    one, same, other = (make_design(study(seed=seed)) for seed in (7, 7, 8))

    assert one == same and one.sha256 == same.sha256
    assert one.sha256 != other.sha256


def test_a_stored_design_is_read_back_with_its_hash_and_one_moved_trial_is_seen():
    design = make_design(study())
    assert design_from(to_document(design)).sha256 == design.sha256
    assert differences(design) == []

    a, b, *rest = design.trials
    swapped = replace(
        design,
        trials=(
            replace(a, left_case=b.left_case),
            replace(b, left_case=a.left_case),
            *rest,
        ),
    )

    assert swapped.sha256 != design.sha256
    assert "Trial R01-001" in differences(swapped)[0]


def test_the_second_phase_shows_the_same_pictures_in_another_order():
    design = make_design(study("two-phase", scenes=16, readers=1, gap=4))
    phases = [
        [t.left_case for t in design.trials if t.part == part and not t.repeat_of]
        for part in ("quality", "turing")
    ]

    assert sorted(phases[0]) == sorted(phases[1])
    assert phases[0] != phases[1]


def test_a_real_partner_has_the_finding_of_the_synthetic_picture():
    made = study("pair", scenes=12, gap=4)
    apart = tuple(replace(case, scene=case.case_id) for case in made.cases)
    design = make_design(replace(made, cases=apart))
    cases = {case.case_id: case for case in apart}

    for trial in design.trials:
        left, right = cases[trial.left_case], cases[trial.right_case]
        assert left.finding == right.finding and left.synthetic != right.synthetic


def test_practice_comes_first_and_is_no_part_of_the_count_of_blocks():
    made = study("turing", scenes=12)
    practice = tuple(
        replace(case, case_id=f"practice-{n}", scene="", role="practice")
        for n, case in enumerate(made.cases[:4])
    )
    design = make_design(replace(made, cases=made.cases + practice))

    for reader in made.readers:
        trials = design.of_reader(reader.reader_id)
        assert [trial.practice for trial in trials] == [True] * 4 + [False] * 40
        assert trials[4].block == trials[4].session == 1
        assert [trial.block for trial in trials[4:]] == [1] * 20 + [2] * 20


def test_every_catch_case_is_shown_once_to_every_reader():
    made = study("turing", scenes=12)
    catch = (
        replace(made.cases[0], case_id="real", scene="", role="catch"),
        replace(made.cases[1], case_id="fake", scene="", role="catch"),
    )
    design = make_design(replace(made, cases=made.cases + catch))

    for reader in made.readers:
        caught = [t.left_case for t in design.of_reader(reader.reader_id) if t.catch]
        assert sorted(caught) == ["fake", "real"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cases": ()}, "No cases fit"),
        ({"readers": ()}, "has no reader"),
    ],
)
def test_a_study_without_cases_or_readers_is_refused(change, told):
    with pytest.raises(StudyError, match=told):
        make_design(replace(study(), **change))
