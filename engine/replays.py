"""Calls of a network recorded once and replayed, on graphics cards that can.

At a batch of one or two a card finishes a step sooner than Python can ask for its several hundred
operations. A CUDA graph asks for all of them at once. A call is made as usual until its shapes
have been seen before; then it is recorded, compared with the usual result, and replayed from then
on. Where recording fails, everything goes on as usual.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

MOST = 4  # recordings of one network; each holds the memory of its intermediate results
WARM_UPS = 2  # calls before recording, in which libraries choose their ways
TOLERANCE = 0.02  # of the largest value: more than rounding in half precision is a fault

Call = Callable[..., Tensor]
log = logging.getLogger(__name__)


class Recorder(Protocol):
    def record(self, call: Call, inputs: tuple[Tensor, ...]) -> Callable[[], Tensor]:
        """What comes back computes ``call`` on whatever ``inputs`` hold by then, into one tensor
        that it overwrites each time."""
        ...


class CardRecorder:
    """Records by CUDA graphs."""

    def record(self, call: Call, inputs: tuple[Tensor, ...]) -> Callable[[], Tensor]:
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UPS):
                call(*inputs)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            output = call(*inputs)

        def replay() -> Tensor:
            graph.replay()
            return output

        return replay


@dataclass(frozen=True)
class _Recording:
    inputs: tuple[Tensor, ...]
    replay: Callable[[], Tensor]

    def __call__(self, inputs: tuple[Tensor, ...]) -> Tensor:
        for place, value in zip(self.inputs, inputs, strict=True):
            place.copy_(value)
        return self.replay().clone()  # the next replay writes over it


class Replays:
    """The recordings of one network. It does not hold the network: it lies at it, as
    ``network.replays``, and both leave the memory together."""

    def __init__(self, recorder: Recorder, most: int = MOST) -> None:
        self._recorder, self._most = recorder, most
        self._recordings: OrderedDict[Any, _Recording] = OrderedDict()
        self._seen: set[Any] = set()
        self._failed = False

    def __call__(self, call: Call, *inputs: Tensor) -> Tensor:
        """``call(*inputs)``, recorded from the second time on that inputs of their shapes come."""
        key = tuple((tuple(t.shape), t.dtype) for t in inputs)
        recording = self._recordings.get(key)
        if recording is not None:
            self._recordings.move_to_end(key)
            return recording(inputs)
        usual = call(*inputs)
        if key in self._seen and not self._failed:
            self._record(key, call, inputs, usual)
        self._seen.add(key)
        return usual

    def _record(self, key: Any, call: Call, inputs: tuple[Tensor, ...], usual: Tensor) -> None:
        try:
            places = tuple(value.clone() for value in inputs)
            recording = _Recording(places, self._recorder.record(_of_copies(call), places))
            same = float((recording(inputs) - usual).abs().max()) <= TOLERANCE * float(
                usual.abs().max()
            )
        except RuntimeError as error:  # memory, or an operation that cannot be recorded
            log.warning("calls are not recorded: %s", error)
            self._failed = True
            return
        if not same:
            log.warning("calls are not recorded: a replay differs from the usual result")
            self._failed = True
            return
        while len(self._recordings) >= self._most:
            self._recordings.popitem(last=False)
        self._recordings[key] = recording


def _of_copies(call: Call) -> Call:
    """What a network keeps by the identity of an input (keys and values of the words) would stay
    as it was while recording; of a copy made in the recording it keeps nothing."""
    return lambda *inputs: call(*(value.clone() for value in inputs))


def replays_on(device: torch.device) -> Replays | None:
    """Recordings where ``device`` is a card that can, else None."""
    return Replays(CardRecorder()) if device.type == "cuda" else None


def called(network: Any, call: Call, *inputs: Tensor) -> Tensor:
    """``call(*inputs)`` of a network, replayed where its device can."""
    replays: Replays | None = getattr(network, "replays", None)
    return call(*inputs) if replays is None else replays(call, *inputs)
