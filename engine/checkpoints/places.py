"""From an index that a jailed process made to tensors that lie on the file itself.

The index is as little trusted as the file: names, kinds, shapes and places are checked against
what may be, then the file is mapped, and its bytes are read as numbers and as nothing else.
"""

import mmap
import os
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.checkpoints.child import LONGEST_NAME, MOST_TENSORS

KINDS = {
    name: getattr(torch, name)
    for name in (
        "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8",
        "bool",
    )
}  # fmt: skip
MOST_NUMBERS = 1 << 40
LOCAL_HEADER = struct.Struct("<4s22xHH")


@dataclass(frozen=True)
class Row:
    """``start`` and ``length`` are bytes of the file; strides and offset count numbers in them."""

    name: str
    kind: torch.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    start: int
    length: int


class Contradiction(ValueError):
    """The index does not fit the file, or speaks of numbers of an unknown kind."""


def rows_of(told: Any) -> list[Row]:
    """The rows of an index, each well formed."""
    if not isinstance(told, list) or len(told) > MOST_TENSORS:
        raise Contradiction("rows")
    rows = [_row(one) for one in told]
    if len({row.name for row in rows}) != len(rows):
        raise Contradiction("names")
    return rows


def _row(told: Any) -> Row:
    try:
        name, kind, shape, strides, offset, start, length = told
        numbers = [*shape, *strides, offset, start, length]
    except (TypeError, ValueError) as error:
        raise Contradiction("row") from error
    if not isinstance(name, str) or not isinstance(kind, str) or len(name) > LONGEST_NAME:
        raise Contradiction("name")
    if kind not in KINDS:
        raise Contradiction(f"the kind {kind[:20]!r}")
    if len(shape) != len(strides) or len(shape) > 8:
        raise Contradiction("shape")
    if not all(type(n) is int and 0 <= n < MOST_NUMBERS for n in numbers):
        raise Contradiction("numbers")
    return Row(name, KINDS[kind], tuple(shape), tuple(strides), offset, start, length)


def members_of(path: Path) -> dict[int, int]:
    """Where the members of an archive begin, and the bytes each has."""
    found = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for member in archive.infolist():
            file.seek(member.header_offset)
            mark, name, extra = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
            if mark != b"PK\3\4":
                raise Contradiction("members")
            start = member.header_offset + LOCAL_HEADER.size + name + extra
            found[start] = member.file_size
    return found


def tensors_of(rows: list[Row], path: Path, members: dict[int, int] | None) -> dict[str, Tensor]:
    """The tensors of ``rows`` on ``path``. Where ``members`` are given, each lies in one."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if members is None and os.name == "nt":  # a mapped file could not be taken away
            file.seek(0)
            whole: Any = bytearray(file.read())
        else:
            whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) if size else b""
    return {row.name: _tensor(row, whole, size, members) for row in rows}


def _tensor(row: Row, whole: Any, size: int, members: dict[int, int] | None) -> Tensor:
    room = size - row.start if members is None else members.get(row.start, 0)
    if row.length > room or row.length % row.kind.itemsize:
        raise Contradiction("places")
    stored = row.length // row.kind.itemsize
    steps = (stride * (n - 1) for stride, n in zip(row.strides, row.shape, strict=True))
    last = row.offset + sum(steps)
    if 0 in row.shape:
        return torch.empty(row.shape, dtype=row.kind)
    if last >= stored:
        raise Contradiction("more numbers than are stored")
    flat = torch.frombuffer(whole, dtype=row.kind, count=stored, offset=row.start)
    return flat.as_strided(row.shape, row.strides, row.offset)
