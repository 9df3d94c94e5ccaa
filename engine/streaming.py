"""A run as an iterator, for callers who would rather pull than be called."""

import queue
import threading
from collections.abc import Callable, Iterator

from engine.api import OnEvent, Progress, Request, Result
from engine.errors import Cancelled


def stream(
    run: Callable[[Request, OnEvent], Result], request: Request
) -> Iterator[Progress | Result]:
    """Progress, then the result. Closing the iterator stops the run at its next step."""
    events: queue.SimpleQueue[Progress | Result | BaseException] = queue.SimpleQueue()
    stopped = threading.Event()

    def on_event(event: Progress) -> None:
        if stopped.is_set():
            raise Cancelled
        events.put(event)

    def work() -> None:
        try:
            events.put(run(request, on_event))
        except BaseException as error:  # handed to the caller's thread, raised there
            events.put(error)

    threading.Thread(target=work, name="engine", daemon=True).start()
    try:
        while True:
            event = events.get()
            if isinstance(event, BaseException):
                raise event
            yield event
            if isinstance(event, Result):
                return
    finally:
        stopped.set()
