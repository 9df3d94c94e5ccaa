"""The process of the models ends, hangs and does not listen; the page and what waits go on."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from app.document.measuring import measured
from app.document.session import Session, State
from app.runs.channel import Broken, arrays_of, pack, unpack
from app.runs.jobs import Jobs
from app.runs.loading import Loading
from app.runs.lost import GivenUp
from app.runs.worker import GIVE_UP, Patience, Worker
from app.settings import Settings
from engine.api import EraseRequest, GenerateRequest, InsertRequest, Sampling
from engine.errors import InvalidRequest

ME, OTHER = "me-0123456789", "other-0123456789"
SHORT = Patience(silent=4, idle=4, reading=60, stop=1, pause=0.02)
SOON = 60  # seconds; a busy machine takes its time


class Studio:
    """Worker, models and table, as ``app.main`` puts them together."""

    def __init__(self, data, opener="opened", patience=SHORT):
        self.worker = Worker(f"tests.app.fallible:{opener}", Settings(data=data), patience)
        self.loading = Loading(lambda: self.worker.open("embedded"))
        self.worker.on_end = self.loading.again
        self.jobs = Jobs(self.loading)
        self.kept = []
        self.loading.start()
        self.jobs.start()

    def send(self, id, report="", owner=ME, count=1):
        def keep(result, request):
            self.kept.append((id, result))
            return len(self.kept)

        requests = tuple(
            GenerateRequest(report=report, sampling=Sampling(seed=n)) for n in range(count)
        )
        self.jobs.submit(id, owner, "generate", requests, keep)

    def run(self, id, report="", owner=ME):
        self.send(id, report, owner)
        return self.jobs.wait(id, owner)

    def until(self, holds):
        end = time.monotonic() + SOON
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.01)

    def at_step(self, id, step=1, owner=ME):
        self.until(lambda: self.jobs.view(id, owner).done >= step)

    def close(self):
        self.jobs.close()
        self.worker.close()


@pytest.fixture
def studio(tmp_path):
    running = Studio(tmp_path)
    yield running
    running.close()


@pytest.mark.case(50)
@pytest.mark.parametrize("how", ["die", "segfault"])
def test_a_run_whose_process_dies_is_lost_and_the_next_one_is_made(studio, how):
    lost = studio.run("job-0001", how)
    assert (lost.state, lost.results) == ("lost", ())
    assert "ended in the middle of this run" in lost.sentence
    assert "Nothing else is lost" in lost.sentence

    assert studio.run("job-0002").state == "done"
    assert [id for id, _ in studio.kept] == ["job-0002"], "a lost run was made again by itself"


@pytest.mark.case(50)
@pytest.mark.parametrize("how", ["hang", "freeze"])
def test_a_process_that_stands_still_is_replaced(studio, how):
    first = studio.worker
    assert studio.run("job-0001").state == "done"
    pid = first.pid

    lost = studio.run("job-0002", how)

    assert lost.state == "lost" and "because it stood still" in lost.sentence
    assert studio.run("job-0003").state == "done"
    assert studio.worker.pid != pid


@pytest.mark.case(50)
def test_what_waits_stays_in_the_queue_while_the_process_is_replaced(studio):
    studio.send("job-0001", "slow")
    for n in range(3):
        studio.send(f"job-wait{n}")
    studio.at_step("job-0001")
    os.kill(studio.worker.pid, signal.SIGKILL)

    assert studio.jobs.wait("job-0001", ME).state == "lost"
    assert [studio.jobs.wait(f"job-wait{n}", ME).state for n in range(3)] == ["done"] * 3


@pytest.mark.case(51)
def test_a_reload_while_another_waits_gives_everyone_their_own_picture(studio):
    """One at work, another in the queue; the first reloads and finds the run again."""
    studio.send("job-mine", "slow", ME)
    studio.send("job-other", "", OTHER)
    studio.at_step("job-mine")

    assert studio.jobs.active(ME) == "job-mine" and studio.jobs.active(OTHER) == "job-other"
    assert studio.jobs.view("job-mine", OTHER).state == "unknown"
    assert studio.jobs.preview("job-mine", OTHER) is None

    mine, other = studio.jobs.wait("job-mine", ME), studio.jobs.wait("job-other", OTHER)
    assert (mine.state, other.state) == ("done", "done")
    assert [(id, result.request.report) for id, result in studio.kept] == [
        ("job-mine", "slow"),
        ("job-other", ""),
    ]
    assert mine.results == (1,) and other.results == (2,)


def test_pictures_that_were_finished_before_the_end_are_kept(studio):
    ids = []

    def keep(result, request):
        ids.append(request.sampling.seed)
        return len(ids)

    requests = (GenerateRequest(), GenerateRequest(report="die", sampling=Sampling(seed=1)))
    studio.jobs.submit("job-0001", ME, "generate", requests, keep)
    view = studio.jobs.wait("job-0001", ME)

    assert (view.state, view.results, ids) == ("lost", (1,), [0])


def test_a_process_that_ends_between_runs_loses_nothing(studio):
    assert studio.run("job-0001").state == "done"
    os.kill(studio.worker.pid, signal.SIGKILL)

    assert studio.run("job-0002").state == "done"


@pytest.mark.case(49)
def test_stop_is_heard_at_the_next_step(studio):
    studio.send("job-0001", "slow")
    studio.at_step("job-0001")
    studio.jobs.stop("job-0001", ME)
    studio.jobs.stop("job-0001", ME)

    assert studio.jobs.wait("job-0001", ME).state == "stopped"
    pid = studio.worker.pid
    again = studio.run("job-0002", "what is left")
    assert again.state == "done" and studio.worker.pid == pid, "Stop cost the models"
    assert studio.kept[-1][1].notes == ("0 left",), "memory of the stopped run is still held"
    studio.jobs.stop("job-0002", ME)
    assert studio.jobs.view("job-0002", ME).state == "done"
    assert [id for id, _ in studio.kept] == ["job-0002"]


@pytest.mark.case(49)
@pytest.mark.parametrize("how", ["deaf", "hang"])
def test_a_run_that_ignores_stop_has_its_process_replaced(studio, how):
    studio.send("job-0001", how)
    studio.at_step("job-0001")
    pid = studio.worker.pid
    studio.jobs.stop("job-0001", ME)

    assert studio.jobs.wait("job-0001", ME).state == "stopped"
    assert studio.run("job-0002").state == "done"
    assert studio.worker.pid != pid


@pytest.mark.case(48)
def test_what_ran_out_of_memory_is_told_and_its_memory_is_free(studio):
    failed = studio.run("job-0001", "memory")
    assert (failed.state, failed.memory) == ("failed", ("graphics card", 11.2, 7.9))

    assert studio.run("job-0002", "what is left").state == "done"
    assert studio.kept[-1][1].notes == ("0 left",)


def test_a_fault_is_an_incident_and_its_words_stay_away_from_log_and_page(studio, caplog):
    failed = studio.run("job-0001", "fault")

    assert failed.state == "failed" and "Incident" in failed.sentence
    assert "Doe" not in failed.sentence + caplog.text
    assert "ZeroDivisionError" in caplog.text and "fallible.py" in caplog.text


def test_loading_is_tried_again_where_the_process_ends_in_it(tmp_path):
    studio = Studio(tmp_path, "dying_twice")
    assert studio.run("job-0001").state == "done"
    assert (tmp_path / "tried").read_text() == "xxx"
    studio.close()


def test_after_ends_in_a_row_it_waits_for_a_person(tmp_path):
    studio = Studio(tmp_path, "dying")
    studio.until(lambda: studio.loading.state == "failed")
    assert (tmp_path / "tried").read_text() == "x" * GIVE_UP
    assert studio.loading.given_up
    assert f"ended {GIVE_UP} times in a row" in studio.loading.failure

    view = studio.run("job-0001")  # the person presses Run
    assert view.state == "failed" and "times in a row" in view.sentence
    assert (tmp_path / "tried").read_text() == "x" * 2 * GIVE_UP
    studio.close()


def test_the_pause_doubles_with_each_end_in_a_row(tmp_path, monkeypatch):
    pauses = []
    worker = Worker("tests.app.fallible:dying", Settings(data=tmp_path), SHORT)
    wait = worker._closed.wait
    monkeypatch.setattr(worker._closed, "wait", lambda s: pauses.append(s) or wait(0))
    with pytest.raises(GivenUp):
        worker.open("embedded")
    assert pauses == [0, 0, 0.02, 0.04, 0.08]
    worker.close()


def test_models_can_be_changed_while_the_process_lives(studio):
    assert studio.run("job-0001").state == "done"
    pid, ended = studio.worker.pid, threading.Event()
    studio.loading.change(lambda: studio.worker.open("xreal"), lambda _: ended.set())
    assert ended.wait(SOON)
    assert studio.run("job-0002").state == "done" and studio.worker.pid == pid


def test_a_picture_that_ends_the_process_is_not_measured_again(studio, monkeypatch):
    session = Session("a" * 24)
    image = np.zeros((64, 64), np.float32)
    session.add(
        lambda n: State(number=n, name="Opened", kind="opened", image=image, bits=8, origin="real")
    )
    assert studio.run("job-0001").state == "done"
    monkeypatch.setattr("app.document.measuring.SegmentRequest", lambda image: request("die"))

    assert measured(studio.jobs, session, 1) == {}
    monkeypatch.undo()
    assert measured(studio.jobs, session, 1) == {}
    assert studio.run("job-0002").state == "done"


def request(report):
    return GenerateRequest(report=report)


def test_the_process_ends_with_the_page_even_in_the_middle_of_a_run(tmp_path):
    code = (
        "import sys, threading, pathlib; from tests.app.test_worker import Studio;"
        f"studio = Studio(pathlib.Path({str(tmp_path)!r}));"
        "studio.send('job-0001', 'deaf'); studio.at_step('job-0001');"
        "print(studio.worker.pid, flush=True); threading.Event().wait()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as page:
        assert page.stdout is not None
        pid = int(page.stdout.readline())
        page.kill()
    end = time.monotonic() + SOON
    while running(pid):
        assert time.monotonic() < end, "it outlives the page"
        time.sleep(0.02)


def running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123, a process of ours that may be gone
        return file.read().rpartition(")")[2].split()[0] != "Z"


def test_a_picture_that_a_run_leaves_alone_stays_the_same_array():
    image, mask = np.zeros((64, 64), np.float32), np.zeros((64, 64), np.float32)
    mask[3] = 1
    sent = EraseRequest(image=image, mask=mask)
    there = unpack(pack(sent))
    assert there.image is not image and np.array_equal(there.mask, mask)

    back = unpack(pack({"image": there.image, "new": mask + 1}, arrays_of(there)), arrays_of(sent))

    assert back["image"] is image
    assert np.array_equal(back["new"], mask + 1)


@pytest.mark.parametrize("evil", [os.system, subprocess.Popen, InvalidRequest, eval, __import__])
def test_a_process_gone_astray_cannot_have_the_page_run_something(evil):
    class Runs:
        def __reduce__(self):
            return evil, ("true",)

    with pytest.raises(Broken):
        unpack(pack(Runs()))


def test_requests_cross_whole():
    finding_mask = np.zeros((64, 64), np.float32)
    finding_mask[1, 2] = 1
    from engine.api import Finding

    sent = InsertRequest(
        image=np.random.default_rng(0).random((64, 64), np.float32),
        findings=(Finding(text="effusion", mask=finding_mask, guidance=2.5),),
        sampling=Sampling(seed=2**40, quality="fine"),
    )
    got = unpack(pack(sent))
    assert got.findings[0].guidance == 2.5 and got.sampling == sent.sampling
    assert got.image.tobytes() == sent.image.tobytes()
