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

import numpy as np

from app.studies.errors import StudyError
from app.studies.framing import Codes, Flags, Pixels, middle, resampled
from app.studies.masks import framed, keep_mask, mask_of, read_edited
from app.studies.model import Case
from app.studies.originals import facts_of
from engine import png
from engine.errors import EngineError
from engine.files import write_whole
from engine.images import read_image

PICTURES = "pictures"
TONES = ("percentiles", "as stored")
MOST_CUT = 0.2  # share of the side, at every edge
SMALLEST, LARGEST = 128, 2048  # side of a shown picture in px
REQUIRED = ("file", "source", "synthetic", "finding")
OPTIONAL = ("case_id", "scene", "role", "edit_of", "mask")
YES = {"yes", "true", "1", "synthetic"}
NO = {"no", "false", "0", "real"}
LARGEST_TABLE = 10_000_000  # bytes


@dataclass(frozen=True)
class Picture:
    """One picture before it is made alike. ``load`` gives (H, W) float32 in [0, 1].

    ``case`` has no checksum yet. Pixels are loaded one picture at a time, when they are needed.
    ``edited`` gives (H, W), true where the picture was edited; None where that is not known.
    """

    case: Case
    load: Callable[[], Pixels]
    edited: Callable[[], Flags] | None = None


@dataclass(frozen=True)
class Treatment:
    """What is done to every picture alike.

    ``side`` in px; ``crop`` is the share of the square's side that is cut off at every edge,
    where letters and borders are; ``tone`` spreads the grey between its percentiles 0.5 and 99.5
    or leaves it as stored; ``grain`` is the standard deviation of noise in steps of 256 that
    fills the gaps which stretching leaves in a histogram. ``again`` is cut off in a second pass
    through all of this, which takes away borders that were found afterwards.
    """

    side: int = 512
    crop: float = 0.0
    tone: str = "percentiles"
    grain: float = 0.5
    again: float = 0.0

    def __post_init__(self) -> None:
        if not SMALLEST <= self.side <= LARGEST:
            raise StudyError(f"The side must be from {SMALLEST} to {LARGEST} pixels.")
        if not (0 <= self.crop <= MOST_CUT and 0 <= self.again <= MOST_CUT):
            raise StudyError("At most a fifth can be cut off at every edge.")
        if self.tone not in TONES:
            raise StudyError(f"There is no treatment of tones '{self.tone}'.")
        if not 0 <= self.grain <= 2:
            raise StudyError("The grain must be from 0 to 2 steps of grey.")


def from_pixels(case: Case, pixels: Pixels, edited: Flags | None = None) -> Picture:
    """A picture that is in memory, such as a state of the editor's history: (H, W) in [0, 1].

    ``edited`` is of the same shape, true where the picture was edited.
    """
    grey = np.asarray(pixels)
    if grey.ndim != 2 or min(grey.shape) < 16 or not np.isfinite(grey).all():
        raise StudyError(f"The picture of the case {case.case_id} is not a grey picture.")
    kept = np.clip(grey, 0, 1).astype(np.float32)
    height, width = kept.shape
    facts = {"width": width, "height": height, "made from": "memory"}
    facts["original"] = {**facts_of(kept), "kind": "state of the history"}
    if edited is None:
        return Picture(_with_origin(case, facts), lambda: kept)
    flags = np.array(edited, dtype=bool)
    if flags.shape != kept.shape:
        raise StudyError(f"The mask of the case {case.case_id} has not the size of its picture.")
    return Picture(_with_origin(case, facts), lambda: kept, lambda: flags)


def read_folder(folder: Path, table: str = "cases.csv") -> list[Picture]:
    """The pictures that a table in ``folder`` lists; every file is opened once to be sure.

    Columns: file, source, synthetic (yes or no), finding, and if wanted case_id, scene, role,
    edit_of, and mask: a PNG of the same size, white where the picture was edited. Others are kept
    with the case as its origin. Raises ``StudyError`` naming the row.
    """
    rows = _rows(folder / table)
    named = [(f"Row {n} of {table}", row) for n, row in enumerate(rows, 2)]
    cases = [_case(folder, row, where) for where, row in named]
    _check_distinct(cases, table)
    return [
        _opened(folder, row, case, where) for (where, row), case in zip(named, cases, strict=True)
    ]


def shown(picture: Picture, treatment: Treatment) -> Codes:
    """(side, side) codes of the picture as readers see it. The same input, the same output."""
    codes = _made_alike(picture.load(), treatment.crop, treatment)
    return cut_again(codes, treatment) if treatment.again else codes


def cut_again(codes: Codes, treatment: Treatment) -> Codes:
    """(side, side) codes of a picture that went through the first pass, after the second one."""
    return _made_alike((codes / 255).astype(np.float32), treatment.again, treatment)


def _made_alike(pixels: Pixels, crop: float, treatment: Treatment) -> Codes:
    grey = resampled(middle(pixels, crop), treatment.side)
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
    origin. A mask goes through the same framing and is kept beside, never where a reader's names
    lead. ``told`` hears how many are done. Two cases may not have the same pixels.
    """
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    cases: dict[str, Case] = {}
    for picture in pictures:
        sha256, data = checked_file(shown(picture, treatment))
        if sha256 in cases:
            raise StudyError(
                f"The cases {cases[sha256].case_id} and {picture.case.case_id} are the same "
                "picture. Leave one of them out."
            )
        _write(folder / PICTURES / f"{sha256}.png", data)
        whole = _with_origin(picture.case, {"treatment": in_words(treatment)})
        cases[sha256] = replace(whole, sha256=sha256, mask=_mask(folder, picture, treatment))
        told(len(cases))
    return tuple(cases.values())


def recut(folder: Path, case: Case, treatment: Treatment) -> Case:
    """A case of the study in ``folder`` with its picture and mask after the second pass."""
    sha256, data = checked_file(cut_again(codes_of(folder, case), treatment))
    _write(folder / PICTURES / f"{sha256}.png", data)
    mask = case.mask
    if mask:
        edited = framed(mask_of(folder, mask), (treatment.again,), treatment.side, case.case_id)
        mask = keep_mask(folder, edited)
    whole = _with_origin(case, {"treatment": in_words(treatment)})
    return replace(whole, sha256=sha256, mask=mask)


def checked_file(codes: Codes) -> tuple[str, bytes]:
    """The file of a picture, and before it its checksum."""
    data = encoded(codes)
    return hashlib.sha256(data).hexdigest(), data


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


def _case(folder: Path, row: Mapping[str, str], where: str) -> Case:
    """The case of a row, before its file is opened."""
    try:
        path = _inside(folder, row["file"])
        if row.get("mask"):
            _inside(folder, row["mask"])
        case = Case(
            case_id=row.get("case_id") or Path(row["file"]).stem,
            source=row["source"],
            synthetic=_truth(row["synthetic"]),
            finding=row["finding"] or "none",
            scene=row.get("scene", ""),
            role=row.get("role") or "main",
            edit_of=row.get("edit_of", ""),
            origin={
                "file": row["file"],
                **{n: v for n, v in row.items() if n not in (*REQUIRED, *OPTIONAL) and v},
            },
        )
        return _with_origin(case, _facts(path))
    except EngineError as error:
        raise StudyError(f"{where}: {error}") from error


def _opened(folder: Path, row: Mapping[str, str], case: Case, where: str) -> Picture:
    """The picture of a row: file and mask are opened here to be sure, and again when needed."""
    path = _inside(folder, row["file"])

    def load() -> Pixels:
        try:
            return read_image(path).pixels
        except EngineError as error:
            raise StudyError(f"{where}, {row['file']}: {error}") from error

    def edited() -> Flags:
        try:
            return read_edited(_inside(folder, row["mask"]), shape)
        except EngineError as error:
            raise StudyError(f"{where}, mask {row['mask']}: {error}") from error

    try:
        opened = read_image(path)
    except EngineError as error:
        raise StudyError(f"{where}, {row['file']}: {error}") from error
    shape = opened.pixels.shape
    facts = {
        **facts_of(opened.pixels),
        "kind": path.suffix.lower().lstrip(".") or "dcm",
        "bytes": path.stat().st_size,
        "bits": opened.bits,
        "colour": opened.colour,
    }
    whole = _with_origin(case, {"original": facts})
    if not row.get("mask"):
        return Picture(whole, load)
    edited()
    return Picture(whole, load, edited)


def _mask(folder: Path, picture: Picture, treatment: Treatment) -> str:
    if picture.edited is None:
        return ""
    crops = (treatment.crop, treatment.again) if treatment.again else (treatment.crop,)
    flags = framed(picture.edited(), crops, treatment.side, picture.case.case_id)
    return keep_mask(folder, flags)


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


def _check_distinct(cases: Sequence[Case], table: str) -> None:
    seen: set[str] = set()
    for case in cases:
        name = case.case_id
        if name in seen:
            raise StudyError(
                f"The table {table} names the case '{name}' twice. Give each its own case_id."
            )
        seen.add(name)


# Making alike ---------------------------------------------------------------------------------


def in_words(treatment: Treatment) -> str:
    cut = f", {treatment.crop:.0%} cut off at every edge" if treatment.crop else ""
    tones = "tones between percentiles 0.5 and 99.5" if treatment.tone == TONES[0] else "tones kept"
    if treatment.again:
        cut += f", {treatment.again:.0%} more in a second pass for borders"
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
