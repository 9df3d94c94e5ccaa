"""What a DICOM file means: which film, which values, which tones. Runs in a process of its own.

Only the elements of :data:`WANTED` are read, so that names never enter this program.
"""

import io
import math
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from engine.checks import LARGEST_SIDE, MOST_PIXELS
from engine.dicom import gate
from engine.dicom.film import VIEWS, Film, Kind
from engine.dicom.gate import Outline
from engine.dicom.kinds import KINDS, OTHERS, STORAGE
from engine.dicom.tones import Function, Lut, Tones, Window, span, units
from engine.errors import ImageUnreadable

EQUIPMENT = "ContributingEquipmentSequence"
WANTED = [
    0x00080016, 0x0008001C, 0x00180088, 0x00181114, 0x00181164, 0x0018A001, 0x00182010, 0x00185101,
    0x00200020,
    0x00280002, 0x00280004, 0x00280008, 0x00280010, 0x00280011, 0x00280030, 0x00280A02, 0x00280100,
    0x00280101, 0x00280102, 0x00280103, 0x00280301, 0x00281050, 0x00281051, 0x00281052,
    0x00281053, 0x00281056, 0x00283000, 0x00283010, 0x00282110, 0x20500020, gate.PIXELS,
]  # fmt: skip
ENCRYPTED = 0x04000500
DARKEST, BRIGHTEST = 0.5, 99.5  # percentiles, where a file says nothing of its tones


def film_of(outline: Outline) -> Film:
    """The film that ``outline`` holds; raises :class:`ImageUnreadable` where it holds none."""
    try:
        return _film(outline)
    except ImageUnreadable:
        raise
    except MemoryError:
        raise ImageUnreadable(
            "The picture in this DICOM file needs more memory than a radiograph does, so it was "
            "not opened. Export it uncompressed from the PACS."
        ) from None
    except Exception as error:  # parsers and decoders fail in their own ways; the file is at fault
        raise ImageUnreadable(gate.DAMAGED) from error


def _film(outline: Outline) -> Film:
    import pydicom  # takes half a second, and only this process needs it

    head = pydicom.dcmread(io.BytesIO(outline.file()), specific_tags=list(WANTED))
    kind = _kind(outline, str(head.get("SOPClassUID", "")))
    _check_picture(outline, head)
    allocated, bits, signed = _depth(head)
    _check_length(outline, head, allocated)
    values = _decoded(head, allocated, bits, signed)
    notes: list[str] = []
    tones = _tones(head, values, (bits, signed), kind, notes)
    orientation = _orientation(head)
    turned, was_turned = _upright(values, orientation)
    if was_turned:
        notes.append(
            "The file holds the film mirrored or turned, as its header says. It is shown upright, "
            "with the patient's right on the left."
        )
    overlays = len({tag >> 16 for tag in outline.elements if tag >> 24 == 0x60})
    burned_in = {"YES": True, "NO": False}.get(str(head.get("BurnedInAnnotation", "")).strip())
    synthetic = _said(head, "SyntheticData", "YES")
    _add_notes(notes, kind, overlays, bool(burned_in) and not synthetic)
    syntax = gate.SYNTAXES[outline.syntax]
    spacing, spacing_of = _spacing(head)
    if spacing is not None and orientation is not None and orientation[0] in "HF":
        spacing = (spacing[1], spacing[0])
    return Film(
        stored=turned,
        bits_allocated=allocated,
        bits_stored=bits,
        signed=signed,
        tones=tones,
        kind=kind,
        syntax=syntax,
        orientation=orientation,
        turned=was_turned,
        spacing_mm=spacing,
        spacing_of=spacing_of,
        burned_in=burned_in,
        synthetic=synthetic,
        altered=synthetic and _modified(head),
        lossy=_said(head, "LossyImageCompression", "01") or "lossy" in syntax,
        overlays=overlays,
        notes=tuple(notes),
        view=next((view for view in VIEWS if _said(head, "ViewPosition", view)), ""),
    )


def _kind(outline: Outline, stated: str) -> Kind:
    uid = stated or outline.media_class
    if uid in KINDS:
        return KINDS[uid]
    if gate.PIXELS not in outline.elements and ENCRYPTED in outline.elements:
        raise ImageUnreadable(_NO_KEY)
    rest = uid.removeprefix(STORAGE) if uid.startswith(STORAGE) else ""
    fitting = [
        start for start in OTHERS if rest == start or rest.startswith(start.strip(".") + ".")
    ]
    what = OTHERS[max(fitting, key=len)] if fitting else "not a kind of DICOM that is opened here"
    raise ImageUnreadable(
        f"This is {what}. Opened are radiographs: computed radiography (CR), digital X-ray (DX) "
        "and secondary capture (SC)."
    )


_NO_KEY = (
    "This DICOM file is encrypted. Export it unencrypted from the PACS, on a computer where that "
    "is allowed."
)


def _said(head: Any, name: str, value: str) -> bool:
    return str(head.get(name, "")).strip() == value


def _modified(head: Any) -> bool:
    """Whether a contributing equipment is a modifying one (109103)."""
    codes = (item.PurposeOfReferenceCodeSequence for item in head.get(EQUIPMENT) or ())
    return any(str(code.get("CodeValue", "")) == "109103" for purpose in codes for code in purpose)


def _check_picture(outline: Outline, head: Any) -> None:
    """One grey picture of a size that can be used, before any of it is decoded."""
    if gate.PIXELS not in outline.elements:
        if ENCRYPTED in outline.elements:
            raise ImageUnreadable(_NO_KEY)
        raise ImageUnreadable(
            "This DICOM file holds no picture, or floating numbers in its place. Ask the PACS for "
            "the film itself."
        )
    frames = int(head.get("NumberOfFrames") or 1)
    if frames != 1:
        raise ImageUnreadable(
            f"The DICOM file holds {frames} pictures. Export the one you need on its own and open "
            "that."
        )
    grey = str(head.get("PhotometricInterpretation", "")).strip()
    if int(head.get("SamplesPerPixel") or 1) != 1 or grey not in ("MONOCHROME1", "MONOCHROME2"):
        raise ImageUnreadable(
            "The DICOM file holds a picture in colour. Radiographs are grey: choose the film "
            "itself rather than a screenshot of it."
        )
    height, width = int(head.get("Rows") or 0), int(head.get("Columns") or 0)
    if min(height, width) < 1:
        raise ImageUnreadable(gate.DAMAGED)
    if max(height, width) > LARGEST_SIDE or height * width > MOST_PIXELS:
        raise ImageUnreadable(
            f"The picture is {width} x {height} px; the largest that can be opened has "
            f"{LARGEST_SIDE} px a side and {MOST_PIXELS // 10**6} million pixels."
        )


def _check_length(outline: Outline, head: Any, allocated: int) -> None:
    """Rows and columns account for every byte of an uncompressed picture."""
    if head.file_meta.TransferSyntaxUID.is_encapsulated:
        return
    needed = int(head.Rows) * int(head.Columns) * allocated // 8
    there = outline.elements[gate.PIXELS].length
    if there < needed:
        raise ImageUnreadable(gate.CUT_OFF)
    if there > needed + 1:  # one byte makes the length even
        raise ImageUnreadable(gate.DAMAGED)


def _depth(head: Any) -> tuple[int, int, bool]:
    """(bits allocated, bits stored, signed)."""
    allocated, bits = int(head.get("BitsAllocated") or 0), int(head.get("BitsStored") or 0)
    if allocated not in (8, 16):
        raise ImageUnreadable(
            f"The DICOM file holds pixels of {allocated} bits. Opened are those of 8 and 16 bits."
        )
    if not 1 <= bits <= allocated:
        raise ImageUnreadable(gate.DAMAGED)
    return allocated, bits, int(head.get("PixelRepresentation") or 0) == 1


def _decoded(head: Any, allocated: int, bits: int, signed: bool) -> NDArray[np.int32]:
    """(H, W) stored values; what lies beside them in the unused bits is left out."""
    from pydicom.pixels import pixel_array

    syntax = head.file_meta.TransferSyntaxUID
    high = int(head.get("HighBit", bits - 1) or 0)
    if high != bits - 1 and (syntax.is_encapsulated or not bits - 1 <= high < allocated):
        raise ImageUnreadable(gate.DAMAGED)
    if not syntax.is_encapsulated:  # all bits as they lie there; ours are taken out below
        head.BitsStored, head.HighBit = allocated, allocated - 1
    found = np.asarray(pixel_array(head, raw=True))
    if found.shape != (int(head.Rows), int(head.Columns)):
        raise ImageUnreadable(gate.DAMAGED)
    values = found.astype(np.int32) & ((1 << allocated) - 1)
    values = (values >> (high - bits + 1)) & ((1 << bits) - 1)
    if signed:
        values = np.where(values >= 1 << (bits - 1), values - (1 << bits), values)
    return values.astype(np.int32)


# Tones


def _tones(
    head: Any, values: NDArray[np.int32], depth: tuple[int, bool], kind: Kind, notes: list[str]
) -> Tones:
    modality = _lut(head, "ModalityLUTSequence", notes)
    slope, intercept = _number(head, "RescaleSlope", 1.0), _number(head, "RescaleIntercept", 0.0)
    if slope == 0:
        notes.append("The file's rescale slope is 0, which cannot be; rescaling was left out.")
        slope, intercept = 1.0, 0.0
    monochrome1 = str(head.PhotometricInterpretation).strip() == "MONOCHROME1"
    shape = str(head.get("PresentationLUTShape", "")).strip()
    if shape and (shape == "INVERSE") != monochrome1:
        notes.append(
            "The file contradicts itself on whether low values are white; they are shown white."
        )
    plain = Tones(
        voi=Window(center=0, width=1), slope=slope, intercept=intercept, modality=modality,
        inverted=monochrome1 or shape == "INVERSE",
    )  # fmt: skip
    voi = _lut(head, "VOILUTSequence", notes) or _window(head, notes)
    if voi is None:
        voi = _whole(plain, values, depth, kind, notes)
    return Tones(
        voi=voi, slope=slope, intercept=intercept, modality=modality, inverted=plain.inverted
    )


def _lut(head: Any, name: str, notes: list[str]) -> Lut | None:
    items = head.get(name)
    if not items:
        return None
    if len(items) > 1:
        notes.append("The file offers several tone curves; the first is used.")
    item, big = items[0], head.file_meta.TransferSyntaxUID == gate.BIG
    count, first, bits = _words(item.LUTDescriptor, 3, big)
    count, bits = count % 65536 or 65536, min(max(bits, 1), 16)
    stated = item.LUTDescriptor  # the first input may be negative; how is not always stated
    below = not isinstance(stated, bytes) and int(stated[1]) < 0
    if first > 32767 and (below or int(head.get("PixelRepresentation") or 0)):
        first -= 65536
    return Lut(first=first, bits=bits, entries=tuple(_words(item.LUTData, count, big)))


def _words(data: Any, count: int, big: bool) -> list[int]:
    """``count`` numbers of 16 bits, or of 8 where only so many bytes are there."""
    if isinstance(data, bytes):
        wide = (">u2" if big else "<u2") if len(data) >= 2 * count else "u1"
        found = np.frombuffer(data[: 2 * count], wide).astype(int).tolist()
    else:
        found = [int(value) & 0xFFFF for value in (data if hasattr(data, "__len__") else [data])]
        if len(found) < count:
            found = np.array(found, "<u2").view("u1").astype(int).tolist()
    if len(found) < count:
        raise ImageUnreadable(gate.DAMAGED)
    return found[:count]


def _window(head: Any, notes: list[str]) -> Window | None:
    """The first window of the file that can be used."""
    centers, widths = _numbers(head, "WindowCenter"), _numbers(head, "WindowWidth")
    stated = str(head.get("VOILUTFunction", "") or "LINEAR").strip()
    function = next((f for f in get_args(Function) if f == stated), None)
    if function is None:
        notes.append("The file's window has a shape that is not known; a straight one is used.")
        function = "LINEAR"
    pairs = list(zip(centers, widths, strict=False))
    least = 1.0 if function == "LINEAR" else 0.0
    usable = [(c, w) for c, w in pairs if w > 0 and w >= least]
    if pairs and not usable:
        notes.append("The file's window has no width, which cannot be.")
        return None
    if len(pairs) > 1:
        notes.append(f"The file offers {len(pairs)} windows; the first usable one is used.")
    return Window(center=usable[0][0], width=usable[0][1], function=function) if usable else None


def _whole(
    plain: Tones, values: NDArray[np.int32], depth: tuple[int, bool], kind: Kind, notes: list[str]
) -> Window:
    """Black and white for a file that states neither."""
    if kind == "SC" and depth[0] <= 8:
        ends = units(plain, span(*depth))
        low, high = ends.min(), ends.max()
        said = "the ends of the range that it can store"
    else:
        shown = units(plain, values)
        low, high = np.percentile(shown, (DARKEST, BRIGHTEST), method="nearest")
        said = f"at {DARKEST} and {BRIGHTEST} percent of its values"
    notes.append(f"The file states no window; black and white are {said}.")
    low, high = float(low), float(high)
    return Window(center=(low + high) / 2, width=max(high - low, 1.0), function="LINEAR_EXACT")


# Geometry


def _orientation(head: Any) -> tuple[str, str] | None:
    """Where rows and columns lead: L, R, H, F, A, P; None where the file does not say."""
    stated = head.get("PatientOrientation")
    if not stated or isinstance(stated, str) or len(stated) != 2:
        return None
    across, down = (str(part).strip()[:1] for part in stated)
    fits = across in "LRHFAP" and down in "LRHFAP" and across and down
    return (across, down) if fits else None


def _upright(
    values: NDArray[np.int32], orientation: tuple[str, str] | None
) -> tuple[NDArray[np.int32], bool]:
    """The values turned so that rows lead to the patient's left and columns to the feet."""
    if orientation is None:
        return values, False
    across, down = orientation
    turned = values
    if across in "HF" and down not in "HF":
        turned, across, down = turned.T, down, across
    if across == "R":
        turned = np.fliplr(turned)
    if down == "H":
        turned = np.flipud(turned)
    return np.ascontiguousarray(turned), turned is not values


def _spacing(head: Any) -> tuple[tuple[float, float] | None, str]:
    """(down, across) in mm, and at what: calibrated first, then the patient, then the detector."""
    imager, plain = _pair(head, "ImagerPixelSpacing"), _pair(head, "PixelSpacing")
    corrected = bool(head.get("PixelSpacingCalibrationType"))
    if plain is not None and (corrected or (imager is not None and plain != imager)):
        return plain, "calibrated"
    magnified = _number(head, "EstimatedRadiographicMagnificationFactor", 0.0)
    if imager is not None and magnified >= 1:
        return (imager[0] / magnified, imager[1] / magnified), "patient"
    if imager is not None or plain is not None:
        return imager or plain, "detector"
    scanned = _pair(head, "NominalScannedPixelSpacing")
    return scanned, "scanned film" if scanned else ""


def _pair(head: Any, name: str) -> tuple[float, float] | None:
    found = _numbers(head, name)
    return (found[0], found[1]) if len(found) == 2 and min(found) > 0 else None


def _number(head: Any, name: str, default: float) -> float:
    found = _numbers(head, name)
    return found[0] if found else default


def _numbers(head: Any, name: str) -> list[float]:
    stated = head.get(name)
    if stated is None or stated == "":
        return []
    listed = [stated] if isinstance(stated, int | float | str) else list(stated)
    found = [float(value) for value in listed]
    if not all(math.isfinite(value) and abs(value) < 1e12 for value in found):
        raise ImageUnreadable(gate.DAMAGED)
    return found


def _add_notes(notes: list[str], kind: Kind, overlays: int, named: bool) -> None:
    if kind == "DX for processing":
        notes.append(
            "The file holds the detector's raw values, meant for processing and not for viewing."
        )
    if overlays:
        notes.append(
            "The file has drawings or words laid over the picture. They are neither shown nor kept."
        )
    if named:
        notes.append(
            "The file says that words in the picture name the patient. Erase them before the "
            "picture leaves this computer."
        )
