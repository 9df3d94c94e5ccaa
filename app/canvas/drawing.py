"""What the label canvas sends, checked and decoded, and what is sent back to it.

A drawing is one unsigned 32-bit integer a pixel, (h, w), row-major: bit 0 left lung, 1 right lung,
2 heart, 3 aorta (bit k is organ k + 1 of the engine), 4 to 27 findings A, B, ..., 28 the area to
erase, 29 the area to keep, 30 and 31 reserved. Labels may overlap; only the engine's label map is
flat, and the aorta wins there, then the heart, then the lungs.
"""

import base64
import gzip
import json
import re
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api import AORTA, HEART, LEFT_LUNG, RIGHT_LUNG, STRONGEST, Mask, Organs
from engine.errors import InvalidRequest

Bits = NDArray[np.uint32]  # (H, W), one bit per label

FIRST_FINDING, LAST_FINDING = 4, 27
ERASE, KEEP = 28, 29
ORGAN_BITS = 0b1111
ALL_BITS = 0xFFFFFFFF
RESERVED_BITS = 0xC0000000
MOST_PIXELS = 4096 * 4096
LONGEST_WORDS = 300
FILE_DATA = "gradio.FileData"

_IDENTIFIER = re.compile(r"[0-9A-Za-z_-]{1,64}")
_DAMAGED = "The drawing did not arrive whole, so nothing was run. Please try again."


@dataclass(frozen=True)
class FindingRegion:
    """One finding of the list: its plane, its letter on the screen, and the person's words.

    ``strength`` from 0 to 2, as :class:`engine.api.Finding` takes it.
    """

    bit: int
    letter: str
    words: str
    strength: float = 1.0


@dataclass(frozen=True)
class Drawing:
    """The canvas at one moment. ``rev`` counts the changes of document ``doc``.

    ``job`` is the id the browser made for the run, ``state`` the id of the picture on screen.
    """

    doc: str
    rev: int
    job: str
    state: str | None
    bits: Bits
    findings: tuple[FindingRegion, ...] = ()

    def organs(self) -> Organs | None:
        """The engine's label map (h, w), or None where no organ is drawn."""
        found = flat_organs(self.bits)
        return found if found.any() else None

    def has(self, bit: int) -> bool:
        return bool((self.bits >> np.uint32(bit) & 1).any())

    def mask(self, bit: int) -> Mask:
        """One plane as the engine's mask (h, w): 1 where it is painted, 0 elsewhere."""
        return (self.bits >> np.uint32(bit) & 1).astype(np.float32)

    def finding_mask(self, bit: int) -> Mask:
        return self.mask(bit)

    def erase_mask(self) -> Mask:
        return self.mask(ERASE)

    def keep_mask(self) -> Mask:
        return self.mask(KEEP)

    def painted_findings(self) -> tuple[FindingRegion, ...]:
        return tuple(f for f in self.findings if self.has(f.bit))


@dataclass
class Revisions:
    """The newest revision seen of each document, so that an old drawing never wins a race."""

    most: int = 1000
    _newest: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def admit(self, doc: str, rev: int) -> None:
        if rev < self._newest.get(doc, 0):
            raise InvalidRequest("A newer version of this drawing has already arrived. Try again.")
        self._newest[doc] = rev
        self._newest.move_to_end(doc)
        while len(self._newest) > self.most:
            self._newest.popitem(last=False)


def letter_of(bit: int) -> str:
    return chr(ord("A") + bit - FIRST_FINDING)


def flat_organs(bits: Bits) -> Organs:
    """Bit planes -> label map (h, w), 0 to 4: the aorta wins, then the heart, then the lungs."""
    organs = np.zeros(bits.shape, np.uint8)
    for label in (RIGHT_LUNG, LEFT_LUNG, HEART, AORTA):
        organs[(bits >> np.uint32(label - 1) & 1).astype(bool)] = label
    return organs


def organ_bits(organs: Organs) -> Bits:
    """A label map of the engine (h, w) -> bit planes."""
    return np.where(
        organs > 0, np.uint32(1) << (organs.astype(np.uint32) - (organs > 0)), 0
    ).astype(np.uint32)


def checked_upload(value: Any, folder: Path) -> Path:
    """The file behind what claims to be an upload; nothing outside ``folder`` is opened."""
    meta = value.get("meta") if isinstance(value, Mapping) else None
    path = value.get("path") if isinstance(value, Mapping) else None
    if not isinstance(meta, Mapping) or meta.get("_type") != FILE_DATA or not isinstance(path, str):
        raise InvalidRequest("The file did not come from this page, so it was not opened.")
    try:
        real = Path(path).resolve()
        if real.is_relative_to(folder.resolve()) and real.is_file():
            return real
    except (OSError, ValueError):
        pass  # a name that no file can have
    raise InvalidRequest("The file is not among the uploads of this page; it was not opened.")


def read_drawing(payload: Any, folder: Path, seen: Revisions | None = None) -> Drawing:
    """What ``flush()`` returned, after every check, as a :class:`Drawing`.

    ``folder`` is where uploads are kept; ``seen`` refuses revisions older than one seen before.
    Raises InvalidRequest with a sentence for the screen.
    """
    if not isinstance(payload, Mapping):
        raise InvalidRequest(_DAMAGED)
    width, height = _size(payload)
    path = checked_upload(payload.get("labels"), folder)
    if path.stat().st_size > 4 * width * height + 65536:
        raise InvalidRequest(_DAMAGED)
    drawing = read_planes(payload, path.read_bytes())
    if seen is not None:
        seen.admit(drawing.doc, drawing.rev)
    return drawing


def read_planes(head: Mapping[str, Any], packed: bytes) -> Drawing:
    """A drawing from its description and its gzipped planes, after every check."""
    if head.get("v") != 1:
        raise InvalidRequest(_DAMAGED)
    doc, job = _identifier(head.get("doc")), _identifier(head.get("job"))
    state = None if head.get("state") is None else _identifier(head.get("state"))
    rev, (width, height) = _whole(head.get("rev")), _size(head)
    raw = _unpacked(packed, 4 * width * height)
    if zlib.crc32(raw) != head.get("crc32"):
        raise InvalidRequest(_DAMAGED)
    bits = np.frombuffer(raw, "<u4").reshape(height, width).astype(np.uint32)
    if (bits & np.uint32(RESERVED_BITS)).any():
        raise InvalidRequest(_DAMAGED)
    bits.setflags(write=False)
    return Drawing(doc, rev, job, state, bits, findings_of(head.get("findings", [])))


def labels_file(
    bits: Bits, findings: Sequence[FindingRegion] = (), replaces: int = ALL_BITS
) -> bytes:
    """The JSON behind a ``labels_url``. ``replaces`` are the bits it may change in the browser.

    An anatomy (template, segmentation) uses ``replaces=ORGAN_BITS``: findings and areas stay, and
    it is resampled to the drawing's size.
    """
    raw = np.ascontiguousarray(bits, "<u4").tobytes()
    height, width = bits.shape
    return json.dumps(
        {
            "v": 1,
            "w": width,
            "h": height,
            "crc32": zlib.crc32(raw),
            "replaces": replaces,
            "findings": [{**listed(f), "letter": f.letter} for f in findings],
            "gzip": base64.b64encode(gzip.compress(raw, 6, mtime=0)).decode("ascii"),
        }
    ).encode()


def _size(payload: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height, within what can be drawn on."""
    width, height = _whole(payload.get("w")), _whole(payload.get("h"))
    if width < 1 or height < 1:
        raise InvalidRequest(_DAMAGED)
    if width * height > MOST_PIXELS:
        raise InvalidRequest(
            f"The drawing is {width} x {height} px; the largest that can be drawn on has "
            f"{MOST_PIXELS // 10**6} million pixels."
        )
    return width, height


def _unpacked(packed: bytes, size: int) -> bytes:
    """The gzipped planes, never unpacking more than ``size`` bytes and a little."""
    reader = zlib.decompressobj(wbits=31)
    try:
        raw = reader.decompress(packed, size + 1)
        more = b"" if reader.eof else reader.decompress(reader.unconsumed_tail, 1)
    except zlib.error as error:
        raise InvalidRequest(_DAMAGED) from error
    if len(raw) != size or more or not reader.eof:
        raise InvalidRequest(_DAMAGED)
    return raw


def listed(finding: FindingRegion) -> dict[str, Any]:
    """A finding of the list as the browser and project files write it."""
    return {"bit": finding.bit, "words": finding.words, "strength": finding.strength}


def findings_of(value: Any) -> tuple[FindingRegion, ...]:
    """The list of findings as the browser and project files write it, checked."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > 24:
        raise InvalidRequest(_DAMAGED)
    found: dict[int, FindingRegion] = {}
    for item in value:
        bit = _whole(item.get("bit")) if isinstance(item, Mapping) else -1
        words = item.get("words") if isinstance(item, Mapping) else None
        if not FIRST_FINDING <= bit <= LAST_FINDING or bit in found or not isinstance(words, str):
            raise InvalidRequest(_DAMAGED)
        if len(words) > LONGEST_WORDS:
            raise InvalidRequest(f"The words of finding {letter_of(bit)} are too long.")
        strength = strength_of(item.get("strength", 1))
        found[bit] = FindingRegion(bit, letter_of(bit), words.strip(), strength)
    return tuple(found.values())


def strength_of(value: Any) -> float:
    """The strength of a finding, 0 to 2, from the browser or a file."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= STRONGEST:
        raise InvalidRequest(_DAMAGED)
    return float(value)


def _identifier(value: Any) -> str:
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise InvalidRequest(_DAMAGED)
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise InvalidRequest(_DAMAGED)
    return value
