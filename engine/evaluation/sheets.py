"""Sheets of pictures for the model card: what a user gets with the defaults, nothing chosen.

Seeds are consecutive, maps come from the shape model, and every picture is made by the same
public requests that the page and the command line send. Only synthetic films are shown.
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engine import marks
from engine.api import (
    HEART,
    LEFT_LUNG,
    RIGHT_LUNG,
    Batch,
    EraseRequest,
    Finding,
    GenerateRequest,
    InsertRequest,
    Mask,
    Organs,
    Pixels,
    Result,
    Sampling,
    SegmentRequest,
    UpscaleRequest,
    Verb,
)
from engine.engine import Engine
from engine.evaluation.devices import with_devices
from engine.evaluation.zones import region_of
from engine.masks import cardiothoracic_ratio
from engine.vocabulary import NOTHING, UNPLACED

log = logging.getLogger(__name__)
VERB_OF: dict[str, Verb] = {"insertions": "insert", "erasures": "erase", "upscalings": "upscale"}
SAMPLES, INSERTIONS, ERASURES, UPSCALINGS, MAPS, REPORTS = 64, 24, 12, 12, 8, 8
QUICK = 8  # a quick run makes one part in eight
BATCH = 8  # films computed together
QUALITY, LARGEST_FILE = 85, 1_150_000  # of a JPEG; bytes
CAPTION, GAP = 18, 4  # px
MARK_WIDTH = 500  # px, so that the mark is readable and repeated rather than huge
INK, PAPER = (220, 220, 220), (16, 16, 16)
REGION = (255, 214, 64)
OUTLINES = {LEFT_LUNG: (86, 204, 242), RIGHT_LUNG: (86, 204, 242), HEART: (255, 138, 76)}
PLACES = (
    ("left", "lower"),
    ("right", "upper"),
    ("right", "lower"),
    ("left", "middle"),
    ("left", "upper"),
    ("right", "middle"),
)
BOARD = (  # what is on each of the films that something is erased from
    ("pacemaker",),
    ("electrodes",),
    ("letters",),
    ("central line", "electrodes"),
    ("stomach tube", "breathing tube"),
    ("sternal wires",),
    ("port",),
    ("pacemaker", "sternal wires"),
    ("central line",),
    ("letters", "electrodes"),
    ("pacemaker", "letters"),
    ("breathing tube", "stomach tube", "central line", "electrodes"),
)
WORDED = (
    "No finding. PA view.",
    "No finding. AP view.",
    "Left pleural effusion.",
    "Right pleural effusion.",
    "Bilateral effusions, AP view.",
    "Consolidation in the right lower lobe.",
    "Opacity in the left upper zone.",
    "Pulmonary edema, portable film.",
)


@dataclass(frozen=True)
class Tile:
    """One picture of a sheet, (h, w, 3) of 0 to 255, and the words below it."""

    picture: NDArray[np.uint8]
    caption: str = ""


def draw_sheets(engine: Engine, folder: Path, quick: bool) -> dict[str, Path]:
    """Write the sheets as JPEG files into ``folder``; returns name -> file.

    ``quick`` draws an eighth of each. A sheet that the loaded models cannot draw is left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    films = samples(engine, _share(SAMPLES, quick))
    pages: dict[str, tuple[int, int, Callable[[], list[Tile]]]] = {
        "samples": (8, 256, lambda: shown(films)),
        "obedience": (6, 256, lambda: obedience(engine, _share(MAPS, quick))),
        "degrees": (4, 256, lambda: degrees(engine, 1 if quick else 3)),
        "words": (4, 256, lambda: words(engine, _share(REPORTS, quick))),
        "insertions": (8, 232, lambda: insertions(engine, films, _share(INSERTIONS, quick))),
        "erasures": (6, 256, lambda: erasures(engine, films, _share(ERASURES, quick))),
        "upscalings": (6, 256, lambda: upscalings(engine, films, _share(UPSCALINGS, quick))),
    }
    drawn: dict[str, Path] = {}
    for name, (columns, side, draw) in pages.items():  # each is on disk as soon as it is drawn
        verb = VERB_OF.get(name)
        tiles = draw() if verb is None or engine.can(verb) is None else []
        if tiles:
            log.info("sheet %s", name)
            drawn[name] = save(sheet(tiles, columns, side), folder / f"{name}.jpg")
    return drawn


def shown(films: Sequence[Result]) -> list[Tile]:
    return [Tile(_grey(film.image), f"seed {seed}") for seed, film in enumerate(films)]


def samples(engine: Engine, count: int) -> list[Result]:
    """Films of the seeds 0 to ``count``, of which nothing is said; maps of the shape model."""
    films: list[Result] = []
    for first in range(0, count, BATCH):
        seeds = tuple(range(first, min(first + BATCH, count)))
        films += engine.run(Batch(request=GenerateRequest(), seeds=seeds))
    return films


def insertions(engine: Engine, films: Sequence[Result], count: int) -> list[Tile]:
    """Before, with the corners of the region, and after; each finding in turn."""
    offered = [word for word in engine.knows("insert").findings if word != NOTHING]
    tiles: list[Tile] = []
    numbers = range(count if offered else 0)
    for number, film, word in zip(numbers, cycle(films), cycle(offered), strict=False):
        side, zone = PLACES[(number + number // len(offered)) % len(PLACES)]
        if word == "effusion":
            zone = "lower"
        place = ("both", "") if word in UNPLACED else (side, zone)
        region = region_of(_organs(engine, film), word, *place)
        request = InsertRequest(
            image=film.image,
            findings=(Finding(text=word, mask=region),),
            sampling=Sampling(seed=number),
        )
        after = engine.run(request)
        where = " ".join(filter(None, place))
        before = _ticked(_grey(film.image), region)
        tiles += [Tile(before, f"{number + 1} before"), Tile(_grey(after.image), f"{word} {where}")]
    return tiles


def erasures(engine: Engine, films: Sequence[Result], count: int) -> list[Tile]:
    """A film with devices, what was painted over, and what is there afterwards."""
    tiles: list[Tile] = []
    for number, film, names in zip(range(count), cycle(films), cycle(BOARD), strict=False):
        random = np.random.default_rng(number)
        drawn, mask = with_devices(film.image, _organs(engine, film), random, names)
        erased = engine.run(EraseRequest(image=drawn, mask=mask, sampling=Sampling(seed=number)))
        tiles += [
            Tile(_grey(drawn), f"{number + 1} {', '.join(names)}"),
            Tile(_outlined(_grey(drawn), mask, REGION), "painted over"),
            Tile(_grey(erased.image), "erased"),
        ]
    return tiles


def upscalings(engine: Engine, films: Sequence[Result], count: int) -> list[Tile]:
    """The whole at 256 px, then a part at full size: enlarged by cubic splines, and upscaled.

    Every third film has devices on it.
    """
    tiles: list[Tile] = []
    for number, film in zip(range(count), cycle(reversed(films)), strict=False):
        small, organs = film.image, _organs(engine, film)
        organ = (LEFT_LUNG, RIGHT_LUNG, HEART)[number % 3]
        if number % 3 == 2:
            names = BOARD[number % len(BOARD)]
            small, _ = with_devices(small, organs, np.random.default_rng(number), names)
        large = engine.run(UpscaleRequest(image=small, sampling=Sampling(seed=number)))
        height, width = large.image.shape
        plain = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)
        top, left, side = _window(organs == organ, organs.shape, (height, width))
        part = np.s_[top : top + side, left : left + side]
        tiles += [
            Tile(_grey(small), f"{number + 1} at {small.shape[1]} px"),
            Tile(_grey(plain[part]), "enlarged, 1:1"),
            Tile(_grey(large.image[part]), "upscaled, 1:1"),
        ]
    return tiles


def obedience(engine: Engine, count: int) -> list[Tile]:
    """Templates as maps, what was drawn from them, and the map's outlines on it."""
    tiles: list[Tile] = []
    for seed, name in enumerate(engine.templates()[:count]):
        organs = engine.template(name, 256)
        film = engine.run(GenerateRequest(organs=organs, sampling=Sampling(seed=seed)))
        shown, paper = _grey(film.image), np.full((*organs.shape, 3), 16, np.uint8)
        tiles += [
            Tile(_organs_on(paper, organs), name),
            Tile(shown, f"drawn, seed {seed}"),
            Tile(_organs_on(shown, organs), "the map on it"),
        ]
    return tiles


def degrees(engine: Engine, count: int) -> list[Tile]:
    """The same seed with hearts of several sizes: the ratio that was drawn, and read from it."""
    wanted = ("small heart", "average", "large heart", "very large heart")
    names = [name for name in wanted if name in engine.templates()]
    tiles: list[Tile] = []
    for seed in range(count):
        for name in names:
            organs = engine.template(name, 256)
            film = engine.run(GenerateRequest(organs=organs, sampling=Sampling(seed=seed)))
            asked, found = cardiothoracic_ratio(organs), None
            if engine.can("segment") is None:
                found = cardiothoracic_ratio(_organs(engine, film, read=True))
            caption = f"{name}: {_number(asked)}, read {_number(found)}"
            tiles.append(Tile(_grey(film.image), caption))
    return tiles


def words(engine: Engine, count: int) -> list[Tile]:
    """One map and one seed with reports in words."""
    knows = engine.knows("generate")
    if not (knows.findings or knows.free_text):
        return []
    organs = engine.organs_for(0, 256)
    films = [
        engine.run(GenerateRequest(report=report, organs=organs, sampling=Sampling(seed=0)))
        for report in WORDED[:count]
    ]
    return [
        Tile(_grey(film.image), report) for film, report in zip(films, WORDED[:count], strict=True)
    ]


def sheet(tiles: Sequence[Tile], columns: int, side: int) -> Image.Image:
    """Tiles row after row, each in a square of ``side`` px, above the mark."""
    columns = min(columns, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    wide, tall = side + GAP, side + CAPTION + GAP
    page = Image.new("RGB", (columns * wide + GAP, rows * tall + GAP), PAPER)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(12)
    for number, tile in enumerate(tiles):
        x, y = GAP + number % columns * wide, GAP + number // columns * tall
        picture = Image.fromarray(tile.picture)
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        page.paste(picture, (x + (side - picture.width) // 2, y + (side - picture.height) // 2))
        draw.text((x + 2, y + side + 1), _fitting(tile.caption, font, side - 4), INK, font)
    strip = Image.fromarray(
        marks.marked(np.full((4, MARK_WIDTH), PAPER[0], np.uint8), marks.WHOLE, "strip")
    )
    whole = Image.new("RGB", (page.width, page.height + strip.height), PAPER)
    whole.paste(page, (0, 0))
    for x in range(0, page.width, MARK_WIDTH):
        whole.paste(strip, (x, page.height))
    return whole


def save(picture: Image.Image, path: Path) -> Path:
    """A JPEG, made smaller where it would be too large a file for the repository."""
    picture.save(path, quality=QUALITY, optimize=True)
    while path.stat().st_size > LARGEST_FILE:
        picture = picture.resize((round(picture.width * 0.9), round(picture.height * 0.9)))
        picture.save(path, quality=QUALITY, optimize=True)
    return path


def _share(count: int, quick: bool) -> int:
    return math.ceil(count / QUICK) if quick else count


def _organs(engine: Engine, film: Result, *, read: bool = False) -> Organs:
    """The map a film was drawn from, else (or where ``read``) the one the segmenter reads."""
    if film.organs is not None and not read:
        return film.organs
    found = engine.run(SegmentRequest(image=film.image)).organs
    assert found is not None
    return found


def _grey(pixels: Pixels) -> NDArray[np.uint8]:
    """(H, W) in [0, 1] -> (H, W, 3)."""
    return np.repeat(np.round(pixels * 255).astype(np.uint8)[..., None], 3, axis=2)


def _outlined(
    picture: NDArray[np.uint8], mask: Mask | NDArray[np.bool_], colour: tuple[int, int, int]
) -> NDArray[np.uint8]:
    drawn = picture.copy()
    inside = (mask > 0).astype(np.uint8)
    contours, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, contours, -1, colour, 1)
    return drawn


def _organs_on(picture: NDArray[np.uint8], organs: Organs) -> NDArray[np.uint8]:
    for label, colour in OUTLINES.items():
        picture = _outlined(picture, organs == label, colour)
    return picture


def _ticked(picture: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """Corner ticks about a region: they say where it is and hide nothing of it."""
    drawn = picture.copy()
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    reach = max(picture.shape[0] // 24, 3)
    for row, down in ((rows[0], 1), (rows[-1], -1)):
        for column, across in ((columns[0], 1), (columns[-1], -1)):
            corner = (int(column), int(row))
            cv2.line(drawn, corner, (corner[0] + across * reach, corner[1]), REGION, 1)
            cv2.line(drawn, corner, (corner[0], corner[1] + down * reach), REGION, 1)
    return drawn


def _window(
    organ: NDArray[np.bool_], given: tuple[int, ...], large: tuple[int, int]
) -> tuple[int, int, int]:
    """Top, left and side of a 256 px square of the large film, about the organ's middle."""
    side = min(256, *large)
    rows, columns = np.nonzero(organ)
    row, column = (rows.mean(), columns.mean()) if len(rows) else (given[0] / 2, given[1] / 2)
    top = int(np.clip(row * large[0] / given[0] - side / 2, 0, large[0] - side))
    left = int(np.clip(column * large[1] / given[1] - side / 2, 0, large[1] - side))
    return top, left, side


def _number(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _fitting(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int) -> str:
    while text and font.getlength(text) > width:
        text = text[:-1]
    return text
