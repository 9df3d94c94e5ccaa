"""The engine, loaded in the background so that the page is there at once.

The models can be changed while the program runs. A run that is going on keeps its engine to the
end; runs that begin meanwhile wait for the new one.
"""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

from app import messages
from app.runs.lost import GivenUp
from engine.api import (
    AnatomyWay,
    Knows,
    ModelCard,
    OnEvent,
    Quality,
    Request,
    Result,
    Sampling,
    Verb,
)
from engine.errors import Cancelled, InvalidRequest


class Engine(Protocol):
    """What the page needs of ``engine.Engine``."""

    @property
    def name(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def models(self) -> tuple[ModelCard, ...]: ...
    def run(self, request: Request, on_event: OnEvent | None = None) -> Result: ...
    def knows(self, verb: Verb) -> Knows: ...
    def can(self, verb: Verb) -> str | None: ...
    def warm_up(self) -> None: ...
    @property
    def precision(self) -> str: ...
    def defaults(self, verb: Verb, quality: Quality | None = None) -> Sampling: ...
    @property
    def ways(self) -> tuple[AnatomyWay, ...]: ...
    @property
    def exact(self) -> bool: ...
    @property
    def report_guidance(self) -> float | None: ...
    def in_memory(self) -> dict[str, int]: ...
    def memory(self) -> tuple[int, int]: ...


Open = Callable[[], Engine]
LoadingState = Literal["loading", "ready", "failed"]


class Loading:
    """Holds the engine as soon as there is one, or the sentence why there is none."""

    def __init__(self, open_engine: Open):
        self._open = open_engine
        self._changed = threading.Condition()
        self._settled = False
        self._lent = 0  # runs that are using the engine
        self._engine: Engine | None = None
        self._failure: BaseException | None = None
        self._said: str | None = None
        self._waits_for_run = False
        self._again = False

    def start(self) -> None:
        threading.Thread(target=self._load, args=(None,), name="loading", daemon=True).start()

    def change(self, open_engine: Open, on_end: Callable[[str | None], None]) -> None:
        """Put the models away and load others, once the run that is going on has ended.

        ``on_end`` hears None, or the sentence why it failed; then the former models are loaded
        again, so that the page is never left without.
        """
        with self._changed:
            if not self._settled:
                raise InvalidRequest("Models are being loaded. Wait until that has ended.")
            self._settled = False
            former, self._open = self._open, open_engine

        def work() -> None:
            said = self._load(former)
            on_end(said)

        threading.Thread(target=work, name="loading", daemon=True).start()

    def again(self) -> None:
        """Load the same models once more: the process that had them has ended."""
        with self._changed:
            if not self._settled:
                return  # they are being loaded already
            self._settled, self._again = False, True
        threading.Thread(target=self._load, args=(None,), name="loading", daemon=True).start()

    @property
    def given_up(self) -> bool:
        """Whether the process of the models ended too often and waits for somebody to ask."""
        return isinstance(self._failure, GivenUp)

    def retry(self) -> None:
        """Load them once more where that was given up: somebody asks for them."""
        if self.given_up:
            self.again()

    def _load(self, former: Open | None) -> str | None:
        """Load; on a fault say why, and load the ``former`` models again where there were any."""
        with self._changed:
            self._waits_for_run = self._lent > 0
            self._changed.wait_for(lambda: self._lent == 0)
            self._waits_for_run = False
            self._engine = self._failure = self._said = None
        gc.collect()  # networks go before others come: two sets may not fit
        fault = self._try(settle=former is None)
        if fault is None or former is None:
            return fault
        self._open = former
        self._try(settle=True)
        return fault

    def _try(self, *, settle: bool) -> str | None:
        """Open and warm up; the sentence of a fault. ``settle`` even with a fault."""
        engine, failure = None, None
        try:
            engine = self._open()
            engine.warm_up()
        except Exception as error:
            engine, failure = None, error
        said = None if failure is None else messages.sentence(failure)
        if failure is None or settle:
            with self._changed:
                self._engine, self._failure, self._said = engine, failure, said
                self._settled, self._again = True, False
                self._changed.notify_all()
        return said

    @property
    def state(self) -> LoadingState:
        if not self._settled:
            return "loading"
        return "failed" if self._engine is None else "ready"

    @property
    def waits_for_run(self) -> bool:
        """Whether models that were asked for wait for a run to end."""
        return self._waits_for_run

    @property
    def starts_again(self) -> bool:
        """Whether models are being loaded because the process that had them has ended."""
        return self._again

    @property
    def engine(self) -> Engine | None:
        """The engine, or None while it loads or when it cannot be loaded."""
        return self._engine

    @property
    def failure(self) -> str | None:
        return self._said

    @contextmanager
    def lent(self, stopped: threading.Event) -> Iterator[Engine]:
        """The engine for one run, once it is loaded; it is not put away before the run ends.

        Raises what loading raised, or Cancelled.
        """
        with self._changed:
            while not self._settled:
                if stopped.is_set():
                    raise Cancelled
                self._changed.wait(0.1)
            if self._engine is None:
                assert self._failure is not None
                raise self._failure
            engine = self._engine
            self._lent += 1
        try:
            # One in another process also hears of Stop between its steps.
            heeding = getattr(engine, "heeding", None)
            yield engine if heeding is None else heeding(stopped)
        finally:
            del engine
            with self._changed:
                self._lent -= 1
                self._changed.notify_all()
