"""What a file says of where it comes from: a recipe, metadata, the invisible mark, or nothing.

The three are looked for apart, because each survives what the others do not: any program that
saves a picture again drops the recipe, most drop the metadata, few the mark in the pixels. To find
nothing proves nothing.
"""

import hashlib
import io
import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image

from engine.detection import Found, find_mark
from engine.dicom.film import Film
from engine.errors import EngineError, ImageUnreadable
from engine.images import read_image
from engine.invisible import WHOLE_WORD
from engine.marks import SOURCE_TYPES
from engine.provenance import Recipe, read_recipe, wholly_synthetic

Kind = Literal["recipe", "metadata", "mark", "nothing"]
Extent = Literal["whole", "partly"]

MOST_XMP_BYTES = 1_000_000
WHOLE_TYPE = "trainedAlgorithmicMedia"
PARTLY_TYPE = "compositeWithTrainedAlgorithmicMedia"
SOURCE_TYPE = re.compile(re.escape(SOURCE_TYPES.removeprefix("http")) + r"(\w{1,60})")
NOTHING = (
    "Nothing was found: no recipe, no statement of a synthetic source, no mark in the pixels. "
    "That proves nothing: the picture may be real, made by another program, or too much changed."
)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """``kind`` is the strongest that was found. ``recipe`` and ``source_type`` (IPTC) are what the
    file states; ``mark`` is the best match in its pixels, certain or not. ``sentences`` say it to
    a person."""

    kind: Kind
    extent: Extent | None
    recipe: Recipe | None
    source_type: str | None
    mark: Found
    sentences: tuple[str, ...]


def origin_of(data: bytes) -> Origin:
    """What a PNG, JPEG, TIFF or DICOM file is; raises ImageUnreadable for anything else."""
    opened = read_image(data)
    mark = find_mark(opened.pixels)
    recipe = _recipe(data)
    source_type = _source_type(data) if opened.film is None else _stated(opened.film)
    stated = source_type in (WHOLE_TYPE, PARTLY_TYPE)
    if recipe is not None:
        kind, whole = "recipe", wholly_synthetic(recipe)
    elif stated:
        kind, whole = "metadata", source_type == WHOLE_TYPE
    elif mark.certain:
        kind, whole = "mark", mark.word == WHOLE_WORD
    else:
        kind, whole = "nothing", False
    return Origin(
        kind=kind,
        extent=None if kind == "nothing" else "whole" if whole else "partly",
        recipe=recipe,
        source_type=source_type,
        mark=mark,
        sentences=tuple(_sentences(kind, whole, recipe, source_type, mark)),
    )


def stated(data: bytes, film: Film | None) -> tuple[Extent | None, Recipe | None]:
    """What a file states of itself, its pixels not asked: how much of it is synthetic, and its
    recipe, which need not be one that can be run. ``film`` is what a DICOM file holds."""
    recipe = _recipe(data)
    if recipe is not None:
        return "whole" if wholly_synthetic(recipe) else "partly", recipe
    source_type = _source_type(data) if film is None else _stated(film)
    if source_type not in (WHOLE_TYPE, PARTLY_TYPE):
        return None, None
    return "whole" if source_type == WHOLE_TYPE else "partly", None


def recipe_digest(recipe: Recipe) -> str:
    """SHA-256 of a recipe, whatever the order of its parts."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def _recipe(data: bytes) -> Recipe | None:
    try:
        recipe, _ = read_recipe(data)
    except EngineError:
        return None
    return recipe if recipe.get("synthetic") is True else None


def _stated(film: Film) -> str | None:
    """What a DICOM file states in its own terms, as the IPTC source type that means the same."""
    if not film.synthetic:
        return None
    return PARTLY_TYPE if film.altered else WHOLE_TYPE


def _source_type(data: bytes) -> str | None:
    """The last word of the IPTC digital source type in the file's XMP."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "TIFF")) as image:
            image.load()  # texts may stand after the pixels
            packet: Any = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    except Exception as error:  # decoders fail in their own ways; the picture itself was read
        raise ImageUnreadable("The metadata of the file cannot be read.") from error
    text = packet if isinstance(packet, str) else bytes(packet).decode("utf-8", "replace")
    found = SOURCE_TYPE.search(text[:MOST_XMP_BYTES])
    return None if found is None else found.group(1)


def _sentences(
    kind: Kind, whole: bool, recipe: Recipe | None, source_type: str | None, mark: Found
) -> list[str]:
    what = "Synthetic as a whole" if whole else "Partly synthetic"
    if recipe is not None:
        made = f"{recipe.get('verb', 'an unknown verb')}, version {recipe.get('engine', 'unknown')}"
        said = [f"{what}: the file holds a recipe of XReal Studio ({made}). 'replay' checks it."]
        if recipe.get("invisible_mark") and not mark.certain:
            said.append(
                "The mark that the recipe speaks of is not seen in the pixels: what was made is "
                "small, or the recipe was put into another picture."
            )
    elif kind == "metadata":
        said = [
            f"{what}, as the file's metadata state (as IPTC digital source type: {source_type}). "
            "There is no recipe."
        ]
    elif kind == "mark":
        said = ["There is no recipe and no metadata."]
    else:
        return [NOTHING]
    if mark.certain:
        said.append(
            f"The pixels hold the invisible mark, {mark.says}: score {mark.score:.1f}; "
            f"{_odds(mark.false_alarm)} real films would score as high."
        )
    return said


def _odds(probability: float) -> str:
    if probability < 1e-6:
        return "fewer than one in a million"
    return f"about one in {round(1 / probability):,}"
