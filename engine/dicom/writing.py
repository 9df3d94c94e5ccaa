"""The door out: Secondary Capture, marked synthetic in the standard's own terms.

A file is built from the list in this module alone. Of an opened film only numbers are kept: its
stored values where nothing was edited, how they become tones, and the size of a pixel.
"""

import datetime
import io
import secrets
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api import Mask, Organs, Pixels, Request, Result
from engine.dicom import carrying
from engine.dicom.film import Film
from engine.dicom.segmentation import (
    organ_segments,
    own_picture,
    segmentation_of,
    segments_of,
)
from engine.dicom.tones import GRID, Lut, Tones, Window, span, stored_for
from engine.errors import InvalidRequest
from engine.images import to_codes
from engine.marks import PARTLY, WHOLE, Mark, check_form, marked, notes_of
from engine.provenance import Inputs, Recipe, chunks_of, wholly_synthetic
from engine.version import VERSION

CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
NAME = "XReal Studio"
SYNTHESIZING, MODIFYING = ("109100", "Synthesizing Equipment"), ("109103", "Modifying Equipment")
LONGEST_TEXT = 1024  # characters of an ST


def film_bytes(
    picture: Result | Pixels,
    recipe: Recipe,
    inputs: Inputs,
    mark: Mark = "strip",
    bits: int = 16,
    source: Film | None = None,
    zone: Mask | NDArray[np.bool_] | None = None,
) -> bytes:
    """A DICOM file of :func:`film_of` that carries recipe and inputs in its header."""
    pixels = picture.image if isinstance(picture, Result) else picture
    return _file(film_of(picture, recipe, mark, bits, source, zone), pixels, recipe, inputs, mark)


def film_and_masks(
    result: Result,
    recipe: Recipe,
    inputs: Inputs,
    mark: Mark = "strip",
    bits: int = 16,
    source: Film | None = None,
    zone: Mask | NDArray[np.bool_] | None = None,
) -> tuple[bytes, bytes | None]:
    """:func:`film_bytes`, and the SEG of its organs and zones; None where there are none."""
    form = (recipe, inputs, mark, bits, source, zone)
    return film_with_masks(result.image, result.request, *form, organs=result.organs)


def film_with_masks(
    pixels: Pixels,
    request: Request,
    recipe: Recipe,
    inputs: Inputs,
    mark: Mark = "strip",
    bits: int = 16,
    source: Film | None = None,
    zone: Mask | NDArray[np.bool_] | None = None,
    organs: Organs | None = None,
) -> tuple[bytes, bytes | None]:
    """:func:`film_and_masks` of the picture that ``request`` made."""
    ds = film_of(pixels, recipe, mark, bits, source, zone)
    film = _file(ds, pixels, recipe, inputs, mark)
    found = segments_of(request, organs)
    return film, to_bytes(segmentation_of(ds, found)) if found else None


def segmentation_bytes(organs: Organs, picture: bytes) -> bytes:
    """``organs`` as a SEG that belongs to ``picture``, a DICOM file of ours."""
    return to_bytes(segmentation_of(own_picture(picture), organ_segments(organs)))


def _file(ds: Any, pixels: Pixels, recipe: Recipe, inputs: Inputs, mark: Mark) -> bytes:
    parts = chunks_of(recipe, inputs, notes_of(pixels, mark, int(ds.BitsStored)))
    return to_bytes(ds, carrying.packed(parts))


def film_of(
    picture: Result | Pixels,
    recipe: Recipe,
    mark: Mark = "strip",
    bits: int = 16,
    source: Film | None = None,
    zone: Mask | NDArray[np.bool_] | None = None,
) -> Any:
    """A Secondary Capture (a pydicom data set) of a picture of 8 or 16 bits.

    ``source`` is the film that was edited, of the picture's size, and ``zone`` is above 0 where
    it was: everywhere else its stored values are written, exactly, and its depth and tones
    replace ``bits``. The mark is that of the PNG.
    """
    check_form(mark, bits)
    pixels = picture.image if isinstance(picture, Result) else picture
    whole = wholly_synthetic(recipe)
    words = WHOLE if whole else PARTLY
    ds = _head(recipe, whole, words)
    if source is None:
        _add_pixels(ds, marked(to_codes(pixels, bits), words, mark), bits, bits)
        _add_tones(ds, Tones(voi=Window(center=1 << (bits - 1), width=1 << bits)), signed=False)
    else:
        if source.stored.shape != pixels.shape or zone is None or zone.shape != pixels.shape:
            raise InvalidRequest("The film that was edited and its zone must fit the picture.")
        bits = source.bits_stored
        stored = _stored(marked(to_codes(pixels, 16), words, mark), source, zone > 0)
        _add_pixels(ds, stored.astype(source.container), source.bits_allocated, bits)
        _add_tones(ds, source.tones, source.signed)
        _add_spacing(ds, source)
        if source.lossy:
            ds.LossyImageCompression = "01"
    shown = ("L", "F") if source is None else source.shown
    ds.PatientOrientation = list(shown) if shown else None
    _add_burned_in(ds, mark, whole, source)
    return ds


def to_bytes(ds: Any, carried: bytes = b"") -> bytes:
    """The DICOM file of a data set of ours, ``carried`` in its header; its preamble is empty."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        ds.SOPClassUID,
        ds.SOPInstanceUID,
    )
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if carried:
        meta.PrivateInformationCreatorUID = UID(carrying.CREATOR)
        meta.PrivateInformation = carried
    ds.file_meta = meta
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _stored(codes: NDArray[np.uint16], source: Film, zone: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Stored values for (H or more, W) tones: the source's own where nothing was edited."""
    stored = stored_for(source.table, codes) + source.least
    height = len(zone)
    same = (codes[:height] == source.codes) & ~zone
    stored[:height][same] = source.stored[same]
    return stored


def _head(recipe: Recipe, whole: bool, words: str) -> Any:
    """Everything but pixels and what depends on them."""
    from pydicom.dataset import Dataset
    from pydicom.uid import generate_uid

    now = datetime.datetime.now()
    date, time = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    number = secrets.token_hex(4).upper()
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["DERIVED", "SECONDARY"]
    ds.SOPClassUID = CAPTURE
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = (
        generate_uid(prefix=None) for _ in range(3)
    )
    ds.StudyDate = ds.ContentDate = ds.DateOfSecondaryCapture = date
    ds.StudyTime = ds.ContentTime = ds.TimeOfSecondaryCapture = time
    ds.PatientName = f"{'SYNTHETIC' if whole else 'PARTLY SYNTHETIC'}^{number}"
    ds.PatientID = f"XRS-{number}"
    ds.StudyID = number
    ds.PatientBirthDate = ds.PatientSex = ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.PatientIdentityRemoved = "YES"
    ds.DeidentificationMethod = "Rebuilt from an allow-list: nothing of another header is kept"
    ds.Modality = "OT"
    ds.SeriesNumber, ds.InstanceNumber = 1, 1
    ds.BodyPartExamined = "CHEST"
    ds.Manufacturer = ds.ManufacturerModelName = NAME
    ds.SoftwareVersions = VERSION
    ds.ConversionType = "SYN"
    ds.SyntheticData = "YES"
    ds.SeriesDescription = words
    ds.ImageComments = f"{words}. Not a medical device."
    made = "Generated" if whole else "A radiograph, altered"
    ds.DerivationDescription = f"{made} by {NAME} {VERSION}. {words}."
    purposes = (SYNTHESIZING,) if whole else (SYNTHESIZING, MODIFYING)
    ds.ContributingEquipmentSequence = [_equipment(purpose, recipe, now) for purpose in purposes]
    return ds


def _equipment(purpose: tuple[str, str], recipe: Recipe, now: datetime.datetime) -> Any:
    from pydicom.dataset import Dataset

    code = Dataset()
    code.CodeValue, code.CodeMeaning = purpose
    code.CodingSchemeDesignator = "DCM"
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [code]
    item.Manufacturer, item.ManufacturerModelName = NAME, NAME
    item.SoftwareVersions = VERSION
    item.ContributionDateTime = now.strftime("%Y%m%d%H%M%S")
    text = f"Command {recipe.get('verb')}. SHA-256 of the models:"
    for digest in sorted(set(recipe.get("models", {}).values())):
        if len(text) + len(str(digest)) + 1 <= LONGEST_TEXT:
            text += f" {digest}"
    item.ContributionDescription = text
    return item


def _add_pixels(ds: Any, stored: NDArray[Any], allocated: int, bits: int) -> None:
    ds.SamplesPerPixel = 1
    ds.Rows, ds.Columns = stored.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = allocated, bits, bits - 1
    signed = stored.dtype.kind == "i"
    ds.PixelRepresentation = int(signed)
    if signed and bits < allocated:  # the bits above those stored are 0
        stored = stored & ((1 << bits) - 1)
    raw = np.ascontiguousarray(stored).astype(stored.dtype.newbyteorder("<")).tobytes()
    ds.add_new(0x7FE00010, "OB" if allocated == 8 else "OW", raw + b"\0" * (len(raw) % 2))


def _add_tones(ds: Any, tones: Tones, signed: bool) -> None:
    """The tones of ``tones``, exactly; tables become one table of 16 bits with no modality step,
    because a radiograph has no units that it would lead to."""
    ds.PhotometricInterpretation = "MONOCHROME1" if tones.inverted else "MONOCHROME2"
    if tones.modality is not None:
        shown = replace(tones, inverted=False).table(int(ds.BitsStored), signed)
        least = int(span(int(ds.BitsStored), signed)[0])
        ds.VOILUTSequence = [_lut(shown, least)]
        return
    if (tones.slope, tones.intercept) != (1, 0):
        ds.RescaleSlope, ds.RescaleIntercept = _decimal(tones.slope), _decimal(tones.intercept)
        ds.RescaleType = "US"
    if isinstance(tones.voi, Lut):
        shown = np.round(np.array(tones.voi.entries) / tones.voi.most * GRID)
        ds.VOILUTSequence = [_lut(shown, tones.voi.first)]
        return
    ds.WindowCenter, ds.WindowWidth = _decimal(tones.voi.center), _decimal(tones.voi.width)
    if tones.voi.function != "LINEAR":
        ds.VOILUTFunction = tones.voi.function


def _lut(shown: NDArray[Any], first: int) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    vr = "SS" if first < 0 else "US"
    count = len(shown) % 65536
    fits = count < 32768 or vr == "US"
    item.add_new(0x00283002, vr, [count if fits else count - 65536, first, 16])
    item.add_new(0x00283006, "OW", shown.astype("<u2").tobytes())
    return item


def _decimal(value: float) -> Any:
    from pydicom.valuerep import DSfloat

    return DSfloat(value, auto_format=True)


def _add_spacing(ds: Any, source: Film) -> None:
    if source.spacing_mm is None:
        return
    spacing = [_decimal(value) for value in source.spacing_mm]
    if source.spacing_of == "scanned film":
        ds.NominalScannedPixelSpacing = spacing
        return
    ds.PixelSpacing = spacing
    if source.spacing_of != "detector":
        ds.PixelSpacingCalibrationType = "GEOMETRY"
        ds.PixelSpacingCalibrationDescription = "as in the film that was altered"


def _add_burned_in(ds: Any, mark: Mark, whole: bool, source: Film | None) -> None:
    """The mark is words in the picture; without it the source's own statement stands."""
    if mark != "none" or (source is not None and source.burned_in):
        ds.BurnedInAnnotation = "YES"
    elif whole or (source is not None and source.burned_in is False):
        ds.BurnedInAnnotation = "NO"
