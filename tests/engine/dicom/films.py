"""DICOM files for the tests, drawn here: no patient, no hospital, nothing fetched."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

CR = "1.2.840.10008.5.1.4.1.1.1"
DX = "1.2.840.10008.5.1.4.1.1.1.1"
SC = "1.2.840.10008.5.1.4.1.1.7"


def chest(height: int = 48, width: int = 40, most: int = 4095) -> NDArray[np.uint16]:
    """A bright body with two dark lungs and a letter at its left, in whole values up to most."""
    rows, columns = np.mgrid[0:height, 0:width]
    body = 0.75 - 0.2 * np.abs(columns - width / 2) / width + 0.1 * rows / height
    for center in (0.3, 0.7):
        inside = ((columns / width - center) / 0.16) ** 2 + ((rows / height - 0.5) / 0.32) ** 2
        body = np.where(inside < 1, 0.15 + 0.1 * inside, body)
    body[2:6, 2:5] = 1.0
    return np.round(body * most).astype(np.uint16)


def dataset(values: NDArray[Any], bits: int = 12, **changes: Any) -> Dataset:
    """A CR film of ``values``; ``changes`` set elements by keyword, None removes one."""
    ds = Dataset()
    ds.SOPClassUID = CR
    ds.SOPInstanceUID = "1.2.3.4.5"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3.4", "1.2.3.4.1"
    ds.Modality = "CR"
    ds.PatientName, ds.PatientID = "", ""
    ds.PatientOrientation = ["L", "F"]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = values.shape
    ds.BitsAllocated = 8 * values.dtype.itemsize
    ds.BitsStored, ds.HighBit = bits, bits - 1
    ds.PixelRepresentation = int(values.dtype.kind == "i")
    ds.WindowCenter, ds.WindowWidth = 2048, 4096
    vr = "OB" if values.dtype.itemsize == 1 else "OW"
    raw = values.tobytes()
    ds.add_new(0x7FE00010, vr, raw + b"\0" * (len(raw) % 2))
    for keyword, value in changes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def file(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The bytes of a DICOM file."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", "1.2")
    out = io.BytesIO()
    implicit, little = syntax == ImplicitVRLittleEndian, syntax != "1.2.840.10008.1.2.2"
    dcmwrite(out, ds, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
    return out.getvalue()


def compressed(ds: Dataset, syntax: str) -> bytes:
    """The bytes of a DICOM file, its picture compressed."""
    file(ds)
    ds.compress(syntax, generate_instance_uid=False)
    return file(ds, syntax)


def film(values: NDArray[Any] | None = None, bits: int = 12, **changes: Any) -> bytes:
    return file(dataset(chest() if values is None else values, bits, **changes))
