"""The marks that say a picture is synthetic: one for the eye, one in the file's metadata."""

import json
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engine import png
from engine.errors import ImageUnreadable, InvalidRequest

Mark = Literal["strip", "corner", "none"]
KEYWORD = "XReal-Studio"  # of the text in a PNG that holds the recipe
WHOLE = "SYNTHETIC, not for diagnosis"
PARTLY = "PARTLY SYNTHETIC, not for diagnosis"
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"  # IPTC's vocabulary
MOST_RECIPE_BYTES = 2_000_000
SMALLEST = 4  # px, height of letters
DARK, LIGHT = 24, 230  # of 255: paper and letters of the mark


def check_form(mark: str, bits: int) -> None:
    """Refuses a mark that is none of :data:`Mark`, and other than 8 or 16 bits."""
    if mark not in get_args(Mark):
        raise InvalidRequest(f"The marks are strip, corner and none; '{mark}' is none of them.")
    if bits not in (8, 16):
        raise InvalidRequest(f"Pictures are written with 8 or 16 bits, not {bits}.")


def xmp(kind: str) -> str:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPES}{kind}"/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )


def marked(codes: NDArray, words: str, mark: Mark) -> NDArray:
    if mark == "none":
        return codes
    height, width = codes.shape
    label = _label(words, width if mark == "strip" else max(width // 2, 40), max(height, width))
    most = np.iinfo(codes.dtype).max
    painted = np.round(label.astype(np.float64) / 255 * most).astype(codes.dtype)
    if mark == "strip":
        strip = np.full((painted.shape[0], width), painted[0, 0], codes.dtype)
        strip[:, : painted.shape[1]] = painted[:, :width]
        return np.vstack([codes, strip])
    burnt = codes.copy()
    rows, columns = min(painted.shape[0], height), min(painted.shape[1], width)
    burnt[height - rows :, :columns] = painted[:rows, :columns]
    return burnt


def notes_of(pixels: NDArray[np.float32], mark: Mark, bits: int) -> dict[str, Any]:
    """What is written beside the recipe about the file itself."""
    height, width = pixels.shape
    return {"mark": mark, "film_height": height, "film_width": width, "bits": bits}


def film_rows(data: bytes) -> int | None:
    """Rows of the film where one of our own PNGs has a strip below it, None for other files."""
    if not png.is_png(data):
        return None
    try:
        text = png.texts(png.chunks(data)).get(KEYWORD, "")
    except ImageUnreadable:
        return None
    width, height, *_ = png.header(data)
    return rows_without_strip(text, height, width)


def rows_without_strip(recipe: str | bytes, height: int, width: int) -> int | None:
    """Rows of the film where ``recipe`` (JSON) says that a strip lies below it, else None."""
    try:
        found = json.loads(recipe) if len(recipe) <= MOST_RECIPE_BYTES else None
    except (ValueError, RecursionError):
        return None
    notes = found.get("file") if isinstance(found, dict) else None
    if not isinstance(notes, dict) or notes.get("mark") != "strip":
        return None
    rows = notes.get("film_height")
    fits = isinstance(rows, int) and 0 < rows < height and notes.get("film_width") == width
    return rows if fits else None


def _label(words: str, width: int, longest: int) -> NDArray[np.uint8]:
    """``words`` light on dark, no wider than ``width`` px, in as few lines as read well."""
    size, lines = _fitted(words, width - 4, max(round(longest / 28), 12))
    font = ImageFont.load_default(size)
    across = max(round(font.getlength(line)) for line in lines) + 4
    pitch = round(size * 1.25)
    label = Image.new("L", (min(across, width), pitch * len(lines) + 2), DARK)
    draw = ImageDraw.Draw(label)
    for number, line in enumerate(lines):
        draw.text((2, 1 + number * pitch), line, fill=LIGHT, font=font)
    return np.array(label)


def _fitted(words: str, width: int, largest: int) -> tuple[int, list[str]]:
    """The largest letters, up to ``largest`` px, that need two lines; small films need more."""
    for size in range(largest, SMALLEST, -1):
        lines = _lines(words, ImageFont.load_default(size), width)
        if 0 < len(lines) <= 2:
            return size, lines
    return SMALLEST, _lines(words, ImageFont.load_default(SMALLEST), width) or words.split()


def _lines(words: str, font: Any, width: int) -> list[str]:
    """``words`` broken into lines of at most ``width`` px; empty where a word is too long."""
    lines: list[str] = []
    for word in words.split():
        if font.getlength(word) > width:
            return []
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
