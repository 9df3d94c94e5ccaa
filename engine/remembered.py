"""Stages of recent runs by their content: what a change leaves alone is not drawn again.

A person who moves a finding, or says it otherwise, waits for that finding and not for the anatomy
once more. The key of a stage is a digest of everything its pixels depend on, so there is nothing
to invalidate, and what is taken from here has the bits that drawing it again would have.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.sampling import NoiseMark, SeededNoise

MOST = 128 << 20  # bytes; a stage of one 256 px film is 0.25 MB, of one at 2048 x 2500 px 20 MB

Images = list[NDArray[np.float32]]


@dataclass(frozen=True)
class _Stage:
    images: Images
    mark: NoiseMark  # where the draws go on

    @property
    def size(self) -> int:
        return sum(image.nbytes for image in self.images)


class Remembered:
    """The most recent stages, ``most`` bytes of pixels at most; 0 remembers nothing."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._lock = most, Lock()
        self._stages: OrderedDict[str, _Stage] = OrderedDict()

    def resume(self, key: str, noise: SeededNoise) -> Images | None:
        """The stage's pictures, with ``noise`` moved on to where it stood after them; or None."""
        with self._lock:
            stage = self._stages.get(key)
            if stage is None:
                return None
            self._stages.move_to_end(key)
        noise.go_on(stage.mark)
        return [image.copy() for image in stage.images]

    def keep(self, key: str, images: Sequence[NDArray[np.float32]], noise: SeededNoise) -> None:
        """Remember a stage that was just drawn; the oldest ones leave where room is needed."""
        stage = _Stage([image.copy() for image in images], noise.mark())
        with self._lock:
            self._stages.pop(key, None)
            if stage.size > self._most:
                return
            while self._stages and self._held() + stage.size > self._most:
                self._stages.popitem(last=False)
            self._stages[key] = stage

    def _held(self) -> int:
        return sum(stage.size for stage in self._stages.values())


NOTHING = Remembered(0)


def digest(*parts: Any) -> str:
    """One name for these values: arrays by their bits, all else by what it says of itself.

    Numbers, text, tuples and frozen dataclasses say themselves whole; an array inside one of them
    would not, so arrays are given by themselves.
    """
    whole = hashlib.sha256()
    for part in parts:
        array = isinstance(part, np.ndarray)
        told = f"{part.dtype} {part.shape}" if array else repr(part)
        whole.update(f"{type(part).__name__} {told}\n".encode())
        if array:
            whole.update(np.ascontiguousarray(part).tobytes())
    return whole.hexdigest()
