"""What strangers do to files: changes of bytes, of JSON and of archives, drawn by Hypothesis.

``XREAL_EXAMPLES`` says how many changed files each property tries: 2,000 where CI is set, 200
otherwise. Time is the processor's, not the clock's, so a busy computer changes nothing.
"""

import copy
import io
import itertools
import json
import os
import random
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("XREAL_EXAMPLES") or (2000 if os.environ.get("CI") else 200))
MANY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
SOME = settings(MANY, max_examples=max(EXAMPLES // 4, 50))  # variations of a property
FEW = settings(MANY, max_examples=max(EXAMPLES // 100, 5))  # where each takes a second
MOST_SECONDS = 10  # of processor time for seeds of some KB, a thousand times what they take
WEIRD = [
    None, True, False, 0, -1, 1, 2, 255, 4096, 2**31, 2**63, 2**70, -(2**70), 0.5, 1e308, -1e308,
    "", "x", "\0", "../../etc/passwd", "/etc/passwd", "\ud800", "NaN", "9" * 5000, "a" * 20_000,
    [], {}, [[]], [None], {"": None}, [1, 2, 3], {"input": "organs"}, {"input": []}, ["x"] * 300,
]  # fmt: skip
NUMBERS = [b"\0", b"\1", b"\x7f", b"\x80", b"\xff", b"\0\0", b"\xff\xff", b"\xff" * 4, b"\0" * 4,
           b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\xff" * 8, b"\0\0\0\x80"]  # fmt: skip


@contextmanager
def bounded(most_bytes: int, most_seconds: float = MOST_SECONDS) -> Iterator[None]:
    """Fails where what is done inside takes long, or more memory than ``most_bytes``.

    Memory is traced every eighth time, because that takes longer than most of what is measured.
    """
    traced, most = next(_turn) % 8 == 0, 0
    start = time.process_time()
    if traced:
        tracemalloc.start()
    try:
        yield
        most = tracemalloc.get_traced_memory()[1] if traced else 0
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < most_seconds
    assert most < most_bytes


_turn = itertools.count()


def changed(seeds: Sequence[bytes], seed: int) -> bytes:
    """One of ``seeds`` after up to six changes; half of them near the front or the end, where
    headers and lists of contents are. The numbers that follow ``seed`` decide, so that a long run
    needs nothing but a count."""
    chance = random.Random(seed)
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 6)):
        size = len(data)
        at = chance.randrange(max(min(size, chance.choice([16, 64, 300, 1500, size])), 1))
        if chance.random() < 0.5:
            at = max(size - 1 - at, 0)
        what = chance.choice(WAYS)
        if what == "bit" and data:
            data[at] ^= 1 << chance.randrange(8)
        elif what == "byte" and data:
            data[at] = chance.randrange(256)
        elif what == "number":
            number = chance.choice(NUMBERS)
            data[at : at + len(number)] = number
        elif what == "cut":
            del data[at:]
        elif what == "copy":
            data[at:at] = data[at : at + chance.randint(1, 400)]
        elif what == "drop":
            del data[at : at + chance.randint(1, 60)]
        elif what == "swap":
            other = chance.randrange(max(size, 1))
            one, two = data[at : at + 16], data[other : other + 16]
            data[at : at + 16], data[other : other + 16] = two, one
        elif what == "more":
            data += chance.randbytes(chance.randint(1, 40))
    return bytes(data)


WAYS = ("bit", "byte", "number", "cut", "copy", "drop", "swap", "more")


def changed_bytes(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    return st.integers(0, 2**64).map(lambda seed: changed(seeds, seed))


@st.composite
def cut_bytes(draw: st.DrawFn, seeds: list[bytes]) -> tuple[int, bytes]:
    """Which of ``seeds``, and its beginning."""
    index = draw(st.integers(0, len(seeds) - 1))
    return index, seeds[index][: draw(st.integers(0, len(seeds[index]) - 1))]


def changed_json(value: Any, seed: int) -> Any:
    """A copy of a JSON value after one to three changes, by the numbers that follow ``seed``."""
    chance = random.Random(seed)
    value = json.loads(json.dumps(value))
    for _ in range(chance.randint(1, 3)):
        value = _changed(value, chance)
    return value


def _changed(value: Any, chance: random.Random) -> Any:
    inside = (
        list(value)
        if isinstance(value, dict)
        else range(len(value))
        if isinstance(value, list)
        else []
    )
    if inside and chance.random() < 0.85:
        key = chance.choice(list(inside))
        what = chance.random()
        if what < 0.12:
            del value[key]
        elif what < 0.2 and isinstance(value, dict):
            value[chance.choice(["", "x", "input", "schema", "a" * 400])] = value[key]
        elif what < 0.2:
            value.insert(key, value[key])
        else:
            value[key] = _changed(value[key], chance)
        return value
    if isinstance(value, int) and not isinstance(value, bool) and chance.random() < 0.4:
        return value + chance.choice([-1, 1, 2**16, -(2**40)])
    if isinstance(value, str) and value and chance.random() < 0.4:
        at = chance.randrange(len(value))
        return value[:at] + chance.choice(["", "\0", "\u202e", "/..", "z", "9"]) + value[at + 1 :]
    return copy.deepcopy(chance.choice(WEIRD))


def written(value: Any, seed: int) -> bytes:
    """JSON as a stranger writes it: now and then with what is no JSON, or very deep."""
    chance = random.Random(seed)
    text = json.dumps(value)
    what = chance.random()
    if what < 0.03:
        text = text.replace("1", "NaN", 1)
    elif what < 0.05:
        text = "[" * 100_000 + text
    elif what < 0.08:
        text = text[: chance.randrange(len(text) + 1)]
    return text.encode("utf-8", "surrogatepass")


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(
    parts: dict[str, bytes], packed: int = zipfile.ZIP_DEFLATED, mode: int = 0o100600
) -> bytes:
    """An archive of ``parts``; ``mode`` are the rights and kind that each member claims."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packed) as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = packed
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return out.getvalue()


def lying_sizes(data: bytes, change: Callable[[int], int]) -> bytes:
    """An archive whose list of contents states other sizes than its members have."""
    found = bytearray(data)
    at = found.find(b"PK\1\2")
    while at >= 0:
        (size,) = struct.unpack_from("<I", found, at + 24)
        struct.pack_into("<I", found, at + 24, change(size) & 0xFFFFFFFF)
        at = found.find(b"PK\1\2", at + 4)
    return bytes(found)
