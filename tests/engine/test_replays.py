"""A replayed call gives what the usual one gives, for whatever its inputs hold.

The stand-in for a card's graphs records operations as they do: Python is not asked again.
"""

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from engine.networks.ldm import UNetPlan, build
from engine.published.shelf import prepared
from engine.replays import CardRecorder, Replays, called, replays_on

CPU = torch.device("cpu")


class Tape(TorchDispatchMode):
    """The operations that were done, with the very tensors that they were done on."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        self.steps.append((func, args, kwargs or {}, found))
        return found

    def again(self, output):
        """The operations done once more: what they made before is replaced, all else stays."""
        made = {}
        for func, args, kwargs, found in self.steps:
            given, named = tree_map(lambda t: made.get(id(t), t), (args, kwargs))
            new = func(*given, **named)
            made.update(zip(map(id, tree_leaves(found)), tree_leaves(new), strict=True))
        return made[id(output)]


class Traces:
    def __init__(self):
        self.recorded = 0

    def record(self, call, inputs):
        self.recorded += 1
        call(*inputs)  # warms up
        with Tape() as tape:
            output = call(*inputs)
        place = output.clone()
        return lambda: place.copy_(tape.again(output))


class Fails(Traces):
    def record(self, call, inputs):
        super().record(call, inputs)
        raise RuntimeError("an operation that cannot be recorded")


class Forgets(Traces):
    """Its replays do not see new inputs, as if a value had been read while recording."""

    def record(self, call, inputs):
        super().record(call, inputs)
        output = call(*inputs) + 1
        return lambda: output


def doubled(x):
    return 2 * x


def test_a_call_is_recorded_when_its_shapes_come_again():
    traces = Traces()
    replays = Replays(traces)

    counts = []
    for value in (1.0, 2.0, 3.0):
        assert replays(doubled, torch.full((2, 2), value)).eq(2 * value).all()
        counts.append(traces.recorded)
    replays(doubled, torch.ones(3))

    assert [*counts, traces.recorded] == [0, 1, 1, 1]


def test_a_replay_does_not_ask_python_again():
    asked = []

    def call(x):
        asked.append(x)
        return x + 1

    replays = Replays(Traces())
    for value in range(2):
        replays(call, torch.full((2,), float(value)))
    before = len(asked)

    assert replays(call, torch.full((2,), 7.0)).tolist() == [8, 8]
    assert len(asked) == before


def test_the_next_replay_leaves_the_last_result_alone():
    replays = Replays(Traces())
    results = [replays(doubled, torch.full((1,), float(value))) for value in range(5)]

    assert torch.cat(results).tolist() == [0, 2, 4, 6, 8]


def test_the_recording_unused_for_longest_leaves():
    traces = Traces()
    replays = Replays(traces, most=2)
    for size in (1, 2, 1, 2, 1, 3, 3, 1, 2):  # 2 leaves for 3, and is recorded again
        replays(doubled, torch.ones(size))

    assert traces.recorded == 4


@pytest.mark.parametrize("recorder", [Fails(), Forgets()])
def test_where_recording_goes_wrong_calls_are_made_as_usual(recorder, caplog):
    replays = Replays(recorder)

    found = [replays(doubled, torch.full((1,), float(value))).item() for value in range(1, 5)]

    assert found == [2, 4, 6, 8]
    assert recorder.recorded == 1
    assert caplog.text.count("calls are not recorded") == 1


def test_a_recorded_network_reads_new_words():
    """It keeps keys and values of the words, which a recording must not."""
    torch.manual_seed(0)
    plan = UNetPlan(widths=(32, 64), attends=(False, True), resnets=1, words=16, heads=2)
    network = prepared(build(plan).eval(), CPU, torch.bfloat16)
    vars(network)["replays"] = Replays(Traces())
    x, t = torch.randn(1, 3, 16, 16).bfloat16(), torch.tensor([500])
    texts = [torch.randn(1, 5, 16).bfloat16() * 3 for _ in range(4)]

    with torch.inference_mode():
        usual = [network(x, t, words).sample for words in texts]
        found = [
            called(network, lambda x, t, w: network(x, t, w).sample, x, t, words) for words in texts
        ]

    assert all(torch.equal(a, b) for a, b in zip(found, usual, strict=True))
    assert len({float(a.float().sum()) for a in usual}) == 4


def test_a_network_without_recordings_is_called_as_usual():
    network = nn.Linear(2, 2)
    vars(network)["replays"] = replays_on(CPU)

    assert replays_on(CPU) is None
    assert called(network, network, torch.ones(1, 2)).shape == (1, 2)


@pytest.mark.gpu
def test_a_card_replays_a_network():
    torch.manual_seed(0)
    card = torch.device("cuda")
    plan = UNetPlan(widths=(32, 64), attends=(False, True), resnets=1, words=16, heads=2)
    network = prepared(build(plan).eval(), card, torch.bfloat16)
    replays = Replays(CardRecorder())

    def call(x, t, words):
        return network(x, t, words).sample

    t = torch.tensor([500], device=card)
    with torch.inference_mode():
        for _ in range(4):
            x = torch.randn(1, 3, 16, 16, device=card).bfloat16()
            words = torch.randn(1, 5, 16, device=card).bfloat16()
            usual = call(x, t, words)
            torch.testing.assert_close(replays(call, x, t, words), usual, rtol=0.02, atol=0.02)

    assert len(replays._recordings) == 1
