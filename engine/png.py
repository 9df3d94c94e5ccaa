"""The parts of PNG that carry what we know about a picture: chunks and international text.

Pixels are left to Pillow. Reading checks every length and checksum, so a truncated or changed
file is refused rather than half understood.
"""

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import ImageUnreadable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
DAMAGED = "The PNG file is damaged or was cut off while it was copied. Copy it again."

Chunk = tuple[bytes, bytes]  # four letters, payload


def is_png(data: bytes) -> bool:
    return data.startswith(SIGNATURE)


def chunks(data: bytes) -> Iterator[Chunk]:
    """Every chunk of a PNG file up to its end mark; raises where it is damaged or cut off."""
    view, at = memoryview(data), len(SIGNATURE)
    while True:
        if at + 12 > len(data):
            raise ImageUnreadable(DAMAGED)
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            raise ImageUnreadable(DAMAGED)
        kind = bytes(view[at + 4 : at + 8])
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(view[at + 4 : at + 8 + length]) != checksum:
            raise ImageUnreadable(DAMAGED)
        yield kind, bytes(view[at + 8 : at + 8 + length])
        if kind == b"IEND":
            return
        at += 12 + length


def join(parts: Iterable[Chunk]) -> bytes:
    """Chunks -> the bytes of a PNG file."""
    out = io.BytesIO()
    out.write(SIGNATURE)
    for kind, payload in parts:
        checksum = zlib.crc32(payload, zlib.crc32(kind))
        out.write(struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", checksum))
    return out.getvalue()


def header(data: bytes) -> tuple[int, int, int, int]:
    """(width, height, bits a sample, colour type) as the first chunk states them."""
    if not is_png(data) or len(data) < 33 or data[12:16] != b"IHDR":
        raise ImageUnreadable(DAMAGED)
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    return width, height, bits, colour


def text_chunk(keyword: str, text: str) -> Chunk:
    """International text (iTXt), uncompressed, so that any viewer can show it."""
    return b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8")


def texts(parts: Iterable[Chunk]) -> dict[str, str]:
    """The uncompressed international texts among ``parts``; the first of a keyword counts."""
    found: dict[str, str] = {}
    for kind, payload in parts:
        keyword, _, rest = payload.partition(b"\0")
        if kind != b"iTXt" or rest[:2] != b"\0\0":
            continue
        body = rest[2:].split(b"\0", 2)[-1]
        found.setdefault(keyword.decode("latin-1"), body.decode("utf-8", "replace"))
    return found


def encode(codes: NDArray[Any]) -> bytes:
    """(H, W) grey codes, 8 or 16 bit -> a plain PNG file."""
    out = io.BytesIO()
    Image.fromarray(codes).save(out, "PNG", compress_level=6)
    return out.getvalue()


def decode(data: bytes) -> NDArray[Any]:
    """The reverse of :func:`encode`, for grey files that this program wrote."""
    for _ in chunks(data):  # lengths, checksums and the end mark
        pass
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        wide = image.mode.startswith("I")
        return np.array(image).astype(np.uint16 if wide else np.uint8)
