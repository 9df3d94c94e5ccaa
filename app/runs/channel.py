"""What crosses between the page and the process of the models: frames of plain values.

A frame is a kind (one byte), the number of a call, and a payload. Payloads are pickled, but only
the program's own frozen values, NumPy arrays, and what Python is built of are taken back out: a
name of anything else is refused, so a process that went astray cannot have the other run code.

Arrays of a request that come back in its result are not sent again: both sides number the arrays
of the request in the same order, and the result names them. So a picture that a run did not change
stays one and the same array in the document.
"""

import io
import pickle
import struct
import threading
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, BinaryIO

import numpy as np

HEAD = struct.Struct("<cIQ")  # kind, number of the call, bytes of the payload
MOST_BYTES = 4 << 30  # of a payload; a film of 40 MP with all its stages has 1 GiB
OPEN, WARM, RUN, ASK, STOP = b"O", b"W", b"R", b"C", b"S"  # to the process
BEGUN, EVENT, ANSWER, FAULT, BEAT, STATUS, LOG = b"G", b"E", b"A", b"F", b"B", b"M", b"L"  # back
OURS = ("engine.api", "engine.listing", "engine.shapes", "app.settings", "app.models.filing")
PLAIN = {
    "builtins": {"set", "frozenset", "complex", "slice", "range", "bytearray"},
    "numpy": {"ndarray", "dtype"},
    "pathlib": {"PosixPath", "WindowsPath", "Path"},
    "pathlib._local": {"PosixPath", "WindowsPath", "Path"},
}
NUMPY = {"_reconstruct", "scalar", "_frombuffer"}  # of numpy's core, whatever it is called


class Broken(Exception):
    """The other side sent what it never sends, or went away in the middle of a frame."""


class Channel:
    """Frames over two pipes. Several threads may send; one receives."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO):
        self._in, self._out = incoming, outgoing
        self._lock = threading.Lock()

    def send(self, kind: bytes, call: int, payload: bytes = b"") -> None:
        """Raises OSError or ValueError where the other side has gone."""
        with self._lock:
            self._out.write(HEAD.pack(kind, call, len(payload)))
            self._out.write(payload)
            self._out.flush()

    def receive(self) -> tuple[bytes, int, bytes] | None:
        """The next frame; None where the other side has closed. Raises Broken."""
        head = self._in.read(HEAD.size)
        if not head:
            return None
        if len(head) < HEAD.size:
            raise Broken
        kind, call, size = HEAD.unpack(head)
        if size > MOST_BYTES:
            raise Broken
        payload = self._in.read(size)
        if len(payload) < size:
            raise Broken
        return kind, call, payload


class _Packer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, known: Sequence[np.ndarray]):
        super().__init__(file, protocol=5)
        self._known = {id(array): number for number, array in enumerate(known)}

    def persistent_id(self, obj: Any) -> int | None:
        return self._known.get(id(obj)) if isinstance(obj, np.ndarray) else None


class _Unpacker(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, known: Sequence[np.ndarray]):
        super().__init__(file)
        self._known = known

    def persistent_load(self, pid: Any) -> np.ndarray:
        return self._known[pid]

    def find_class(self, module: str, name: str) -> Any:
        core = module.startswith(("numpy._core.", "numpy.core.")) and name in NUMPY
        if core or module in OURS or name in PLAIN.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError("a name that is never sent")


def pack(value: Any, known: Sequence[np.ndarray] = ()) -> bytes:
    """``value`` as a payload; arrays of ``known`` go as their numbers."""
    file = io.BytesIO()
    _Packer(file, known).dump(value)
    return file.getvalue()


def unpack(payload: bytes, known: Sequence[np.ndarray] = ()) -> Any:
    """Raises Broken where ``payload`` is not what :func:`pack` makes of plain values."""
    try:
        return _Unpacker(io.BytesIO(payload), known).load()
    except Exception as error:
        raise Broken from error


def arrays_of(value: Any) -> list[np.ndarray]:
    """The arrays in a request, in an order that is the same for its copy on the other side."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, tuple | list):
        return [array for item in value for array in arrays_of(item)]
    if is_dataclass(value) and not isinstance(value, type):
        return [array for f in fields(value) for array in arrays_of(getattr(value, f.name))]
    return []
