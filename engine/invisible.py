"""The invisible mark: a faint fixed pattern in the pixels that a model made, and only there.

One tile of 64 x 64 px, repeated from the film's upper left corner, is added to the 16-bit codes.
It is noise of middle fineness (0.08 to 0.25 cycles a pixel: finer is lost when a film is shrunk
to half, coarser drowns in the anatomy). Which of :data:`WORDS` tiles it is, is the message, so the
whole strength of the mark serves both to be found and to be read. The tiles come from a public
constant: anybody can find the mark, and somebody who wants to remove it can.

Codes are whole numbers and the tile is rounded to them, so marking is the same on every machine,
and a pixel's mark depends on nothing but its own value, its place and the size of the zone.
``engine/detection.py`` finds it again; docs/provenance.md has the figures.
"""

import functools
import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api import (
    EraseRequest,
    GenerateRequest,
    InsertRequest,
    OutpaintRequest,
    Pixels,
    Request,
    Result,
    SegmentRequest,
    UpscaleRequest,
)
from engine.errors import InvalidRequest
from engine.images import GRID, from_codes, to_codes

MARK = 1  # version of the mark; the recipe names it
TILE = 64  # px
KEY = "XReal Studio: synthetic, not for diagnosis"  # public, fixed for ever
WORDS = 4  # two bits: made by an edit (1) or from nothing (0); the next version of the mark (2)
WHOLE_WORD, EDIT_WORD = 0, 1
COARSEST, FINEST = 0.08, 0.25  # cycles a px
SLOPE = -0.5  # of the amplitude over frequency: JPEG keeps the coarser part
STRONGEST, FAINTEST = 1.85, 0.9  # standard deviation of the pattern, codes of 255: 42.8, 49 dB
STRONG_UP_TO = 128 * 128  # px of zone; the strength falls with the fourth root of more

Zone = NDArray[np.bool_]  # (H, W), True where a model made the pixel


@functools.cache
def tiles() -> NDArray[np.float64]:
    """(WORDS, TILE, TILE) patterns of mean 0 and standard deviation 1."""
    return np.stack([_tile(word) for word in range(WORDS)])


def strength(area: int) -> float:
    """Standard deviation of the mark in codes of 255, for a zone of ``area`` px.

    A small zone needs all that stays invisible; a whole film is found with half of it.
    """
    falling = STRONGEST * (max(area, 1) / STRONG_UP_TO) ** -0.25
    return min(STRONGEST, max(FAINTEST, falling))


def embed(pixels: Pixels, zone: Zone, word: int, area: int | None = None) -> Pixels:
    """``pixels`` (H, W) with the mark inside ``zone``; outside it not a bit changes.

    ``area`` px decide the strength where ``zone`` is a part of what is marked.
    """
    height, width = pixels.shape
    of_255 = tiles()[word] * strength(int(zone.sum()) if area is None else area)
    steps = np.round(of_255 * (GRID / 255)).astype(np.int32)
    pattern = np.tile(steps, (-(-height // TILE), -(-width // TILE)))[:height, :width]
    codes = np.clip(to_codes(pixels, 16).astype(np.int32) + pattern, 0, GRID)
    return np.where(zone, from_codes(codes, GRID), pixels)


def embed_states(request: Request, states: dict[str, Pixels]) -> dict[str, Pixels]:
    """Every stage of a run with the mark in what models made of it up to there.

    ``request`` is what was run, with its zones; ``states`` are its stages in order. A replay,
    which sees black where an edit replaced the picture, gives the same.
    """
    if not takes_mark(request):
        return states
    made = _made(request, states)
    area = int(made[-1].sum()) if made else 0
    word = WHOLE_WORD if isinstance(request, GenerateRequest) else EDIT_WORD
    given = len(states) - len(made)  # the picture as it was opened comes first
    marked = dict(list(states.items())[:given])
    for (name, pixels), zone in zip(list(states.items())[given:], made, strict=True):
        marked[name] = embed(pixels, zone, word, area)
    return marked


def asked_by(recipe: dict[str, Any]) -> int:
    """The version of the mark that a replay puts in; 0 for recipes older than the mark, whose
    pictures are made again as they were."""
    version = recipe.get("invisible_mark", 0)
    if type(version) is not int or not 0 <= version <= MARK:
        raise InvalidRequest(
            "The recipe has an invisible mark that this version does not know. Open it with the "
            "version of XReal Studio that wrote it."
        )
    return version


def without(result: Result) -> Result:
    """A result whose recipe says nothing of a mark, as those of old had it."""
    recipe = {name: part for name, part in result.recipe.items() if name != "invisible_mark"}
    return replace(result, recipe=recipe)


def takes_mark(request: Request) -> bool:
    """Exact runs repeat the authors' arithmetic to the letter, so no mark is added to them."""
    return not isinstance(request, SegmentRequest) and not request.sampling.exact


def _made(request: Request, states: dict[str, Pixels]) -> list[Zone]:
    """For each stage after the opened picture: where its pixels were made by a model."""
    match request:
        case GenerateRequest():
            return [np.ones(state.shape, bool) for state in states.values()]
        case UpscaleRequest():
            return [np.ones(states["upscaled"].shape, bool)]
        case EraseRequest():
            return [request.mask > 0]
        case OutpaintRequest():
            return [request.keep < 1]
        case InsertRequest():
            zones = np.stack([finding.mask > 0 for finding in request.findings])
            return list(np.logical_or.accumulate(zones))
        case SegmentRequest():
            return []


def _tile(word: int) -> NDArray[np.float64]:
    """Random phases from a hash of the key; the band is flat but for its slope."""
    count = TILE * TILE
    digest = hashlib.shake_256(f"{KEY} {MARK} {word}".encode()).digest(4 * count)
    phases = np.frombuffer(digest, "<u4").reshape(TILE, TILE) / 2**32
    across = np.fft.fftfreq(TILE)
    fineness = np.hypot(across[:, None], across)
    inside = (fineness >= COARSEST) & (fineness <= FINEST)
    weight = np.where(inside, np.maximum(fineness, COARSEST) ** SLOPE, 0.0)
    tile = np.fft.ifft2(weight * np.exp(2j * np.pi * phases)).real
    return (tile - tile.mean()) / tile.std()
