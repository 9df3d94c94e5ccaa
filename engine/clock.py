"""How long each stage of a run took."""

import time

from engine.api import OnEvent, Progress


class StageClock:
    """Passes events on and notes how long each stage took."""

    def __init__(self, on_event: OnEvent | None) -> None:
        self._on_event = on_event
        self._started = self._latest = time.monotonic()
        self._spent: dict[str, float] = {}

    def __call__(self, event: Progress) -> None:
        now = time.monotonic()
        self._spent[event.stage] = self._spent.get(event.stage, 0.0) + now - self._latest
        self._latest = now
        if self._on_event is not None:
            self._on_event(event)
            self._latest = now = time.monotonic()

    def seconds(self) -> dict[str, float]:
        total = time.monotonic() - self._started
        return {**{k: round(v, 3) for k, v in self._spent.items()}, "total": round(total, 3)}
