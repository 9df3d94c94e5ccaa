"""The table of runs. A run belongs here, not to a browser tab: closing the tab ends nothing.

The page makes the id of a job, so that Stop can name it while the request is still on its way.
One thread sends one job after another to the engine, the sessions taking turns; it looks at Stop
before it starts and at each step. A run whose process ends in the middle is lost and said to be: it
is never run again by itself, and what waits behind it goes on.
"""

import contextlib
import re
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from app import messages
from app.runs.job import BADLY, Job, JobState, JobView, Keep, KeepStages, Step
from app.runs.journal import Journal
from app.runs.loading import Engine, Loading
from app.runs.lost import Lost, NotBegun, with_the_program
from app.runs.waiting import Waiting
from engine.api import Pixels, Progress, Request, Result, SegmentRequest
from engine.errors import Cancelled, EngineError, InvalidRequest, OutOfMemory

Errand = Callable[[Engine], None]
ERRANDS = 64  # that wait; older ones are forgotten, the page asks again
REMEMBERED = 200  # ended jobs and early stops that are kept
PREVIEW_EVERY = 0.25  # seconds
NOT_BEGUN = "Stopped before it began."
STEP_SECONDS_WEIGHT = 0.5  # how much the newest run counts in the estimate of the next


class Jobs:
    def __init__(self, loading: Loading, journal: Journal | None = None):
        self._loading = loading
        self._journal = journal
        self._changed = threading.Condition()
        self._waiting: Waiting[Job] = Waiting()
        self._running: Job | None = None
        self._known: OrderedDict[tuple[str, str], Job] = OrderedDict()
        self._stopped_early: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._errands: deque[Errand] = deque(maxlen=ERRANDS)
        self._seconds: dict[str, float] = {}  # by kind: what one request took lately
        self._closed = False

    def errand(self, work: Errand) -> None:
        """Something short to do with the engine when no run waits; what it raises is logged."""
        with self._changed:
            self._errands.append(work)
            self._changed.notify_all()

    def start(self) -> None:
        threading.Thread(target=self._work, name="worker", daemon=True).start()

    def close(self) -> None:
        """Stop everything; for the end of the program."""
        with self._changed:
            self._closed = True
            for job in [*self._waiting.in_order(), *([self._running] if self._running else [])]:
                job.stop.set()
            self._changed.notify_all()

    def submit(
        self,
        id: str,
        owner: str,
        verb: str,
        requests: tuple[Step, ...],
        keep: Keep,
        keep_stages: KeepStages | None = None,
        *,
        parts: int = 1,
        kind: str = "",
        remarks: list[str] | None = None,
    ) -> None:
        """Put a job in the queue, or raise: a full queue, a malformed or used id.

        ``kind`` names runs that take equally long, the verb by default. ``remarks`` is a list that
        ``keep`` may add to: sentences for the end of the job.
        """
        self._loading.retry()
        job = Job(check_id(id), owner, verb, requests, keep, keep_stages, parts, kind)
        if remarks is not None:
            job.remarks = remarks
        self._enter(job)

    def refuse(self, id: str, owner: str, verb: str, sentence: str) -> None:
        """Note a job that could not even be queued, so that the page reads why from its id."""
        job = Job(check_id(id), owner, verb, (), kept)
        job.state, job.sentence = "failed", sentence
        with self._changed:
            self._known.setdefault((owner, id), job)

    def _enter(self, job: Job) -> None:
        with self._changed:
            key = (job.owner, job.id)
            if key in self._known or (self._journal and self._journal.lost(*key)):
                raise InvalidRequest("This run was already sent.")
            if key in self._stopped_early:
                job.state, job.sentence = "stopped", NOT_BEGUN
            else:
                self._waiting.put(job)
                if self._journal is not None:
                    try:
                        self._journal.begin(job.owner, job.id, job.verb)
                    except EngineError:
                        self._waiting.remove(job)
                        raise
            self._known[key] = job
            _forget_oldest(self._known, keep=lambda known: known.state in ("queued", "running"))
            self._changed.notify_all()

    def stop(self, id: str, owner: str) -> None:
        """Stop a job. An id that is not known yet is remembered: that job will not start."""
        check_id(id)
        with self._changed:
            job = self._known.get((owner, id))
            if job is None:
                self._stopped_early[(owner, id)] = None
                _forget_oldest(self._stopped_early)
            elif job.state == "queued":
                self._waiting.remove(job)
                job.state, job.sentence = "stopped", NOT_BEGUN
                self._forget(job)
                self._changed.notify_all()
            if job is not None:
                job.stop.set()

    def view(self, id: str, owner: str) -> JobView:
        with self._changed:
            job = self._known.get((owner, id))
            if job is None and (owner, id) in self._stopped_early:
                return JobView(state="stopped", sentence=NOT_BEGUN)
            if job is None and self._journal and (verb := self._journal.lost(owner, id)):
                return JobView(state="lost", verb=verb, sentence=with_the_program())
            return JobView() if job is None else self._view(job)

    def wait(self, id: str, owner: str) -> JobView:
        """The end of a job. Only for short ones: it holds the caller."""
        with self._changed:
            job = self._known[(owner, id)]
            self._changed.wait_for(lambda: job.state not in ("queued", "running"))
            return self._view(job)

    def preview(self, id: str, owner: str) -> Pixels | None:
        with self._changed:
            job = self._known.get((owner, id))
            return None if job is None else job.preview

    def active(self, owner: str) -> str | None:
        """The newest job of ``owner`` that has not ended, for a page that was reloaded."""
        with self._changed:
            for job in reversed(self._known.values()):
                if job.owner == owner and job.state in ("queued", "running"):
                    return job.id
        return None

    def failed_request(self, id: str, owner: str) -> Request | None:
        """What a failed job was about, for the details that a person may copy."""
        with self._changed:
            job = self._known.get((owner, id))
            return job.asked if job is not None and job.state in BADLY else None

    def expected_seconds(self, kind: str) -> float | None:
        """How long one request of ``kind`` took lately here, None before the first."""
        with self._changed:
            return self._seconds.get(kind)

    def _view(self, job: Job) -> JobView:
        return JobView(
            state=job.state,
            verb=job.verb,
            sentence=job.sentence,
            stage=job.stage,
            done=job.done,
            total=job.total,
            variation=at_picture(job),
            variations=job.count,
            seconds_left=self._seconds_left(job),
            ahead=len(self._ahead(job)),
            preview_version=job.preview_version,
            stages=tuple(job.stages),
            results=tuple(job.results),
            pictures=tuple(job.results[job.parts - 1 :: job.parts]),
            seeds=dict(job.seeds),
            remark=" ".join(job.remarks) if job.state == "done" else "",
            memory=job.memory,
        )

    def _ahead(self, job: Job) -> list[Job]:
        """The jobs that are carried out before one that waits, the running one first."""
        if job.state != "queued":
            return []
        order = self._waiting.in_order()
        return [*([self._running] if self._running else []), *order[: order.index(job)]]

    def _seconds_left(self, job: Job) -> float | None:
        """Until the end of a job that runs; until the beginning of one that waits."""
        if job.state == "queued":
            return self._seconds_ahead(job)
        return self._seconds_running(job) if job.state == "running" else None

    def _seconds_ahead(self, job: Job) -> float | None:
        found = 0.0
        for other in self._ahead(job):
            usual = self._seconds.get(other.kind or other.verb)
            rest = None if usual is None else usual * len(other.requests)
            if other is self._running:
                rest = self._seconds_running(other)
            if rest is None:
                return None
            found += rest
        return found

    def _seconds_running(self, job: Job) -> float | None:
        now = time.monotonic()
        usual = self._seconds.get(job.kind or job.verb)
        by_pace = job.seconds_by_pace(now)
        if usual is None:
            return by_pace if job.done > 1 else None
        rest = len(job.requests) - len(job.results)
        return max(by_pace, usual * rest - (now - job.started))

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready() or self._closed)
                if self._closed:
                    return
                job = self._begun() if len(self._waiting) else None
                errand = None if job else self._errands.popleft()
            if job is not None:
                self._end(job, *self._carry_out(job))
            elif errand is not None:
                self._run_errand(errand)

    def _ready(self) -> bool:
        errands = len(self._errands) > 0 and self._loading.state != "loading"
        return errands or len(self._waiting) > 0

    def _begun(self) -> Job:
        job = self._running = self._waiting.take()
        job.state, job.started = "running", time.monotonic()
        job.stage_started = job.started
        if self._loading.state == "loading":
            job.stage = "Loading the models"
        return job

    def _end(self, job: Job, state: JobState, sentence: str) -> None:
        with self._changed:
            job.state, job.sentence, job.preview = state, sentence, None
            # The pictures in them are in the session already; a failed one can be told of.
            job.requests, job.finished = (), []
            job.keep, job.keep_stages = kept, None  # they hold a whole document
            if state not in BADLY:
                job.asked = None
            self._running = None
            self._forget(job)
            self._changed.notify_all()

    def _forget(self, job: Job) -> None:
        """It has ended, and whatever it made is on the disk."""
        if self._journal is not None:
            self._journal.end(job.owner, job.id)

    def _run_errand(self, work: Errand) -> None:
        try:
            with self._loading.lent(threading.Event()) as engine:
                work(engine)
        except Exception as error:
            messages.sentence(error)  # faults are logged; nobody waits for an answer

    def _carry_out(self, job: Job) -> tuple[JobState, str]:
        try:
            self._take_steps(job)
        except Cancelled:
            keep_finished(job)
            return "stopped", stopped_sentence(job)
        except Lost as error:
            keep_finished(job)
            return "lost", str(error)
        except Exception as error:
            if isinstance(error, OutOfMemory):
                job.memory = (error.device, error.needed_gib, error.free_gib)
            return "failed", messages.sentence(error)
        return "done", ""

    def _take_steps(self, job: Job) -> None:
        """All steps of a job with the same models, where their process lives that long."""
        made: Pixels | None = None
        left = deque(job.requests)
        while left:
            # A step that had not begun when the process ended is done by the next one.
            with contextlib.suppress(NotBegun), self._loading.lent(job.stop) as engine:
                while left:
                    made = self._make(job, left[0], made, engine)
                    left.popleft()

    def _make(self, job: Job, step: Step, before: Pixels | None, engine: Engine) -> Pixels:
        """Carry out one step on what the step ``before`` it made; its picture."""
        begun = time.monotonic()
        with self._changed:
            job.started = job.stage_started = begun
            job.stage, job.done, job.total = "", 0, 0
            job.finished = []
        if job.stop.is_set():
            raise Cancelled
        if callable(step):
            assert before is not None  # the first step of a job is a request
            step = step(before)
        request = job.asked = step
        result = engine.run(request, lambda progress: self._note(job, progress))
        if job.stop.is_set():  # in the middle of the last step: nothing is kept
            raise Cancelled
        number = job.keep(result, request)
        self._learn(job.kind or job.verb, time.monotonic() - begun)
        with self._changed:
            job.results.append(number)
            if not isinstance(result.request, SegmentRequest):
                job.seeds[number] = result.request.sampling.seed
        return result.image

    def _note(self, job: Job, progress: Progress) -> None:
        if progress.done == progress.total and progress.preview is not None:
            job.finished.append((progress.stage, progress.preview))
        if job.stop.is_set():
            raise Cancelled
        now = time.monotonic()
        with self._changed:
            if progress.stage != job.stage:
                if job.stage and job.total:
                    job.stages.append((job.stage, round(now - job.stage_started, 1)))
                job.stage, job.stage_started = progress.stage, now
            job.done, job.total = progress.done, progress.total
            if progress.preview is not None and now - job.preview_at >= PREVIEW_EVERY:
                job.preview, job.preview_at = progress.preview, now
                job.preview_version += 1

    def _learn(self, kind: str, seconds: float) -> None:
        with self._changed:
            before = self._seconds.get(kind, seconds)
            self._seconds[kind] = before + STEP_SECONDS_WEIGHT * (seconds - before)


def kept(result: Result, request: Request) -> int:
    """Of a job that makes nothing, or nothing any more."""
    raise AssertionError("this job has ended")


def keep_finished(job: Job) -> None:
    """Keep the stages that were finished when a run ended too early."""
    if job.finished and job.keep_stages is not None and job.asked is not None:
        job.keep_stages(job.finished, job.asked)


def at_picture(job: Job) -> int:
    """The number, from 1, of the picture that a job is making."""
    return min(len(job.results) // job.parts + 1, job.count)


def stopped_sentence(job: Job) -> str:
    if job.count > 1:
        return f"Stopped at picture {at_picture(job)} of {job.count}."
    if job.total:
        return f"Stopped at step {job.done} of {job.total}."
    return "Stopped."


def check_id(id: str) -> str:
    if not isinstance(id, str) or not re.fullmatch(r"[0-9A-Za-z-]{8,64}", id):
        raise InvalidRequest("This run has no valid number. Reload the page and try again.")
    return id


def _forget_oldest(known: OrderedDict, keep: Callable = lambda value: False) -> None:
    for key in list(known):
        if len(known) <= REMEMBERED:
            return
        if not keep(known[key]):
            del known[key]
