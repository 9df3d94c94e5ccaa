import threading

import numpy as np
import pytest

from app.runs.job import Job
from app.runs.jobs import Jobs
from app.runs.loading import Loading
from app.runs.waiting import PER_SESSION
from engine.api import Finding, GenerateRequest, Progress, Sampling
from engine.errors import InvalidRequest, OutOfMemory
from tests.app.fake_engine import FakeEngine

ME, OTHER = "me-0123456789", "other-0123456789"


def table(engine):
    loading = Loading(lambda: engine)
    loading.start()
    jobs = Jobs(loading)
    jobs.start()
    return jobs


def one(seed=0):
    return (GenerateRequest(sampling=Sampling(seed=seed)),)


def until(holds):
    """Wait for a condition; a minute is for machines that are busy."""
    for _ in range(6000):
        if holds():
            return
        threading.Event().wait(0.01)
    raise AssertionError("this never came")


def numbered():
    """A keep function that answers 1, 2, 3 and remembers what it kept."""
    kept = []

    def keep(result, request):
        kept.append(result)
        return len(kept)

    return keep, kept


def test_a_run_ends_with_the_numbers_of_its_states():
    jobs = table(FakeEngine())
    keep, kept = numbered()

    jobs.submit("job-0001", ME, "generate", (*one(1), *one(2)), keep)
    view = jobs.wait("job-0001", ME)

    assert (view.state, view.results, view.sentence) == ("done", (1, 2), "")
    assert [result.request.sampling.seed for result in kept] == [1, 2]
    assert view.seeds == {1: 1, 2: 2}
    assert jobs.expected_seconds("generate") is not None


def test_progress_and_preview_can_be_read_while_it_runs():
    engine = FakeEngine()
    reached, go_on = threading.Event(), threading.Event()
    picture = np.full((8, 8), 0.5, np.float32)

    def run(request, on_event):
        on_event(Progress("anatomy", 2, 10, picture))
        reached.set()
        go_on.wait(10)
        return FakeEngine.run(engine, request, on_event)

    engine.run = run
    jobs = table(engine)
    jobs.submit("job-0001", ME, "generate", one(), numbered()[0])
    reached.wait(10)
    view = jobs.view("job-0001", ME)
    seen = jobs.preview("job-0001", ME)
    go_on.set()

    assert (view.state, view.stage, view.done, view.total) == ("running", "anatomy", 2, 10)
    assert view.preview_version == 1 and seen is picture
    assert jobs.wait("job-0001", ME).state == "done"
    assert jobs.preview("job-0001", ME) is None


def test_the_time_that_is_left_counts_the_stages_and_pictures_to_come():
    mask = np.ones((32, 32), np.float32)
    organs = np.ones((32, 32), np.uint8)
    two = GenerateRequest(
        organs=organs, findings=tuple(Finding(text=text, mask=mask) for text in ("a", "b"))
    )
    job = Job("job-0001", ME, "generate", (two, two), lambda *_: 1, asked=two)
    assert job.seconds_by_pace(100.0) == 0.0

    job.stage_started, job.done, job.total = 100.0, 2, 10  # the chest: 2 s a step
    assert job.seconds_by_pace(104.0) == 2 * (8 + 10 + 10 + 30)

    job.results, job.stages = [1], [("chest", 20.0), ("a", 20.0), ("chest", 20.0)]
    job.done = 5  # the first finding of the second picture
    assert job.seconds_by_pace(110.0) == 2 * (5 + 10)

    job.results, job.stages, job.stage = [1], [("chest", 20.0), ("a", 20.0)], "b"
    assert job.seconds_by_pace(110.0) == 2 * 5  # chest and first finding were kept


def test_a_run_stops_at_its_next_step_and_says_where():
    engine = FakeEngine()
    engine.stop_at = ("generated", 2)
    jobs = table(engine)
    keep, kept = numbered()
    jobs.submit("job-0001", ME, "generate", one(), keep)
    until(lambda: jobs.view("job-0001", ME).done == 2)

    jobs.stop("job-0001", ME)
    engine.release()
    view = jobs.wait("job-0001", ME)

    assert (view.state, view.sentence) == ("stopped", "Stopped at step 2 of 4.")
    assert kept == []


def test_a_stop_that_overtakes_its_run_still_stops_it():
    engine = FakeEngine()
    jobs = table(engine)

    jobs.stop("job-0001", ME)
    assert jobs.view("job-0001", ME).state == "stopped"
    jobs.submit("job-0001", ME, "generate", one(), numbered()[0])

    assert jobs.view("job-0001", ME).state == "stopped"
    assert engine.requests == []


def test_the_finished_stages_of_a_stopped_run_are_kept():
    engine = FakeEngine()
    picture = np.full((8, 8), 0.5, np.float32)
    kept = []

    def run(request, on_event):
        on_event(Progress("anatomy", 9, 10, picture))
        on_event(Progress("anatomy", 10, 10, picture))
        jobs.stop("job-0001", ME)
        on_event(Progress("effusion", 1, 10, picture))

    engine.run = run
    jobs = table(engine)
    jobs.submit(
        "job-0001", ME, "generate", one(7), numbered()[0],
        lambda stages, request: kept.append(([s for s, _ in stages], request.sampling.seed)),
    )  # fmt: skip

    assert jobs.wait("job-0001", ME).state == "stopped"
    assert kept == [(["anatomy"], 7)]


def test_a_queued_run_knows_how_many_are_ahead_and_can_be_stopped():
    engine = FakeEngine()
    engine.gate.clear()
    jobs = table(engine)
    for n in range(3):
        jobs.submit(f"job-000{n}", ME, "generate", one(n), numbered()[0])
    until(lambda: jobs.view("job-0000", ME).state == "running")

    assert jobs.view("job-0002", ME).ahead == 2
    jobs.stop("job-0001", ME)
    assert jobs.view("job-0001", ME).state == "stopped"
    assert jobs.view("job-0002", ME).ahead == 1

    engine.gate.set()
    assert jobs.wait("job-0002", ME).state == "done"
    assert len(engine.requests) == 2


def test_the_queue_is_bounded():
    engine = FakeEngine()
    engine.gate.clear()
    jobs = table(engine)
    jobs.submit("job-first", ME, "generate", one(), numbered()[0])
    until(lambda: jobs.view("job-first", ME).state == "running")
    for n in range(PER_SESSION):
        jobs.submit(f"job-wait{n}", ME, "generate", one(), numbered()[0])

    with pytest.raises(InvalidRequest, match="waiting already"):
        jobs.submit("job-over1", ME, "generate", one(), numbered()[0])
    jobs.close()
    engine.gate.set()


def test_a_run_is_seen_and_stopped_by_its_owner_only():
    engine = FakeEngine()
    engine.gate.clear()
    jobs = table(engine)
    jobs.submit("job-0001", ME, "generate", one(), numbered()[0])

    foreign = jobs.view("job-0001", OTHER)
    jobs.stop("job-0001", OTHER)
    engine.gate.set()

    assert foreign.state == "unknown"
    assert jobs.wait("job-0001", ME).state == "done"


def test_the_same_id_runs_once():
    jobs = table(FakeEngine())
    jobs.submit("job-0001", ME, "generate", one(), numbered()[0])
    with pytest.raises(InvalidRequest, match="already sent"):
        jobs.submit("job-0001", ME, "generate", one(), numbered()[0])


def test_variations_that_were_finished_before_stop_are_kept():
    engine = FakeEngine()
    jobs = table(engine)
    keep, _ = numbered()

    def stop_after_the_first(result, request):
        jobs.stop("job-0001", ME)
        return keep(result, request)

    jobs.submit("job-0001", ME, "generate", (*one(1), *one(2)), stop_after_the_first)
    view = jobs.wait("job-0001", ME)

    assert (view.state, view.results) == ("stopped", (1,))
    assert view.sentence == "Stopped at picture 2 of 2."
    assert len(engine.requests) == 1, "the second one began"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (InvalidRequest("The region is empty."), "The region is empty."),
        (OutOfMemory("graphics card", 11.2, 7.9), "7.9 GiB"),
        (MemoryError(), "not enough memory"),
        (OSError(28, "No space left on device"), "The disk is full"),
        (ZeroDivisionError("secret of Mr Doe"), "Incident"),
    ],
)
def test_a_failure_is_a_sentence_and_the_next_run_works(fault, said):
    engine = FakeEngine(fails_with=fault)
    jobs = table(engine)
    jobs.submit("job-0001", ME, "generate", one(), numbered()[0])
    view = jobs.wait("job-0001", ME)

    assert view.state == "failed" and said in view.sentence
    assert "Doe" not in view.sentence

    engine.fails_with = None
    jobs.submit("job-0002", ME, "generate", one(), numbered()[0])
    assert jobs.wait("job-0002", ME).state == "done"


def test_a_run_waits_for_the_models_and_can_be_stopped_meanwhile():
    loaded = threading.Event()

    def slow():
        loaded.wait(10)
        return FakeEngine()

    loading = Loading(slow)
    jobs = Jobs(loading)
    loading.start()
    jobs.start()
    jobs.submit("job-0001", ME, "generate", one(), numbered()[0])
    jobs.submit("job-0002", ME, "generate", one(), numbered()[0])
    jobs.stop("job-0001", ME)

    assert jobs.wait("job-0001", ME).state == "stopped"
    loaded.set()
    assert jobs.wait("job-0002", ME).state == "done"


def test_models_that_cannot_be_loaded_fail_each_run_with_the_reason():
    def broken():
        raise InvalidRequest("The embedded model 'codec' is missing.")

    loading = Loading(broken)
    jobs = Jobs(loading)
    loading.start()
    jobs.start()
    jobs.submit("job-0001", ME, "generate", one(), numbered()[0])

    assert jobs.wait("job-0001", ME).sentence == "The embedded model 'codec' is missing."
    assert loading.failure == "The embedded model 'codec' is missing."


@pytest.mark.parametrize("id", ["", "short", "a" * 65, "../../etc", "job 0001"])
def test_an_id_that_no_page_makes_is_refused(id):
    with pytest.raises(InvalidRequest):
        table(FakeEngine()).submit(id, ME, "generate", one(), numbered()[0])


def test_an_errand_waits_for_the_runs_and_its_fault_stops_nothing():
    engine = FakeEngine()
    engine.gate.clear()
    jobs = table(engine)
    keep, kept = numbered()
    jobs.submit("job-0001", ME, "generate", one(1), keep)
    jobs.submit("job-0002", OTHER, "generate", one(2), keep)
    seen, done = [], threading.Event()

    def fail(engine):
        raise RuntimeError("an errand that fails")

    def count(engine):
        seen.append(len(kept))
        done.set()

    jobs.errand(fail)
    jobs.errand(count)
    engine.gate.set()

    assert done.wait(20)
    assert seen == [2], "it came before a run"
    jobs.submit("job-0003", ME, "generate", one(3), keep)
    assert jobs.wait("job-0003", ME).state == "done"
