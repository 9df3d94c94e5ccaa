"""Arrays inside a PNG chunk, without loss: a name, one letter for the form, the content."""

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import png
from engine.errors import ImageUnreadable
from engine.images import from_codes, to_codes

SHAPE = struct.Struct(">II")  # height, width


def pack(name: str, array: NDArray[Any]) -> bytes:
    """The tightest lossless form: labels, 8-bit or 16-bit grey as PNG, else packed floats."""
    head = name.encode("latin-1") + b"\0"
    if array.dtype == np.uint8:
        return head + b"L" + png.encode(array)
    for form, bits, most in ((b"8", 8, 255), (b"W", 16, 65535)):
        codes = to_codes(array, bits)
        if np.array_equal(from_codes(codes, most), array):
            return head + form + png.encode(codes)
    return head + b"F" + SHAPE.pack(*array.shape) + zlib.compress(array.astype("<f4").tobytes())


def unwrap(payload: bytes) -> tuple[str, bytes, bytes]:
    name, _, rest = payload.partition(b"\0")
    return name.decode("latin-1"), rest[:1], rest[1:]


def size_of(form: bytes, body: bytes) -> tuple[int, int]:
    if form == b"F":
        if len(body) < SHAPE.size:
            raise ImageUnreadable(png.DAMAGED)
        height, width = SHAPE.unpack_from(body)
    elif form in (b"L", b"8", b"W"):
        width, height, _, colour = png.header(body)
        if colour != 0:
            raise ImageUnreadable(png.DAMAGED)
    else:
        raise ImageUnreadable(png.DAMAGED)
    return height, width


def unpack(form: bytes, body: bytes) -> NDArray[Any]:
    """The reverse of :func:`pack`; sizes have been checked against the limits."""
    height, width = size_of(form, body)
    try:
        if form == b"F":
            raw = zlib.decompressobj().decompress(body[SHAPE.size :], 4 * height * width)
            return np.frombuffer(raw, "<f4").reshape(height, width).astype(np.float32)
        codes = png.decode(body)
    except Exception as error:  # decoders fail in their own ways; the file is at fault in all
        raise ImageUnreadable(png.DAMAGED) from error
    return codes if form == b"L" else from_codes(codes, 255 if form == b"8" else 65535)
