"""What a file is, by its content and never by its name, and how a picture becomes a state."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.canvas.drawing import (
    FIRST_FINDING,
    LAST_FINDING,
    Drawing,
    FindingRegion,
    letter_of,
    organ_bits,
    strength_of,
)
from app.document import archive, films, masks
from app.document.project import ProjectUnreadable
from app.document.session import Origin, Session, State
from engine.dicom.film import Film
from engine.errors import EngineError, ImageUnreadable
from engine.images import read_image
from engine.origin import stated
from engine.provenance import Inputs, Recipe, read_recipe, recipe_from_text, request_of

FileKind = Literal["picture", "project", "recipe", "mask", "masks"]
SEVERAL = -2  # the label of a file that holds more than one
MOST_TEXT = 3_000_000  # bytes of a recipe
ORIGINS: dict[str | None, Origin] = {None: "real", "whole": "synthetic", "partly": "partly"}
COLOURED = "The file is in colour. It is shown, and used, as grey."
OTHERS = (
    "Pictures (PNG, JPEG, TIFF, DICOM), projects, recipes and masks (PNG, NPZ) can be opened. "
    "Nothing was changed."
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a file is. ``label`` is the bit that a mask says it is, :data:`masks.NEW_FINDING`,
    :data:`SEVERAL` where it holds more than one, None where only a person knows."""

    kind: FileKind
    can_be_picture: bool = False
    label: int | None = None


def identify(path: Path, name: str) -> Found:
    """What the file at ``path`` is. Raises with a sentence where it is nothing that can be opened.

    The name only ever says which label a mask is, never what kind of file it is.
    """
    with path.open("rb") as file:
        head = file.read(1024)
    if head.startswith(b"PK\x03\x04"):
        return Found(kind=_kind_of_zip(path), label=SEVERAL)
    if head.lstrip()[:1] == b"{":
        _recipe_in_text(path)
        return Found(kind="recipe")
    try:
        data = path.read_bytes()
        read_image(data)
    except ImageUnreadable as error:
        raise ImageUnreadable(_of_sentence(str(error))) from error
    if recipe_in(path) is not None:
        return Found(kind="picture", can_be_picture=True)
    if masks.is_index(data):
        return Found(kind="mask", can_be_picture=True, label=SEVERAL)
    if masks.is_binary(data):
        return Found(kind="mask", can_be_picture=True, label=masks.label_in(name))
    return Found(kind="picture", can_be_picture=True)


def _kind_of_zip(path: Path) -> FileKind:
    if archive.has_manifest(path):
        return "project"
    try:
        with archive.open_zip(path) as opened:
            names = opened.namelist()
    except zipfile.BadZipFile as error:
        raise ImageUnreadable(
            "The ZIP file was cut off or damaged while it was copied. Copy it again. "
            "Nothing was changed."
        ) from error
    if masks.NPZ in names or any(name.endswith(".npy") for name in names):
        return "masks"
    raise ImageUnreadable(f"This ZIP is neither a project nor masks of ours. {OTHERS}")


def _recipe_in_text(path: Path) -> Recipe:
    if path.stat().st_size > MOST_TEXT:
        raise ImageUnreadable(f"This text is larger than any recipe. {OTHERS}")
    recipe = recipe_from_text(path.read_bytes())
    if not isinstance(recipe.get("verb"), str) or "parameters" not in recipe:
        raise ImageUnreadable(f"This JSON file is not a recipe. {OTHERS}")
    return recipe


def _of_sentence(said: str) -> str:
    return said.replace("Open a DICOM, PNG, JPEG or TIFF picture.", OTHERS)


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What the recipe in one of our own files brings back to the page."""

    verb: str
    report: str
    seed: int | None
    quality: str | None = None


def spacing_of(film: Film) -> float | None:
    """The side of a square pixel in mm as the file says it, None for others and where unsaid."""
    if film.spacing_mm is None:
        return None
    down, across = film.spacing_mm
    return (down + across) / 2 if abs(down - across) < 0.01 * across else None


def open_picture(session: Session, path: Path) -> tuple[State, Restored | None]:
    """Read a picture into the history.

    A file of ours brings its recipe along and, of a generated picture, the drawing. The name of
    the file may be that of a patient, so the document is not called by it.
    """
    data = path.read_bytes()
    opened = read_image(data)
    # Also without inputs that fit, as those of exact edits: what is synthetic is never called real.
    extent, recipe = stated(data, opened.film)
    origin = ORIGINS[extent]
    inputs: Inputs | None = None
    drawing = restored = None
    found = recipe_in(path)
    if found is not None:
        recipe, inputs = found
        drawing = drawing_of(session, recipe, inputs, opened.pixels.shape)
        restored = restored_by(recipe)
    state = session.add(
        lambda number: State(
            number=number,
            name="Opened",
            kind="opened",
            image=opened.pixels,
            bits=opened.bits,
            origin=origin,
            recipe=recipe,
            inputs=inputs,
            drawing=drawing,
            seed=restored.seed if restored else None,
            spacing_mm=None if opened.film is None else spacing_of(opened.film),
            notes=(*opened.notes, *((COLOURED,) if opened.colour else ())),
            descent=films.opened(opened.pixels, opened.film, synthetic=origin == "synthetic"),
        )
    )
    if len(session.states) == 1:
        session.title = "Opened picture" if opened.film is None else "Opened film"
    return state, restored


def restored_by(recipe: Recipe) -> Restored:
    """What of a recipe the panel can show; parts of another form are left out."""
    parameters = recipe.get("parameters", {})
    sampling = parameters.get("sampling")
    sampling = sampling if isinstance(sampling, dict) else {}
    seed, quality = sampling.get("seed"), sampling.get("quality")
    return Restored(
        verb=str(recipe.get("verb", "")),
        report=str(parameters.get("report") or "")[:10_000],
        seed=seed if type(seed) is int and 0 <= seed < 2**53 else None,
        quality=quality if isinstance(quality, str) else None,
    )


def read_recipe_file(path: Path) -> Restored:
    return restored_by(_recipe_in_text(path))


def read_masks(path: Path, label: int | None, drawing: Drawing | None) -> masks.Masks:
    """The masks in a file; ``label`` says which one a painted region is."""
    data = path.read_bytes()
    if data.startswith(b"PK\x03\x04"):
        return masks.of_npz(_npz_in(path) or data)
    if masks.is_index(data):
        return masks.of_index(data)
    if label is None:
        raise ImageUnreadable("The file does not say which label it is. Choose one.")
    if label == masks.NEW_FINDING:
        label = masks.free_finding(drawing, set())
    return masks.of_label(data, label)


def _npz_in(path: Path) -> bytes | None:
    """The arrays in a ZIP of masks as we write it; None where it is an NPZ file itself."""
    try:
        with archive.open_zip(path) as opened:
            info = next((i for i in opened.infolist() if i.filename == masks.NPZ), None)
            return info and archive.read_member(opened, info, archive.MOST_BYTES)
    except (zipfile.BadZipFile, ProjectUnreadable) as error:
        raise ImageUnreadable(
            "The file of masks is damaged, or larger than masks can be. Copy it again."
        ) from error


def recipe_in(path: Path) -> tuple[Recipe, Inputs] | None:
    """Recipe and inputs where the file is one of ours and they fit together, else None."""
    try:
        recipe, inputs = read_recipe(path)
        request_of(recipe, inputs)
    except (ImageUnreadable, EngineError):
        return None
    return recipe, inputs


def drawing_of(
    session: Session, recipe: Recipe, inputs: Inputs, shape: tuple[int, ...]
) -> Drawing | None:
    """The drawing of a recipe that has one of the picture's size."""
    bits: NDArray[Any] = np.zeros(shape, np.uint32)
    organs = inputs.get("organs")
    if organs is not None and organs.shape == shape:
        bits = organ_bits(organs)
    findings = []
    for index, finding in enumerate(recipe.get("parameters", {}).get("findings", [])):
        mask = inputs.get(finding["mask"]["input"])
        bit = FIRST_FINDING + index
        if mask is None or mask.shape != shape or bit > LAST_FINDING:
            continue
        bits = bits | (mask > 0).astype(np.uint32) << np.uint32(bit)
        strength = strength_of(finding.get("strength", 0))  # recipes of before 0.4 know none
        findings.append(FindingRegion(bit, letter_of(bit), finding["text"], strength))
    if not bits.any():
        return None
    return Drawing(doc=session.doc, rev=0, job="", state=None, bits=bits, findings=tuple(findings))
