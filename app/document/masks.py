"""Masks in and out: a drawing as files of other programs, and their files as parts of a drawing.

Out: a ZIP of one PNG per label (255 where it is painted), one index PNG (0 nothing, 1 left lung,
2 right lung, 3 heart, 4 aorta) and ``masks.npz`` with the bit planes, which alone hold overlaps and
words. In: each of these, and what other programs write under the same names.
"""

import io
import json
import math
import re
import zipfile
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.canvas.drawing import (
    ALL_BITS,
    ERASE,
    FIRST_FINDING,
    KEEP,
    LAST_FINDING,
    MOST_PIXELS,
    ORGAN_BITS,
    RESERVED_BITS,
    Bits,
    Drawing,
    FindingRegion,
    findings_of,
    flat_organs,
    letter_of,
    listed,
    organ_bits,
)
from app.document.archive import open_zip, read_member
from app.document.project import ProjectUnreadable
from engine import png
from engine.api import ORGAN_NAMES
from engine.errors import EngineError, ImageUnreadable, InvalidRequest
from engine.images import read_mask, read_organs

LABELS = {bit - 1: name for bit, name in ORGAN_NAMES.items()}  # bit -> name
AREAS = {ERASE: "area to erase", KEEP: "area to keep"}
NEW_FINDING = -1  # the next letter that is free
SAYS = {  # words in a file's name -> bit
    r"left.?lung|lung.?l(eft)?\b": 0,
    r"right.?lung|lung.?r(ight)?\b": 1,
    r"heart|cardiac|cor\b": 2,
    r"aorta": 3,
    r"erase": ERASE,
    r"keep": KEEP,
}
NPZ = "masks.npz"
MOST_NPZ = 30 * MOST_PIXELS + 65_536  # bytes of one array
KEYS = {"bits": ("findings",), "organs": (), "labels": ("names",), None: ()}


@dataclass(frozen=True)
class Masks:
    """Bit planes (h, w) read from a file; ``replaces`` are the bits that the file speaks of."""

    bits: Bits
    replaces: int
    findings: tuple[FindingRegion, ...] = ()


# In


def label_in(name: str) -> int | None:
    """The label that a file's name says: a bit, :data:`NEW_FINDING`, or None."""
    plain = re.sub(r"[\W_]+", " ", name.rsplit(".", 1)[0]).lower().strip()
    for pattern, bit in SAYS.items():
        if re.search(rf"\b({pattern})", plain):
            return bit
    found = re.search(r"\bfinding(?: ([a-x]))?\b", plain)
    if found is None:
        return None
    letter = found.group(1)
    return NEW_FINDING if letter is None else FIRST_FINDING + ord(letter) - ord("a")


def is_index(data: bytes) -> bool:
    """Whether a picture is a label map: the codes 0 to 4, or XReal's grey levels, and nothing
    else; two tones alone are a painted region."""
    try:
        organs = read_organs(data)
    except EngineError:
        return False
    return bool(organs.any()) and bool((organs == 0).any()) and not is_binary(data)


def is_binary(data: bytes) -> bool:
    """Whether a picture holds two tones, of which one is black: a painted region."""
    try:
        mask = read_mask(data)
    except EngineError:
        return False
    tones = np.unique(mask)
    return len(tones) == 2 and tones[0] == 0


def of_index(data: bytes) -> Masks:
    return Masks(organ_bits(read_organs(data)), ORGAN_BITS)


def of_label(data: bytes, bit: int) -> Masks:
    """A painted region as one label; what is brighter than middle grey is painted."""
    mask = read_mask(data)
    painted = mask > 0.5 if mask.max(initial=0) > 0.5 else mask > 0
    if not painted.any():
        raise ImageUnreadable("The mask is empty: nothing in it is brighter than black.")
    planes = painted.astype(np.uint32) << np.uint32(bit)
    findings = ()
    if FIRST_FINDING <= bit <= LAST_FINDING:
        findings = (FindingRegion(bit, letter_of(bit), ""),)
    return Masks(planes, 1 << bit, findings)


def of_npz(data: bytes) -> Masks:
    """Arrays of the keys ``bits`` (h, w), ``organs`` (h, w), or ``labels`` (h, w) or (n, h, w)."""
    arrays = read_npz(data)
    if "bits" in arrays:
        bits = arrays["bits"]
        if bits.ndim != 2 or bits.dtype.kind not in "ui":
            raise _odd("bits", bits)
        planes = bits.astype(np.uint32)
        if (planes != bits).any() or (planes & np.uint32(RESERVED_BITS)).any():
            raise _odd("bits", bits)
        return Masks(planes, ALL_BITS & ~RESERVED_BITS, _words(arrays, planes))
    for key in ("organs", "labels"):
        if key in arrays and arrays[key].ndim == 2:
            return Masks(organ_bits(_codes(arrays[key], key)), ORGAN_BITS)
    if "labels" in arrays and arrays["labels"].ndim == 3:
        return _stack(arrays)
    raise ImageUnreadable(
        "This NPZ file holds no masks: it needs an array named bits, organs or labels."
    )


def read_npz(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an NPZ file that matter, by name; nothing in it is run, sizes come first."""
    try:
        with open_zip(io.BytesIO(data)) as archive:
            infos = {i.filename.removesuffix(".npy"): i for i in archive.infolist()[:64]}
            wanted = next((key for key in KEYS if key in infos), None)
            names = [name for name in (wanted, *KEYS.get(wanted, ())) if name in infos]
            return {
                name: _array(read_member(archive, infos[name], MOST_NPZ))
                for name in names
                if name is not None
            }
    except zipfile.BadZipFile as error:
        raise ImageUnreadable("The NPZ file is damaged or was cut off. Copy it again.") from error
    except ProjectUnreadable as error:
        raise ImageUnreadable("The NPZ file is damaged, or larger than masks can be.") from error


def _array(data: bytes) -> NDArray[Any]:
    """One array; as many bytes as its header says, so that no more is ever reserved."""
    try:
        file = io.BytesIO(data)
        major, _ = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        shape, fortran, dtype = (read if major == 1 else np.lib.format.read_array_header_2_0)(file)
        if dtype.hasobject or len(data) - file.tell() != math.prod(shape) * dtype.itemsize:
            raise ValueError("size")
        array = np.frombuffer(data, dtype, offset=file.tell())
        return array.reshape(shape, order="F" if fortran else "C")
    except Exception as error:  # NumPy fails in several ways; the file is at fault in all
        raise ImageUnreadable("The NPZ file is damaged, or holds more than numbers.") from error


def _codes(array: NDArray[Any], key: str) -> NDArray[np.uint8]:
    if array.dtype.kind not in "uib" or array.min(initial=0) < 0 or array.max(initial=0) > 4:
        raise _odd(key, array)
    return array.astype(np.uint8)


def _stack(arrays: dict[str, NDArray[Any]]) -> Masks:
    stack, names = arrays["labels"], arrays.get("names")
    named = list(LABELS.values()) if names is None else [str(name) for name in names.ravel()]
    if stack.dtype.kind not in "uib" or not 0 < len(stack) <= len(named):
        raise _odd("labels", stack)
    bits = np.zeros(stack.shape[1:], np.uint32)
    replaces, free, findings = 0, FIRST_FINDING, []
    for plane, name in zip(stack, named, strict=False):
        bit = label_in(name)
        if bit is None or bit == NEW_FINDING:
            if free > LAST_FINDING:
                raise _odd("labels", stack)
            bit = free
            words = "" if name.lower() == "finding" else name[:300]
            findings.append(FindingRegion(bit, letter_of(bit), words))
            free += 1
        bits |= (plane > 0).astype(np.uint32) << np.uint32(bit)
        replaces |= 1 << bit
    return Masks(bits, replaces, tuple(findings))


def _words(arrays: dict[str, NDArray[Any]], bits: Bits) -> tuple[FindingRegion, ...]:
    stored = arrays.get("findings")
    found: tuple[FindingRegion, ...] = ()
    if stored is not None and stored.dtype == np.uint8 and stored.ndim == 1:
        try:
            found = findings_of(json.loads(stored.tobytes()))
        except (ValueError, RecursionError, InvalidRequest) as error:
            raise ImageUnreadable("The words in the NPZ file are damaged.") from error
    known = {f.bit for f in found}
    used = [b for b in range(FIRST_FINDING, LAST_FINDING + 1) if (bits >> np.uint32(b) & 1).any()]
    more = [FindingRegion(bit, letter_of(bit), "") for bit in used if bit not in known]
    return tuple(sorted((*found, *more), key=lambda f: f.bit))


def _odd(key: str, array: NDArray[Any]) -> ImageUnreadable:
    shape = " x ".join(map(str, array.shape))
    return ImageUnreadable(
        f"The array {key} in this NPZ file ({shape}, {array.dtype}) is no mask. Labels are whole "
        "numbers from 0 to 4, one for each pixel."
    )


def laid_on(
    masks: Masks, drawing: Drawing | None, shape: tuple[int, int] | None, doc: str
) -> tuple[Drawing, str]:
    """``drawing`` with the masks in it, and a sentence where they had to be brought to its size.

    ``shape`` (h, w) is what the masks must fit, None where they may have any size.
    """
    height, width = masks.bits.shape
    if min(height, width) < 1:
        raise InvalidRequest("The mask is empty: it has no pixels. Nothing was changed.")
    if height * width > MOST_PIXELS:
        raise InvalidRequest(f"The mask is {width} x {height} px, which is too large to draw on.")
    bits, said = masks.bits, ""
    if shape is not None and shape != bits.shape:
        bits, said = _brought(bits, shape)
    old = np.zeros(bits.shape, np.uint32)
    if drawing is not None and drawing.bits.shape == bits.shape:
        old = drawing.bits
    keep = np.uint32(ALL_BITS & ~masks.replaces)
    names = {f.bit: f for f in (drawing.findings if drawing is not None else ())}
    if masks.replaces == ALL_BITS & ~RESERVED_BITS:
        names = {}
    new = {f.bit: f for f in masks.findings if f.words or f.bit not in names}
    findings = tuple(sorted({**names, **new}.values(), key=lambda f: f.bit))
    whole = ((old & keep) | bits).astype(np.uint32)
    base = drawing or Drawing(doc, 0, "", None, whole)
    return replace(base, bits=whole, findings=findings), said


def free_finding(drawing: Drawing | None, taken: set[int]) -> int:
    used = taken | {f.bit for f in (drawing.findings if drawing is not None else ())}
    for bit in range(FIRST_FINDING, LAST_FINDING + 1):
        if bit not in used:
            return bit
    raise InvalidRequest("There can be 24 findings at most. Delete one first.")


def _brought(bits: Bits, shape: tuple[int, int]) -> tuple[Bits, str]:
    (old_height, old_width), (height, width) = bits.shape, shape
    sizes = f"The mask is {old_width} x {old_height} px and the picture {width} x {height} px"
    if abs(height * old_width - width * old_height) > max(*shape, *bits.shape):
        raise InvalidRequest(
            f"{sizes}: another shape, so it belongs to another picture. Nothing was changed."
        )
    rows = ((np.arange(height) + 0.5) * old_height / height).astype(int)
    columns = ((np.arange(width) + 0.5) * old_width / width).astype(int)
    brought = np.ascontiguousarray(bits[np.ix_(rows, columns)])
    return brought, f"{sizes}. It was brought to the size of the picture; edges moved by a pixel."


# Out


def masks_bytes(drawing: Drawing) -> bytes:
    """The drawing as a ZIP of masks; reading ``masks.npz`` in it gives the same bits."""
    painted = [bit for bit in range(30) if drawing.has(bit)]
    if not painted:
        raise InvalidRequest("Nothing is drawn yet, so there are no masks to export.")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for bit in painted:
            data = png.encode((drawing.bits >> np.uint32(bit) & 1).astype(np.uint8) * 255)
            archive.writestr(_member(f"{file_name(bit)}.png"), data)
        archive.writestr(_member("index.png"), png.encode(flat_organs(drawing.bits)))
        archive.writestr(_member(NPZ), npz_bytes(drawing, painted))
        archive.writestr(_member("README.txt"), ABOUT)
    return out.getvalue()


def npz_bytes(drawing: Drawing, painted: list[int]) -> bytes:
    words = json.dumps([listed(finding) for finding in drawing.findings]).encode()
    arrays = {
        "bits": drawing.bits,
        "organs": flat_organs(drawing.bits),
        "labels": np.stack([drawing.bits >> np.uint32(bit) & 1 for bit in painted]).astype(bool),
        "names": np.array([file_name(bit) for bit in painted]),
        "findings": np.frombuffer(words, np.uint8),
    }
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)  # pyright: ignore[reportArgumentType]
    return out.getvalue()


def file_name(bit: int) -> str:
    """A label as part of a file's name; words of a finding are no part of it."""
    known = {**LABELS, **AREAS}
    return known[bit].replace(" ", "_") if bit in known else f"finding_{letter_of(bit)}"


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


ABOUT = """Masks of XReal Studio, drawn on a synthetic or edited radiograph. Not for diagnosis.
*.png      one label each, 255 where it is painted; left and right are the patient's
index.png  0 nothing, 1 left lung, 2 right lung, 3 heart, 4 aorta (aorta wins, then heart)
masks.npz  bits: uint32, one bit a label (0 to 3 organs, 4 to 27 findings, 28 erase, 29 keep);
           organs: as index.png; labels, names: one plane each; findings: JSON, the words
"""
