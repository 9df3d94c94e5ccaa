"""Pictures on their way into a study: from a folder with a table or from arrays, all made alike.

Every picture is cut to a square, brought to one size, one range of grey and eight bits, and
written without compression and without a word beside the pixels: the length of the file is then a
function of the size alone, and nothing but the pixels is left that could tell one source from
another. What the pixels tell is for ``app.studies.leaks``.
"""

import csv
import hashlib
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.studies.errors import StudyError
from app.studies.model import Case
from engine import png
from engine.errors import EngineError
from engine.files import write_whole
from engine.images import read_image

PICTURES = "pictures"
TONES = ("percentiles", "as stored")
SMALLEST, LARGEST = 128, 2048  # side of a shown picture in px
REQUIRED = ("file", "source", "synthetic", "finding")
OPTIONAL = ("case_id", "scene", "role", "edit_of")
YES = {"yes", "true", "1", "synthetic"}
NO = {"no", "false", "0", "real"}
LARGEST_TABLE = 10_000_000  # bytes

Pixels = NDArray[np.float32]
Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """One picture before it is made alike. ``load`` gives (H, W) float32 in [0, 1].

    ``case`` has no checksum yet. Pixels are loaded one picture at a time, when they are needed.
    """

    case: Case
    load: Callable[[], Pixels]


@dataclass(frozen=True)
class Treatment:
    """What is done to every picture alike.

    ``side`` in px; ``crop`` is the share of the square's side that is cut off at every edge,
    where letters and borders are; ``tone`` spreads the grey between its percentiles 0.5 and 99.5
    or leaves it as stored; ``grain`` is the standard deviation of noise in steps of 256 that
    fills the gaps which stretching leaves in a histogram.
    """

    side: int = 512
    crop: float = 0.0
    tone: str = "percentiles"
    grain: float = 0.5

    def __post_init__(self) -> None:
        if not SMALLEST <= self.side <= LARGEST:
            raise StudyError(f"The side must be from {SMALLEST} to {LARGEST} pixels.")
        if not 0 <= self.crop <= 0.2:
            raise StudyError("At most a fifth can be cut off at every edge.")
        if self.tone not in TONES:
            raise StudyError(f"There is no treatment of tones '{self.tone}'.")
        if not 0 <= self.grain <= 2:
            raise StudyError("The grain must be from 0 to 2 steps of grey.")


def from_pixels(case: Case, pixels: Pixels) -> Picture:
    """A picture that is in memory, such as a state of the editor's history: (H, W) in [0, 1]."""
    grey = np.asarray(pixels)
    if grey.ndim != 2 or min(grey.shape) < 16 or not np.isfinite(grey).all():
        raise StudyError(f"The picture of the case {case.case_id} is not a grey picture.")
    kept = np.clip(grey, 0, 1).astype(np.float32)
    height, width = kept.shape
    facts = {"width": width, "height": height, "made from": "memory"}
    return Picture(_with_origin(case, facts), lambda: kept)


def read_folder(folder: Path, table: str = "cases.csv") -> list[Picture]:
    """The pictures that a table in ``folder`` lists; every file is opened once to be sure.

    Columns: file, source, synthetic (yes or no), finding, and if wanted case_id, scene, role,
    edit_of. Others are kept with the case as its origin. Raises ``StudyError`` naming the row.
    """
    rows = _rows(folder / table)
    pictures = [_picture(folder, row, f"Row {n} of {table}") for n, row in enumerate(rows, 2)]
    _check_distinct(pictures, table)
    for picture in pictures:
        picture.load()
    return pictures


def shown(picture: Picture, treatment: Treatment) -> Codes:
    """(side, side) codes of the picture as readers see it. The same input, the same output."""
    grey = _square(picture.load(), treatment.crop)
    grey = _resampled(grey, treatment.side)
    if treatment.tone == "percentiles":
        low, high = np.percentile(grey, (0.5, 99.5))
        grey = (grey - low) / max(float(high - low), 1e-6)
    steps = grey.clip(0, 1) * 255
    seed = int.from_bytes(hashlib.sha256(grey.tobytes()).digest()[:8], "big")
    noise = np.random.default_rng(seed).normal(0, 1, grey.shape) * treatment.grain
    return np.round(steps + noise).clip(0, 255).astype(np.uint8)


def add_pictures(
    folder: Path,
    pictures: Iterable[Picture],
    treatment: Treatment,
    told: Callable[[int], None] = lambda done: None,
) -> tuple[Case, ...]:
    """Write every picture, made alike, into ``folder``/pictures and return the study's cases.

    ``folder`` is the study's. Each case gets the checksum of its file, and the treatment in its
    origin. ``told`` hears how many are done. Two cases may not have the same pixels.
    """
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    cases: dict[str, Case] = {}
    for picture in pictures:
        data = encoded(shown(picture, treatment))
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in cases:
            raise StudyError(
                f"The cases {cases[sha256].case_id} and {picture.case.case_id} are the same "
                "picture. Leave one of them out."
            )
        _write(folder / PICTURES / f"{sha256}.png", data)
        whole = _with_origin(picture.case, {"treatment": _words(treatment)})
        cases[sha256] = replace(whole, sha256=sha256)
        told(len(cases))
    return tuple(cases.values())


def encoded(codes: Codes) -> bytes:
    """A grey 8-bit PNG of (H, W) codes: stored, not compressed, nothing beside the pixels."""
    height, width = codes.shape
    rows = np.zeros((height, width + 1), np.uint8)  # a filter byte 0 before every row
    rows[:, 1:] = codes
    return png.join(
        [
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
            (b"IDAT", zlib.compress(rows.tobytes(), 0)),
            (b"IEND", b""),
        ]
    )


def codes_of(folder: Path, case: Case) -> Codes:
    """(side, side) codes of a case as readers see it, from the study's folder."""
    path = folder / PICTURES / f"{case.sha256}.png"
    try:
        return png.decode(path.read_bytes()).astype(np.uint8)
    except (OSError, EngineError) as error:
        raise StudyError(
            f"The picture of the case {case.case_id} is missing or damaged. Add it again."
        ) from error


# The table ------------------------------------------------------------------------------------


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        if path.stat().st_size > LARGEST_TABLE:
            raise StudyError(f"The table {path.name} is larger than 10 MB.")
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(
            f"There is no table {path.name} in '{path.parent.name}', or it is not text in UTF-8."
        ) from error
    start = text.partition("\n")[0]
    reader = csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=start.count))
    columns = [name.strip().lower() for name in reader.fieldnames or []]
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise StudyError(
            f"The table {path.name} has no column '{missing[0]}'. It needs {', '.join(REQUIRED)}; "
            f"it may have {', '.join(OPTIONAL)}."
        )
    reader.fieldnames = columns
    rows = [
        {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
        for row in reader
    ]
    if not rows:
        raise StudyError(f"The table {path.name} lists no picture.")
    return rows


def _picture(folder: Path, row: Mapping[str, str], where: str) -> Picture:
    try:
        path = _inside(folder, row["file"])
        synthetic = _truth(row["synthetic"])
        case = Case(
            case_id=row.get("case_id") or Path(row["file"]).stem,
            source=row["source"],
            synthetic=synthetic,
            finding=row["finding"] or "none",
            scene=row.get("scene", ""),
            role=row.get("role") or "main",
            edit_of=row.get("edit_of", ""),
            origin={
                "file": row["file"],
                **{n: v for n, v in row.items() if n not in (*REQUIRED, *OPTIONAL) and v},
            },
        )
        facts = _facts(path)
    except EngineError as error:
        raise StudyError(f"{where}: {error}") from error

    def load() -> Pixels:
        try:
            return read_image(path).pixels
        except EngineError as error:
            raise StudyError(f"{where}, {row['file']}: {error}") from error

    return Picture(_with_origin(case, facts), load)


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not name or not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise StudyError(f"There is no file '{name}' in the folder.")
    return path


def _truth(word: str) -> bool:
    if word.lower() not in YES | NO:
        raise StudyError(f"'synthetic' must be yes or no, not '{word}'.")
    return word.lower() in YES


def _facts(path: Path) -> dict[str, Any]:
    """What the original was: kept with the case for the report, told to no reader."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "bytes": path.stat().st_size,
        "made from": path.suffix.lower().lstrip("."),
        "sha256": digest,
    }


def _check_distinct(pictures: Sequence[Picture], table: str) -> None:
    seen: set[str] = set()
    for picture in pictures:
        name = picture.case.case_id
        if name in seen:
            raise StudyError(
                f"The table {table} names the case '{name}' twice. Give each its own case_id."
            )
        seen.add(name)


# Making alike ---------------------------------------------------------------------------------


def _square(grey: Pixels, crop: float) -> Pixels:
    """The square in the middle, less ``crop`` of its side at every edge."""
    side = min(grey.shape)
    keep = max(16, round(side * (1 - 2 * crop)))
    top, left = (grey.shape[0] - keep) // 2, (grey.shape[1] - keep) // 2
    return grey[top : top + keep, left : left + keep]


def _resampled(grey: Pixels, side: int) -> Pixels:
    """To ``side`` by areas, or by cubics where it grows; one that has the size already goes
    through half the size of a pixel of blur, so that none is spared what the others get."""
    if grey.shape[0] == side:
        return cv2.GaussianBlur(grey, (0, 0), 0.5).astype(np.float32)
    way = cv2.INTER_AREA if grey.shape[0] > side else cv2.INTER_CUBIC
    small = cv2.resize(np.ascontiguousarray(grey), (side, side), interpolation=way)
    return small.astype(np.float32)


def _words(treatment: Treatment) -> str:
    cut = f", {treatment.crop:.0%} cut off at every edge" if treatment.crop else ""
    tones = "tones between percentiles 0.5 and 99.5" if treatment.tone == TONES[0] else "tones kept"
    return (
        f"square from the middle{cut}, {treatment.side} px, 8 bit, {tones}, "
        f"grain of {treatment.grain:g} steps, stored without compression"
    )


def _with_origin(case: Case, facts: Mapping[str, Any]) -> Case:
    return replace(case, origin={**case.origin, **facts})


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all; the name is the checksum, so one that is there is the same."""
    if path.exists() and path.stat().st_size == len(data):
        return
    write_whole(path, data)
