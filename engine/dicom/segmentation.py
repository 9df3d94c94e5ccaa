"""Masks as DICOM SEG: organs and zones of a picture of ours, one segment each.

A segmentation names the picture it belongs to by its UIDs. It is written for pictures of ours
only: the UIDs of a patient's film would lead back to the patient.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api import (
    ORGAN_NAMES,
    EraseRequest,
    GenerateRequest,
    InsertRequest,
    Organs,
    OutpaintRequest,
    Request,
)
from engine.dicom import carrying, gate
from engine.errors import InvalidRequest
from engine.version import VERSION

NAME = "XReal Studio"
ANATOMY = ("91723000", "SCT", "Anatomical Structure")
ABNORMAL = ("49755003", "SCT", "Morphologically Abnormal Structure")
SPATIAL = ("309825002", "SCT", "Spatial and Relational Concept")
REGION = ("130488", "DCM", "Region in Space")
LESION = ("52988006", "SCT", "Lesion")
ORGAN_CODES = {
    1: ("44029006", "SCT", "Left lung"),
    2: ("3341006", "SCT", "Right lung"),
    3: ("80891009", "SCT", "Heart"),
    4: ("15825003", "SCT", "Aorta"),
}
FINDING_CODES = {  # the first word that a finding's text holds counts; others are a lesion
    "pericardial effusion": ("373945007", "SCT", "Pericardial effusion"),
    "effusion": ("60046008", "SCT", "Pleural effusion"),
    "pneumothorax": ("36118008", "SCT", "Pneumothorax"),
    "edema": ("19242006", "SCT", "Pulmonary edema"),
    "nodule": ("27925004", "SCT", "Nodule"),
    "mass": ("4147007", "SCT", "Mass"),
}
LONGEST_LABEL = 64  # characters of an LO

UID = r"2\.25\.\d{1,39}"
SIDES = ("L", "R", "H", "F", "A", "P")
OWN = {  # what is taken over from a file of ours, and the only form it may have
    "SOPClassUID": (0x00080016, re.escape("1.2.840.10008.5.1.4.1.1.7")),
    "SOPInstanceUID": (0x00080018, UID),
    "StudyInstanceUID": (0x0020000D, UID),
    "SeriesInstanceUID": (0x0020000E, UID),
    "PatientName": (0x00100010, r"(PARTLY )?SYNTHETIC\^[0-9A-F]{8}"),
    "PatientID": (0x00100020, r"XRS-[0-9A-F]{8}"),
    "StudyID": (0x00200010, r"[0-9A-F]{8}"),
    "StudyDate": (0x00080020, r"\d{8}"),
    "StudyTime": (0x00080030, r"\d{6}"),
}

Code = tuple[str, str, str]  # value, scheme, meaning


@dataclass(frozen=True)
class Segment:
    """One mask: ``inside`` (H, W) bool, what it is called, and the standard's words for it."""

    label: str
    inside: NDArray[np.bool_]
    category: Code
    kind: Code


def segments_of(request: Request, organs: Organs | None = None) -> list[Segment]:
    """Organs and zones of a run: those asked for, and ``organs`` where they were read."""
    found: list[Segment] = []
    asked = getattr(request, "organs", None)
    known = organs if asked is None else asked
    if known is not None:
        found += organ_segments(known)
    if isinstance(request, GenerateRequest | InsertRequest):
        for finding in request.findings:
            label, inside = finding.text.strip(), finding.mask > 0
            if label:
                found.append(Segment(label, inside, ABNORMAL, _finding_code(label)))
            else:
                found.append(Segment("removed", inside, SPATIAL, REGION))
    elif isinstance(request, EraseRequest):
        found.append(Segment("erased", request.mask > 0, SPATIAL, REGION))
    elif isinstance(request, OutpaintRequest):
        found.append(Segment("completed", request.keep < 1, SPATIAL, REGION))
    return [segment for segment in found if segment.inside.any()]


def organ_segments(organs: Organs) -> list[Segment]:
    return [
        Segment(name, organs == label, ANATOMY, ORGAN_CODES[label])
        for label, name in ORGAN_NAMES.items()
        if (organs == label).any()
    ]


def segmentation_of(picture: Any, segments: list[Segment]) -> Any:
    """A DICOM SEG (a pydicom data set) of ``segments``, for ``picture``, a data set of ours.

    A strip below the film belongs to no segment. Raises :class:`InvalidRequest` where there is
    nothing to write or no room for it.
    """
    try:
        from highdicom import AlgorithmIdentificationSequence
        from highdicom.seg import Segmentation, SegmentDescription
    except ImportError as error:
        raise InvalidRequest(
            "Masks are written as DICOM with Python 3.11 to 3.13. Use one of these, or write them "
            "as PNG."
        ) from error
    from pydicom.sr.coding import Code as CodedValue
    from pydicom.uid import generate_uid

    if not segments:
        raise InvalidRequest("There are no organs and no zones to write as a segmentation.")
    height, width = int(picture.Rows), int(picture.Columns)
    stack = np.zeros((1, height, width, len(segments)), np.uint8)
    for number, segment in enumerate(segments):
        rows, columns = segment.inside.shape
        if rows > height or columns != width:
            raise InvalidRequest("The organs and zones do not have the size of the picture.")
        stack[0, :rows, :, number] = segment.inside
    algorithm = AlgorithmIdentificationSequence(
        name=NAME, version=VERSION, family=CodedValue("123110", "DCM", "Artificial Intelligence")
    )
    ds = Segmentation(
        source_images=[picture],
        pixel_array=stack,
        segmentation_type="BINARY",
        segment_descriptions=[
            SegmentDescription(
                segment_number=number,
                segment_label=_ascii(segment.label),
                segmented_property_category=CodedValue(*segment.category),
                segmented_property_type=CodedValue(*segment.kind),
                algorithm_type="SEMIAUTOMATIC",
                algorithm_identification=algorithm,
            )
            for number, segment in enumerate(segments, 1)
        ],
        series_instance_uid=generate_uid(prefix=None),
        series_number=2,
        sop_instance_uid=generate_uid(prefix=None),
        instance_number=1,
        manufacturer=NAME,
        manufacturer_model_name=NAME,
        software_versions=VERSION,
        device_serial_number="1",
        content_description="Organs and zones of a synthetic picture",
    )
    ds.SyntheticData = "YES"
    ds.PatientOrientation = picture.get("PatientOrientation")
    return ds


def own_picture(data: bytes) -> Any:
    """What a segmentation must know of ``data``, a DICOM file of ours, to belong to it."""
    from pydicom.dataset import Dataset

    outline = gate.outline(data)
    ds = Dataset()
    for name, (tag, form) in OWN.items():
        found = outline.text(tag)
        if carrying.chunks_in(outline) is None or not re.fullmatch(form, found):
            raise InvalidRequest(
                "A DICOM segmentation names its picture by UIDs, and those of a patient's film "
                "lead back to the patient. Write the organ map as PNG, or edit the film first and "
                "read the organs of what was written."
            )
        setattr(ds, name, found)
    rows, columns = (outline.value(tag) or b"" for tag in (0x00280010, 0x00280011))
    ds.Rows, ds.Columns = int.from_bytes(rows, "little"), int.from_bytes(columns, "little")
    across, _, down = outline.text(0x00200020).partition("\\")
    known = across in SIDES and down in SIDES
    ds.PatientOrientation = [across, down] if known else None
    ds.PatientBirthDate = ds.PatientSex = ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.Modality = "OT"
    ds.SeriesNumber = ds.InstanceNumber = 1
    return ds


def _finding_code(text: str) -> Code:
    lower = text.lower()
    return next((code for word, code in FINDING_CODES.items() if word in lower), LESION)


def _ascii(text: str) -> str:
    plain = text.encode("ascii", "replace").decode().replace("\\", "/")
    return "".join(letter if letter.isprintable() else " " for letter in plain)[:LONGEST_LABEL]
