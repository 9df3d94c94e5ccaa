"""The process of the models: ``python app/runs/child.py``, started by ``worker``, never by hand.

It owns the engine and with it torch and the graphics card. It hears requests on stdin and answers
on what was stdout. The main thread opens models and runs requests, one at a time; questions about
model files are answered beside it. Stop is heard by the thread that reads, and takes effect at the
next step. When the page goes, stdin ends, and so does this process, at once.
"""

import contextlib
import gc
import importlib
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from app import messages
from app.runs import channel as wire
from app.runs.channel import Channel, arrays_of, pack, unpack
from engine import errors
from engine.api import QUALITIES, VERBS, Progress
from engine.errors import Cancelled, EngineError, OutOfMemory

BEAT_EVERY = 0.5  # seconds
STATUS_EVERY = 4  # beats
PREVIEW_EVERY = 0.2  # seconds; more previews than this nobody sees


class Child:
    def __init__(self, channel: Channel):
        self.channel = channel
        self.engine: Any = None
        self.work: queue.SimpleQueue[tuple[bytes, int, bytes]] = queue.SimpleQueue()
        self.stops: dict[int, threading.Event] = {}  # by call, while it goes on

    def listen(self) -> None:
        """Hear the page until it goes; then end, whatever is being computed."""
        with contextlib.suppress(Exception):
            while (frame := self.channel.receive()) is not None:
                self.hear(*frame)
        os._exit(0)

    def hear(self, kind: bytes, call: int, payload: bytes) -> None:
        if kind == wire.STOP:
            if call in self.stops:
                self.stops[call].set()
            return
        self.stops[call] = threading.Event()
        if kind == wire.ASK:
            asked = threading.Thread(target=self.serve, args=(kind, call, payload), daemon=True)
            asked.start()
        else:
            self.work.put((kind, call, payload))

    def beat(self) -> None:
        count = 0
        while True:
            # Without what this thread needs itself: who only beats does not compute.
            computed = time.process_time() - time.thread_time()
            self.channel.send(wire.BEAT, 0, pack(computed))
            if count % STATUS_EVERY == 0:
                self.tell_status()
            count += 1
            time.sleep(BEAT_EVERY)

    def tell_status(self) -> None:
        """Bytes of the networks that are loaded, and how full the memory is that they lie in."""
        engine = self.engine
        if engine is not None:
            with contextlib.suppress(Exception):
                self.channel.send(wire.STATUS, 0, pack((engine.in_memory(), engine.memory())))

    def serve(self, kind: bytes, call: int, payload: bytes) -> None:
        """Carry out one call and answer it, whatever happens."""
        self.channel.send(wire.BEGUN, call)
        packed, fault = b"", None
        try:
            packed = self.carry_out(kind, call, payload)
        except BaseException as error:
            fault = told(error)
        self.stops.pop(call, None)
        if fault is None:
            self.channel.send(wire.ANSWER, call, packed)
        else:
            # Only here: in the block above the error still held on to the memory of the run.
            free_memory()
            self.channel.send(wire.FAULT, call, pack(fault))
        if kind != wire.ASK:
            self.tell_status()

    def carry_out(self, kind: bytes, call: int, payload: bytes) -> bytes:
        if kind != wire.RUN:
            return pack(self.answer(kind, call, payload))
        request = unpack(payload)
        return pack(self.engine.run(request, self.on_event(call)), arrays_of(request))

    def answer(self, kind: bytes, call: int, payload: bytes) -> Any:
        if kind == wire.OPEN:
            opener, settings, name = unpack(payload)
            self.engine = None
            free_memory()  # networks go before others come: two sets may not fit
            self.engine = function_named(opener)(settings, name)
            return facts_of(self.engine)
        if kind == wire.WARM:
            return self.engine.warm_up()
        name, values, steps = unpack(payload)
        if not steps:
            return function_named(name)(*values)
        stop = self.stops[call]

        def on_step(*told: Any) -> None:
            if stop.is_set():
                raise Cancelled
            self.channel.send(wire.EVENT, call, pack(told))

        return function_named(name)(*values, on_step)

    def on_event(self, call: int) -> Callable[[Progress], None]:
        """Sends each step, a preview now and then, and hears Stop."""
        stop, shown = self.stops[call], -PREVIEW_EVERY

        def note(progress: Progress) -> None:
            nonlocal shown
            now, preview = time.monotonic(), progress.preview
            if preview is not None and progress.done < progress.total:
                if now - shown < PREVIEW_EVERY:
                    preview = None
                else:
                    shown = now
            event = (progress.stage, progress.done, progress.total, preview)
            self.channel.send(wire.EVENT, call, pack(event))
            if stop.is_set():
                raise Cancelled

        return note


def facts_of(engine: Any) -> dict[str, Any]:
    """All that the page asks of an engine and that does not change while it is loaded."""
    names = ("name", "device", "precision", "models", "ways", "exact", "report_guidance")
    verbs = tuple(VERBS.values())
    return {
        **{name: getattr(engine, name) for name in names},
        "can": {verb: engine.can(verb) for verb in verbs},
        "knows": {verb: engine.knows(verb) for verb in verbs},
        "defaults": {
            (verb, quality): engine.defaults(verb, quality)
            for verb in verbs
            for quality in (None, *QUALITIES)
        },
    }


def told(error: BaseException) -> tuple[Any, ...]:
    """An error as plain values; :func:`app.runs.remote.raised` makes one of them again."""
    if isinstance(error, OutOfMemory):
        return ("memory", error.device, error.needed_gib, error.free_gib)
    if isinstance(error, EngineError):
        name = next(c.__name__ for c in type(error).__mro__ if c.__module__ == errors.__name__)
        return ("sentence", name, str(error))
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return ("no memory",)
    if isinstance(error, OSError) and error.errno is not None:
        return ("system", error.errno, messages.scrubbed(error))
    return ("fault", messages.scrubbed(error))


def free_memory() -> None:
    """Give back what nothing refers to any more, also on the graphics card."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def function_named(name: str) -> Callable[..., Any]:
    """``package.module:function``."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


class Sending(logging.Handler):
    """The page writes the log: two processes cannot turn over one file."""

    def __init__(self, channel: Channel):
        super().__init__(logging.WARNING)
        self.channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            told = (record.name, record.levelno, record.getMessage())
            self.channel.send(wire.LOG, 0, pack(told))


def main() -> None:
    if os.name == "posix":
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the page's to hear
    os.umask(0o077)
    # Neither what a library prints nor a process that it starts gets between the answers.
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    channel = Channel(requests, answers)
    for name in ("app", "engine"):
        logging.getLogger(name).addHandler(Sending(channel))
    child = Child(channel)
    threading.Thread(target=child.listen, name="listening", daemon=True).start()
    threading.Thread(target=child.beat, name="beating", daemon=True).start()
    while True:
        child.serve(*child.work.get())


if __name__ == "__main__":
    main()
