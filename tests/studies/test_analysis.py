"""What counts in a result, and what does not."""

from dataclasses import replace

import numpy as np
import pytest

from app.studies.analysis import analyse
from app.studies.analysis.data import Data, plain, repeated, table_of
from app.studies.analysis.decisions import two_areas
from app.studies.analysis.models import accuracy_by_model
from app.studies.design import make_design
from app.studies.errors import StudyError
from app.studies.model import Reading
from app.studies.statistics.areas import areas_and_covariance
from app.studies.statistics.cumulative import cumulative_logit
from tests.studies.small import study


def answered(made, value, skip=lambda trial: False, question="source"):
    """Data in which every trial is answered with ``value(trial, case)``."""
    design = make_design(made)
    cases = {case.case_id: case for case in made.cases}
    readings = tuple(
        Reading(t.reader_id, t.trial_id, question, value(t, cases[t.left_case]), "", 5.0)
        for t in design.trials
        if not skip(t)
    )
    return Data(design, readings)


def right(trial, case):
    return 6 if case.synthetic else 1


def result(data):
    return analyse(data)["parts"]["turing"]["source"]


def test_readers_who_are_always_right_have_accuracy_and_area_one():
    found = result(answered(study(), right))

    assert found["accuracy"]["headline"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert found["area"]["value"] == 1.0
    assert [row.get("fooling_rate", {}).get("value") for row in found["sources"]] == [None, 0, 0]
    assert not found["accuracy"]["indistinguishable"]


def test_repeats_practice_and_catch_trials_change_no_accuracy():
    made = study()
    extra = (
        replace(made.cases[1], case_id="p", scene="", role="practice"),
        replace(made.cases[1], case_id="c", scene="", role="catch"),
    )

    def wrong_where_it_must_not_count(trial, case):
        hidden = trial.repeat_of or trial.practice
        return 1 if hidden and case.synthetic else right(trial, case)

    data = answered(replace(made, cases=made.cases + extra), wrong_where_it_must_not_count)

    assert any(trial.repeat_of for trial in data.design.trials)
    assert result(data)["accuracy"]["headline"]["value"] == 1.0
    assert result(data)["case_count"] == len(made.cases)


def test_a_case_that_one_reader_has_not_read_is_left_out_for_all_and_counted():
    def skipped(trial):
        return trial.reader_id == "R02" and trial.left_case == "ours-3"

    found = result(answered(study(), right, skipped))

    assert (found["case_count"], found["cases_not_read_by_all"]) == (35, 1)


def test_a_reader_left_out_counts_in_nothing():
    data = answered(study(), lambda t, c: right(t, c) if t.reader_id != "R02" else 7 - right(t, c))
    assert result(data)["accuracy"]["headline"]["value"] == pytest.approx(2 / 3)

    found = analyse(replace(data, excluded={"R02": "asleep"}))

    assert found["parts"]["turing"]["source"]["accuracy"]["headline"]["value"] == 1.0
    assert found["readers_left_out"] == {"R02": "asleep"}
    with pytest.raises(StudyError, match="nothing to analyse"):
        analyse(replace(data, excluded=dict.fromkeys(("R01", "R02", "R03"), "gone")))


def test_first_and_second_answers_are_paired_by_what_was_shown():
    data = answered(study(), lambda trial, case: 5 if trial.repeat_of else 2)

    pairs = repeated(data, "turing", "source", plain)

    assert set(pairs) == {"R01", "R02", "R03"}
    assert all(both == (2.0, 5.0) for one in pairs.values() for both in one)


def test_two_sources_of_the_same_scenes_are_compared_in_pairs_of_cases():
    """The covariance is DeLong's over scenes, done here in one call on stacked scores."""
    rng = np.random.default_rng(5)
    data = answered(study(scenes=14), lambda trial, case: int(rng.integers(1, 7)))
    table = table_of(data, "turing", "source", plain)

    figures, covariance, matched = two_areas(table, ("ours", "theirs"))

    scenes = [case[0].scene for case in table.cases]
    ordered = {
        name: sorted(np.flatnonzero(table.sources == name), key=lambda n: scenes[n])
        for name in ("ours", "theirs")
    }
    positive = np.concatenate([table.values[:, ordered[name]] for name in ("ours", "theirs")])
    negative = np.tile(table.values[:, ~table.synthetic], (2, 1))
    wanted = areas_and_covariance(positive, negative)
    assert matched
    assert figures.ravel() == pytest.approx(wanted[0])
    assert covariance.reshape(6, 6) == pytest.approx(wanted[1])


def test_sources_of_other_scenes_are_compared_as_independent():
    made = study(scenes=14)
    apart = tuple(
        replace(case, scene=case.case_id if case.source == "theirs" else case.scene)
        for case in made.cases
    )
    rng = np.random.default_rng(5)
    data = answered(replace(made, cases=apart), lambda trial, case: int(rng.integers(1, 7)))
    table = table_of(data, "turing", "source", plain)

    _, covariance, matched = two_areas(table, ("ours", "theirs"))

    from app.studies.statistics.areas import components

    _, negative = components(
        table.values[:, table.sources == "ours"], table.values[:, ~table.synthetic]
    )
    _, other = components(
        table.values[:, table.sources == "theirs"], table.values[:, ~table.synthetic]
    )
    shared = np.cov(negative, other)[:3, 3:] / negative.shape[1]
    assert not matched
    assert covariance[0, :, 1, :] == pytest.approx(shared)


def test_a_rating_has_an_ordinal_model_of_its_own_table_with_the_real_source_as_reference():
    rng = np.random.default_rng(9)
    made = study("rating", scenes=20)

    def rate(trial, case):
        own = int(case.case_id.rpartition("-")[2]) % 3 + (trial.reader_id == "R02")
        return int(np.clip(round(2.4 + own - 0.6 * case.synthetic + rng.normal()), 1, 5))

    data = answered(made, rate, question="anatomy")
    found = analyse(data)["parts"]["rating"]["anatomy"]["model"]

    table = table_of(data, "rating", "anatomy", plain)
    who, what = np.divmod(np.arange(table.values.size), len(table.items))
    named = table.sources[what]
    predictors = np.stack([named == "ours", named == "theirs"], axis=1).astype(float)
    wanted = cumulative_logit(table.values.ravel(), predictors, who, what)
    assert found["reference"] == "hospital"
    assert [row["source"] for row in found["rows"]] == ["ours", "theirs"]
    for row, effect, error in zip(found["rows"], wanted.effects, wanted.errors, strict=True):
        assert row["odds_ratio"]["value"] == pytest.approx(np.exp(effect)) and effect < 0
        assert row["odds_ratio"]["high"] == pytest.approx(np.exp(effect + 1.959964 * error))


def test_the_logistic_model_s_mean_accuracy_is_the_share_that_was_seen_where_nobody_differs():
    """48 of 72 pictures right for each of three readers who disagree at random: 2/3."""
    rng = np.random.default_rng(3)
    correct = np.array([rng.permutation([1.0] * 48 + [0.0] * 24) for _ in range(3)])

    found = accuracy_by_model(correct, 0.95)

    assert found["accuracy"]["value"] == pytest.approx(2 / 3, abs=0.01)
    assert found["accuracy"]["low"] < 2 / 3 < found["accuracy"]["high"]
    assert found["reader_sd"] == pytest.approx(0, abs=0.01)


def test_where_a_model_has_no_estimates_the_result_says_why():
    found = result(answered(study(), right))["model"]

    assert "all answers are the same" in found["note"]
    assert "one reader" in accuracy_by_model(np.array([[1.0, 0.0, 1.0]]), 0.95)["note"]
