"""Progress on stderr: one line that moves on a terminal, one line a stage elsewhere."""

import sys

from engine.api import Progress


class ProgressLine:
    """Call it with events; ``close`` ends the line. ``quiet`` says nothing at all."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._moves = sys.stderr.isatty()
        self._width = 0

    def __call__(self, event: Progress) -> None:
        self.say(f"{event.stage}: step {event.done} of {event.total}", event.done == event.total)

    def say(self, text: str, last: bool = True) -> None:
        if self._quiet or not (self._moves or last):
            return
        if self._moves:
            sys.stderr.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def close(self) -> None:
        if self._moves and self._width:
            sys.stderr.write("\n")
            self._width = 0
