"""What stands out while a study runs, from times and answers alone."""

import pytest

from app.studies.simulation import Modelled, ModelledReaders, simulated_study
from app.studies.watching import flags_of, watched
from tests.studies.small import opened


def test_a_reader_who_answers_faster_and_faster_is_flagged_with_the_figures():
    assert flags_of([20.0] * 20 + [9.0] * 20, [1, 2] * 20) == [
        "The last 20 cases took 9 s each, the first 20 s."
    ]
    assert flags_of([20.0] * 20 + [11.0] * 20, [1, 2] * 20) == []


def test_cases_of_less_than_two_seconds_are_flagged_from_a_tenth_on():
    assert flags_of([1.9] * 2 + [9.0] * 10, []) == ["2 of 12 cases took less than 2 s."]
    assert flags_of([1.9] + [9.0] * 10, []) == []


@pytest.mark.parametrize(("run", "flagged"), [(11, False), (12, True)])
def test_the_same_answer_again_and_again_is_flagged(run, flagged):
    found = flags_of([], [5, 3] + [4] * run + [1])

    assert found == ([f"The same answer came {run} times in a row."] if flagged else [])


def test_of_a_running_study_times_and_flags_are_known_and_no_truth(tmp_path):
    study = simulated_study("turing", 2, 20, 1)
    store = opened(tmp_path / "study", study)
    modelled = ModelledReaders(study, Modelled(), 1)
    trials = {trial.trial_id: trial for trial in store.design().trials}
    while shown := store.for_reader("R01"):
        trial = trials[shown.trial_id]
        store.show("R01", trial.trial_id)
        store.submit(
            "R01", trial.trial_id, modelled.answers(study.protocol.parts[0], trial), trial.trial_id
        )

    found = watched(store.log, study)

    assert found["median"] is not None and found["median"] < 2
    assert found["readers"]["R01"]["flags"][0].startswith("20 of 20 cases took less than")
    assert found["readers"]["R02"] == {"too_fast": 0, "flags": []}
