"""One run as the table holds it, and as a page may see it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from engine.api import GenerateRequest, Pixels, Request, Result

JobState = Literal["unknown", "queued", "running", "done", "stopped", "failed", "lost"]
BADLY: tuple[JobState, ...] = ("failed", "lost")  # how a run ends that nobody stopped
Keep = Callable[[Result, Request], int]  # stores a result, answers the number of its state
Stages = list[tuple[str, Pixels]]  # finished stages of a run, oldest first
KeepStages = Callable[[Stages, Request], None]  # stores those of a run that was stopped
Step = Request | Callable[[Pixels], Request]  # the latter works on what the step before it made
Memory = tuple[str, float, float]  # device, GiB needed (0: not known), GiB free


@dataclass
class Job:
    """One press of the run button: ``parts`` steps for each of its pictures, one after another."""

    id: str
    owner: str
    verb: str
    requests: tuple[Step, ...]
    keep: Keep
    keep_stages: KeepStages | None = None
    parts: int = 1
    kind: str = ""  # verb and quality, for the time it will take
    remarks: list[str] = field(default_factory=list)  # what is said when it is done; keep adds it
    asked: Request | None = None  # the request that runs, or that failed
    memory: Memory | None = None  # where it ran out
    state: JobState = "queued"
    sentence: str = ""
    stage: str = ""
    done: int = 0
    total: int = 0
    preview: Pixels | None = None
    preview_version: int = 0
    preview_at: float = 0.0
    stages: list[tuple[str, float]] = field(default_factory=list)  # finished: name, seconds
    results: list[int] = field(default_factory=list)
    seeds: dict[int, int] = field(default_factory=dict)  # by the number of the state
    finished: Stages = field(default_factory=list)  # of the request that runs
    started: float = 0.0
    stage_started: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    count: int = 0  # of pictures

    def __post_init__(self) -> None:
        self.count = len(self.requests) // self.parts

    def seconds_by_pace(self, now: float) -> float:
        """Until the end, if all steps to come take as long as those of the stage at hand.

        A chest and each of its findings are a stage of their own. 0 before the first step.
        """
        if not self.done:
            return 0.0
        findings = self.asked.findings if isinstance(self.asked, GenerateRequest) else ()
        whole = 1 + len(findings)  # stages of one request; the last one is never among ``stages``
        before = len(self.stages) - len(self.results) * len(findings)
        # What is kept of a run before is no stage of this one: the name says how far it is.
        named = [number for number, one in enumerate(findings, 1) if one.text == self.stage]
        before = max(before, *named[:1], 0)
        requests = len(self.requests) - len(self.results) - 1
        later = max(0, whole - before - 1) + requests * whole
        steps = self.total - self.done + later * self.total
        return (now - self.stage_started) / self.done * steps


@dataclass(frozen=True, kw_only=True)
class JobView:
    """What a page may know of a job at one moment. ``ahead`` counts runs of others, of which it
    says nothing else; ``pictures`` are those results that are whole."""

    state: JobState = "unknown"
    verb: str = ""
    sentence: str = ""
    stage: str = ""
    done: int = 0
    total: int = 0
    variation: int = 0
    variations: int = 0
    seconds_left: float | None = None
    ahead: int = 0
    preview_version: int = 0
    stages: tuple[tuple[str, float], ...] = ()
    results: tuple[int, ...] = ()
    pictures: tuple[int, ...] = ()
    seeds: dict[int, int] = field(default_factory=dict)  # of the results that have one
    remark: str = ""
    memory: Memory | None = None
