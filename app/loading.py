"""The engine, loaded in the background so that the page is there at once."""

import threading
from collections.abc import Callable
from typing import Protocol

from app import messages
from engine.api import Knows, ModelCard, OnEvent, Quality, Request, Result, Sampling, Verb
from engine.errors import Cancelled


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


class Loading:
    """Holds the engine as soon as there is one, or the sentence why there is none."""

    def __init__(self, open_engine: Callable[[], Engine]):
        self._open = open_engine
        self._settled = threading.Event()
        self._engine: Engine | None = None
        self._failure: BaseException | None = None
        self._said: str | None = None

    def start(self) -> None:
        threading.Thread(target=self._load, name="loading", daemon=True).start()

    def _load(self) -> None:
        try:
            engine = self._open()
            engine.warm_up()
            self._engine = engine
        except Exception as error:
            self._failure = error
            self._said = messages.sentence(error)
        self._settled.set()

    @property
    def engine(self) -> Engine | None:
        """The engine, or None while it loads or when it cannot be loaded."""
        return self._engine

    @property
    def failure(self) -> str | None:
        return self._said

    def wait(self, stopped: threading.Event) -> Engine:
        """The engine once it is loaded; raises what loading raised, or Cancelled."""
        while not self._settled.wait(0.1):
            if stopped.is_set():
                raise Cancelled
        if self._engine is None:
            assert self._failure is not None
            raise self._failure
        return self._engine
