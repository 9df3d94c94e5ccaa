"""The engine as the page has it: asked once what it knows, and computing in another process."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from app.messages import Elsewhere
from app.runs.channel import arrays_of, pack, unpack
from engine import errors
from engine.api import (
    AnatomyWay,
    Knows,
    ModelCard,
    OnEvent,
    Progress,
    Quality,
    Request,
    Result,
    Sampling,
    Verb,
)
from engine.errors import OutOfMemory

OnFrame = Callable[[bytes], None]  # hears the events of a call; may raise Cancelled


class Process(Protocol):
    """What is needed here of ``worker.Worker``."""

    def run(self, payload: bytes, on_event: OnFrame, stopped: threading.Event) -> bytes: ...
    @property
    def held(self) -> dict[str, int]: ...
    @property
    def memory(self) -> tuple[int, int]: ...


class RemoteEngine:
    """An engine in another process, with the same face. ``facts`` as ``child.facts_of`` tells."""

    def __init__(
        self, process: Process, facts: Mapping[str, Any], stopped: threading.Event | None = None
    ):
        self._process, self._facts = process, facts
        self._stopped = stopped or threading.Event()
        self.name: str = facts["name"]
        self.device: str = facts["device"]
        self.precision: str = facts["precision"]
        self.models: tuple[ModelCard, ...] = facts["models"]
        self.ways: tuple[AnatomyWay, ...] = facts["ways"]
        self.exact: bool = facts["exact"]
        self.report_guidance: float | None = facts["report_guidance"]

    def heeding(self, stopped: threading.Event) -> "RemoteEngine":
        """The same engine, whose runs end when ``stopped`` is set, also in the middle of a step."""
        return RemoteEngine(self._process, self._facts, stopped)

    def can(self, verb: Verb) -> str | None:
        return self._facts["can"][verb]

    def knows(self, verb: Verb) -> Knows:
        return self._facts["knows"][verb]

    def defaults(self, verb: Verb, quality: Quality | None = None) -> Sampling:
        return self._facts["defaults"][(verb, quality)]

    def in_memory(self) -> dict[str, int]:
        return self._process.held

    def memory(self) -> tuple[int, int]:
        return self._process.memory

    def warm_up(self) -> None:
        """Done when it was opened."""

    def run(self, request: Request, on_event: OnEvent | None = None) -> Result:
        def heard(payload: bytes) -> None:
            if on_event is not None:
                on_event(Progress(*unpack(payload)))

        answer = self._process.run(pack(request), heard, self._stopped)
        return unpack(answer, arrays_of(request))


def raised(told: tuple[Any, ...]) -> Exception:
    """The error that ``child.told`` told."""
    kind, *values = told
    if kind == "memory":
        return OutOfMemory(*values)
    if kind == "sentence":
        name, sentence = values
        error = getattr(errors, name)() if name == "Cancelled" else getattr(errors, name)(sentence)
        assert isinstance(error, errors.EngineError)
        return error
    if kind == "no memory":
        return MemoryError()
    if kind == "system":
        return OSError(values[0], values[1])
    return Elsewhere(values[0])
