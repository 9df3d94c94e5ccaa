"""The process of the models, as the page sees it: started, asked, watched, replaced.

One at a time, owning the engine and the graphics card. Whatever ends it (a fault in a library, the
system short of memory, a kill) ends neither the page nor what waits: the run that it was at is
lost, the models are loaded anew in a process that is started in its place, after a pause that
doubles with each end in a row, and after :data:`GIVE_UP` ends only when somebody asks.

It is replaced, too, where it does not beat any more, where a run neither advances nor computes, and
where a run does not obey Stop.
"""

import contextlib
import itertools
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from app.runs import channel as wire
from app.runs.channel import Broken, Channel, pack, unpack
from app.runs.lost import STARTING, Lost, NotBegun, given_up, how_it_ended, in_a_run
from app.runs.remote import OnFrame, RemoteEngine, raised
from engine.errors import Cancelled

log = logging.getLogger(__name__)
GIVE_UP = 5  # ends in a row
LONGEST_PAUSE = 30.0  # seconds
COMPUTING = 0.02  # seconds of processor time that tell work from beating
COMMAND = (sys.executable, "-P", "-m", "app.runs.child")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds: without a beat; without a step and without computing, in a run and before its first
    step, when files are read; until Stop is obeyed, at least; between a first and second end."""

    silent: float = 8.0
    idle: float = 8.0
    reading: float = 90.0
    stop: float = 10.0
    pause: float = 1.0


class Call:
    """Something the process was asked; its frames arrive in ``frames``, None at its end."""

    def __init__(self, number: int, what: bytes):
        self.number, self.what = number, what
        self.frames: queue.SimpleQueue[tuple[bytes, bytes] | None] = queue.SimpleQueue()
        self.begun = False
        self.events = 0
        self.slowest = 0.0  # seconds from one event to the next
        self._heard = time.monotonic()

    def hear(self, kind: bytes, payload: bytes) -> None:
        self.begun = True
        now = time.monotonic()
        if kind == wire.EVENT:
            self.events += 1
            self.slowest = max(self.slowest, now - self._heard)
        self._heard = now
        self.frames.put((kind, payload))


class Process:
    """One life of the process. ``on_end`` is called once, before the calls hear of the end."""

    def __init__(self, patience: Patience, on_end: Callable[["Process"], None]):
        self.patience, self.on_end = patience, on_end
        self.opened = False
        self.why = ""  # it was killed by us
        self.held: dict[str, int] = {}
        self.memory = (0, 0)
        self.calls: dict[int, Call] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._beat = self._worked = time.monotonic()
        self._computed = 0.0
        self.popen = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl+C in a terminal is the page's to hear
        )
        incoming, outgoing = cast(Any, self.popen.stdout), cast(Any, self.popen.stdin)
        self.channel = Channel(incoming, outgoing)
        threading.Thread(target=self._listen, name="process", daemon=True).start()
        threading.Thread(target=self._watch, name="watching", daemon=True).start()

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    @property
    def code(self) -> int | None:
        return self.popen.returncode

    def ask(self, kind: bytes, payload: bytes) -> Call:
        """Send a call. Raises NotBegun where the process has ended."""
        with self._lock:
            if self._ended.is_set():
                raise NotBegun(STARTING)
            call = Call(next(self._numbers), kind)
            self.calls[call.number] = call
            self._worked = time.monotonic()
        with contextlib.suppress(OSError, ValueError):  # its end is heard by the listener
            self.channel.send(kind, call.number, payload)
        return call

    def stop(self, call: Call) -> None:
        with contextlib.suppress(OSError, ValueError):
            self.channel.send(wire.STOP, call.number)

    def kill(self, why: str) -> None:
        self.why = self.why or why
        self.popen.kill()

    def close(self) -> None:
        """Let it end by itself, which it does when its stdin ends; kill it where it does not."""
        with contextlib.suppress(OSError, ValueError):
            cast(Any, self.popen.stdin).close()
        if not self._ended.wait(2):
            self.popen.kill()
            self._ended.wait(5)

    def _listen(self) -> None:
        with contextlib.suppress(Broken, OSError, ValueError):
            while (frame := self.channel.receive()) is not None:
                self._hear(*frame)
        self.popen.kill()  # it may have closed its pipe and live on
        self.popen.wait()
        with self._lock:
            calls = list(self.calls.values())
            self._ended.set()
        self.on_end(self)
        for call in calls:
            call.frames.put(None)
        for pipe in (self.popen.stdin, self.popen.stdout):
            with contextlib.suppress(OSError, ValueError):
                cast(Any, pipe).close()

    def _hear(self, kind: bytes, number: int, payload: bytes) -> None:
        now = self._beat = time.monotonic()
        if kind == wire.BEAT:
            computed = float(unpack(payload))
            if computed - self._computed > COMPUTING:
                self._computed, self._worked = computed, now
        elif kind == wire.STATUS:
            self.held, self.memory = unpack(payload)
        elif kind == wire.LOG:
            name, level, text = unpack(payload)
            logging.getLogger(name).log(level, "%s", text)
        elif (call := self.calls.get(number)) is not None:
            self._worked = now
            if kind in (wire.ANSWER, wire.FAULT):
                with self._lock:
                    del self.calls[number]
            call.hear(kind, payload)

    def _watch(self) -> None:
        patience = self.patience
        while not self._ended.wait(min(patience.silent, patience.idle) / 10):
            now = time.monotonic()
            with self._lock:
                calls = [call for call in self.calls.values() if call.what != wire.ASK]
            reading = not self.opened or any(not call.events for call in calls)
            silent = patience.reading if reading else patience.silent
            idle = patience.reading if reading else patience.idle
            if now - self._beat > silent or (calls and now - self._worked > idle):
                self.kill("because it stood still")


class Worker:
    """The process of the models over all its lives.

    ``opener`` names the function, "package.module:function", that opens a model set there: it gets
    ``settings`` and the name of the set. ``on_end`` is called, in a thread of the worker's, when
    a process ended that had models open.
    """

    def __init__(self, opener: str, settings: Any, patience: Patience | None = None):
        self.patience = patience or Patience()
        self.on_end: Callable[[], None] = lambda: None
        self._opener, self._settings = opener, settings
        self._process: Process | None = None
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._ends = 0  # in a row

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.popen.pid if process is not None and process.alive else None

    @property
    def held(self) -> dict[str, int]:
        return {} if self._process is None else self._process.held

    @property
    def memory(self) -> tuple[int, int]:
        return (0, 0) if self._process is None else self._process.memory

    @property
    def ends(self) -> int:
        """How often in a row the process ended without having finished a run."""
        return self._ends

    def open(self, name: str) -> RemoteEngine:
        """Open a set of models, in a new process where there is none; tried again while it ends.

        Raises what opening raised, GivenUp, or Cancelled at the end of the program.
        """
        while True:
            process = self._started()
            asked = (self._opener, self._settings, name)
            try:
                facts = unpack(self._wait(process, wire.OPEN, pack(asked)))
                self._wait(process, wire.WARM, b"")
            except Lost:
                continue
            process.opened = True
            return RemoteEngine(self, facts)

    def run(self, payload: bytes, on_event: OnFrame, stopped: threading.Event) -> bytes:
        """Carry out a packed request. Raises what the run raised, NotBegun, Lost, or Cancelled."""
        answer = self._wait(self._now(), wire.RUN, payload, on_event, stopped)
        self._ends = 0
        return answer

    def call(
        self, function: Callable[..., Any], *values: Any, on_step: Callable[..., None] | None = None
    ) -> Any:
        """Call a function of ours there, beside the runs. ``on_step`` is its last argument.

        Raises what it raised, or Lost. ``on_step`` may raise Cancelled.
        """
        name = f"{function.__module__}:{function.__qualname__}"
        payload = pack((name, values, on_step is not None))
        heard = None if on_step is None else (lambda told: on_step(*unpack(told)))
        return unpack(self._wait(self._started(patient=False), wire.ASK, payload, heard))

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            process = self._process
        if process is not None:
            process.close()

    def _now(self) -> Process:
        process = self._process
        if process is None:
            raise NotBegun(STARTING)
        return process

    def _started(self, *, patient: bool = True) -> Process:
        """The process, started anew after a pause where there is none; who is not ``patient``
        gets NotBegun instead of the pause."""
        if not self._lock.acquire(timeout=-1 if patient else 1):
            raise NotBegun(STARTING)
        try:
            if self._process is not None and self._process.alive:
                return self._process
            if self._ends >= GIVE_UP:
                times, self._ends = self._ends, 0
                raise given_up(times)
            pause = 0.0 if self._ends < 2 else self.patience.pause * 2 ** (self._ends - 2)
            if pause and not patient:
                raise NotBegun(STARTING)
            if self._closed.wait(min(pause, LONGEST_PAUSE)):
                raise Cancelled
            self._process = Process(self.patience, self._has_ended)
            return self._process
        finally:
            self._lock.release()

    def _has_ended(self, process: Process) -> None:
        if self._closed.is_set():
            return
        self._ends += 1
        log.warning("the process of the models ended (%s) %s", process.code, process.why)
        if process.opened:
            self.on_end()

    def _wait(
        self,
        process: Process,
        kind: bytes,
        payload: bytes,
        on_event: OnFrame | None = None,
        stopped: threading.Event | None = None,
    ) -> bytes:
        """The answer to a call. Stop is passed on at once, and the process replaced where it does
        not obey in time."""
        stopped = stopped or threading.Event()
        call = process.ask(kind, payload)
        until: float | None = None  # Stop was told, and should be obeyed by then
        while True:
            if until is None and stopped.is_set():
                process.stop(call)
                until = time.monotonic() + max(self.patience.stop, 4 * call.slowest)
            if until is not None and time.monotonic() > until and kind == wire.RUN:
                process.kill("because it did not obey Stop")
            try:
                frame = call.frames.get(timeout=0.03)
            except queue.Empty:
                continue
            if frame is None:
                if stopped.is_set():
                    raise Cancelled
                said = in_a_run(process.why or how_it_ended(process.code))
                raise said if call.begun else NotBegun(str(said))
            answered, payload = frame
            if answered == wire.ANSWER:
                return payload
            if answered == wire.FAULT:
                raise raised(unpack(payload))
            if answered == wire.EVENT and on_event is not None:
                try:
                    on_event(payload)
                except Cancelled:
                    stopped.set()
