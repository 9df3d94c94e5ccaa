"""Looks at the bytes of a DICOM file before any library does: nesting, lengths, sizes.

Nothing is decoded here and no element is interpreted, except those that say how the file is
written. What passes holds whole elements only, nested no deeper than :data:`DEEPEST`, and ends
with its picture; deflated files are inflated within bounds.
"""

import struct
import zlib
from dataclasses import dataclass

from engine.errors import ImageUnreadable

DEEPEST = 16  # sequences inside sequences
MOST_ELEMENTS = 200_000
MOST_HEADERS = 100  # elements of the file's header
MOST_INFLATED = 512_000_000  # bytes
MOST_RATIO = 100  # inflated bytes for each deflated one
START = 132  # preamble and "DICM"
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXELS, FLOATS, DOUBLES = 0x7FE00010, 0x7FE00008, 0x7FE00009
LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
BIG, DEFLATED = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
JPEG = "1.2.840.10008.1.2.4."
SYNTAXES = {
    IMPLICIT: "uncompressed",
    EXPLICIT: "uncompressed",
    BIG: "uncompressed, big endian",
    DEFLATED: "deflated",
    JPEG + "50": "JPEG, lossy",
    JPEG + "51": "JPEG, lossy, 12 bit",
    JPEG + "57": "JPEG, lossless",
    JPEG + "70": "JPEG, lossless",
    JPEG + "80": "JPEG-LS, lossless",
    JPEG + "81": "JPEG-LS, lossy",
    JPEG + "90": "JPEG 2000, lossless",
    JPEG + "91": "JPEG 2000",
    JPEG + "201": "HTJ2K, lossless",
    JPEG + "202": "HTJ2K, lossless",
    JPEG + "203": "HTJ2K",
    "1.2.840.10008.1.2.5": "RLE, lossless",
}
DAMAGED = "The DICOM file is damaged: its parts do not fit together. Export it again from the PACS."
CUT_OFF = "The DICOM file was cut off while it was copied. Copy it again."


@dataclass(frozen=True)
class Place:
    """Where the value of an element lies in :attr:`Outline.data`; ``length`` in bytes."""

    start: int
    length: int


@dataclass(frozen=True)
class Outline:
    """A file that passed. ``body`` holds its elements, inflated, up to the end of the picture,
    ``syntax`` is the UID of how they are written, ``elements`` those of the top level.
    ``private`` is what the program named by ``private_creator`` put into the header."""

    body: bytes
    syntax: str
    media_class: str
    private_creator: str
    private: bytes
    elements: dict[int, Place]

    def value(self, tag: int) -> bytes | None:
        place = self.elements.get(tag)
        return None if place is None else self.body[place.start : place.start + place.length]

    def text(self, tag: int) -> str:
        """A short text of the top level, without padding; "" where there is none."""
        return (self.value(tag) or b"")[:256].decode("latin-1").strip(" \0")

    def file(self) -> bytes:
        """A file with these elements and nothing of the preamble and header it came with."""
        inflated = EXPLICIT if self.syntax == DEFLATED else self.syntax
        uid = inflated.encode() + b"\0" * (len(inflated) % 2)
        syntax = struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid
        length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(syntax))
        return b"".join((bytes(128), b"DICM", length, syntax, self.body))


def is_dicom(data: bytes) -> bool:
    return data[128:START] == b"DICM"


def outline(data: bytes) -> Outline:
    """What ``data`` holds; raises where it is damaged, cut off, too deep or blown up."""
    if not is_dicom(data):
        raise ImageUnreadable("This is not a DICOM file.")
    meta, start = _meta(data)
    syntax, media_class, creator = (
        meta.get(tag, b"")[:256].decode("latin-1").strip(" \0")
        for tag in (0x00020010, 0x00020002, 0x00020100)
    )
    if media_class == "1.2.840.10008.1.3.10":
        raise ImageUnreadable(
            "This is a DICOMDIR: it lists the pictures of a disc and holds none. Open one of the "
            "pictures that lie beside it."
        )
    if not syntax:
        raise ImageUnreadable(DAMAGED)
    if syntax not in SYNTAXES:
        raise ImageUnreadable(
            "This DICOM file is compressed in a way that cannot be read here. Export it "
            "uncompressed from the PACS."
        )
    body = _inflated(data[start:]) if syntax == DEFLATED else data[start:]
    walk = _Walk(body, explicit=syntax != IMPLICIT, order=">" if syntax == BIG else "<")
    walk.run()
    private = meta.get(0x00020102, b"")
    return Outline(body[: walk.at], syntax, media_class, creator, private, walk.elements)


def _meta(data: bytes) -> tuple[dict[int, bytes], int]:
    """The values of group 2, and where the elements behind it begin."""
    found: dict[int, bytes] = {}
    at = START
    while data[at : at + 2] == b"\2\0":
        if at + 12 > len(data):
            raise ImageUnreadable(CUT_OFF)
        group, element, vr = struct.unpack_from("<HH2s", data, at)
        if vr in LONG:
            (length,), at = struct.unpack_from("<I", data, at + 8), at + 12
        else:
            (length,), at = struct.unpack_from("<H", data, at + 6), at + 8
        if at + length > len(data):
            raise ImageUnreadable(CUT_OFF)
        if len(found) == MOST_HEADERS:
            raise ImageUnreadable(DAMAGED)
        found[group << 16 | element] = data[at : at + length]
        at += length
    return found, at


def _inflated(deflated: bytes) -> bytes:
    most = min(MOST_INFLATED, MOST_RATIO * max(len(deflated), 1000))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = inflater.decompress(deflated, most)
    except zlib.error as error:
        raise ImageUnreadable(DAMAGED) from error
    if inflater.eof:
        return body
    if len(body) >= most:
        raise ImageUnreadable(
            "The DICOM file unfolds to far more than a radiograph needs, so it was not opened. "
            "Export it uncompressed from the PACS."
        )
    raise ImageUnreadable(CUT_OFF)


@dataclass
class _Level:
    """An open sequence or item; ``end`` is None where a delimiter ends it."""

    sequence: bool
    end: int | None
    explicit: bool


class _Walk:
    """Steps from element to element without recursion, however deep a file pretends to be."""

    def __init__(self, body: bytes, explicit: bool, order: str) -> None:
        self.body, self.explicit, self.order = body, explicit, order
        self.at = 0
        self.levels: list[_Level] = []
        self.elements: dict[int, Place] = {}

    def run(self) -> None:
        """Up to the end of the picture, or of the file where there is none."""
        for _ in range(MOST_ELEMENTS):
            while self.levels and self.levels[-1].end is not None:
                if self.at < self.levels[-1].end:
                    break
                if self.at > self.levels[-1].end:
                    raise ImageUnreadable(DAMAGED)
                self.levels.pop()
            if self.at == len(self.body) and not self.levels:
                return
            if self._step():
                return
        raise ImageUnreadable(DAMAGED)

    def _step(self) -> bool:
        """One element or delimiter; True after the picture."""
        tag = self._tag()
        if tag >> 16 == 0xFFFE:
            self._delimiter(tag)
            return False
        if self.levels and self.levels[-1].sequence:
            raise ImageUnreadable(DAMAGED)  # only items lie directly in a sequence
        explicit = self.levels[-1].explicit if self.levels else self.explicit
        vr, length = self._head(explicit)
        start, top = self.at, not self.levels
        picture = tag in (PIXELS, FLOATS, DOUBLES)
        if picture and length == UNDEFINED:
            self._fragments()
        elif vr == b"SQ" or length == UNDEFINED or self._hides_items(vr, length):
            if length == UNDEFINED and vr not in (b"SQ", b"UN", b""):
                raise ImageUnreadable(DAMAGED)
            self._open(True, length, explicit and vr != b"UN")
        else:
            self._skip(length)
        if top:
            size = self.at - start if length == UNDEFINED or picture else length
            self.elements[tag] = Place(start, size)
        return top and picture

    def _delimiter(self, tag: int) -> None:
        length = self._number("I")
        inside = self.levels[-1] if self.levels else None
        if inside is None:
            raise ImageUnreadable(DAMAGED)
        if tag == ITEM and inside.sequence:
            self._open(False, length, inside.explicit)
        elif tag == (SEQUENCE_END if inside.sequence else ITEM_END) and inside.end is None:
            self.levels.pop()
        else:
            raise ImageUnreadable(DAMAGED)

    def _open(self, sequence: bool, length: int, explicit: bool) -> None:
        if sum(level.sequence for level in self.levels) + sequence > DEEPEST:
            raise ImageUnreadable(
                "The DICOM file is nested deeper than any radiograph is, so it was not opened. "
                "Export it again from the PACS."
            )
        end = None if length == UNDEFINED else self.at + length
        if end is not None and end > len(self.body):
            raise ImageUnreadable(CUT_OFF)
        self.levels.append(_Level(sequence, end, explicit))

    def _hides_items(self, vr: bytes, length: int) -> bool:
        """Whether a value of unstated kind is a sequence: it begins with an item."""
        if vr not in (b"", b"UN") or length < 8:
            return False
        return self.body[self.at : self.at + 4] == struct.pack(self.order + "HH", 0xFFFE, 0xE000)

    def _fragments(self) -> None:
        """The pieces of a compressed picture, up to the delimiter behind them."""
        for _ in range(MOST_ELEMENTS):
            tag, length = self._tag(), self._number("I")
            if tag == SEQUENCE_END:
                return
            if tag != ITEM or length == UNDEFINED:
                raise ImageUnreadable(DAMAGED)
            self._skip(length)
        raise ImageUnreadable(DAMAGED)

    def _head(self, explicit: bool) -> tuple[bytes, int]:
        if not explicit:
            return b"", self._number("I")
        vr = self.body[self.at : self.at + 2]
        self._skip(2)
        if not (vr.isalpha() and vr.isupper()):
            raise ImageUnreadable(DAMAGED)
        if vr in LONG:
            self._skip(2)
            return vr, self._number("I")
        return vr, self._number("H")

    def _tag(self) -> int:
        group = self._number("H")
        return group << 16 | self._number("H")

    def _number(self, form: str) -> int:
        start = self.at
        self._skip(struct.calcsize(form))
        return struct.unpack_from(self.order + form, self.body, start)[0]

    def _skip(self, length: int) -> None:
        if self.at + length > len(self.body):
            raise ImageUnreadable(CUT_OFF)
        self.at += length
