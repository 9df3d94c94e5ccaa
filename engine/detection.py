"""Find the invisible mark without the original: in cropped, shrunk, compressed pictures.

The picture is whitened and cut into blocks. For each block the correlation with the pattern at
all 64 x 64 shifts is one Fourier transform; sums over squares of blocks then ask of every part
of the picture, at every shift: is the pattern here? The score is the highest correlation over
its own scatter, so that a film without the mark gives much the same score whatever it shows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from engine.api import Pixels
from engine.invisible import EDIT_WORD, TILE, WHOLE_WORD, tiles

# Scores of real films follow a Gumbel distribution; docs/provenance.md has the films and the fit.
NULL_MODE, NULL_SCALE = 5.13, 0.165
CERTAIN = 7.0  # score from which the mark is said to be there
SCALES = (1.0, 0.5)  # of the picture against the film that was marked
MOST_BLOCKS = 400
SMALLEST_BLOCK = 16  # px
SQUARES = (2, 3, 4, 6, 8, 12, 16)  # sides of what is summed, blocks; and the whole picture
FINE, ROOM = 1.6, 8.0  # px: what is coarser is taken out; the reach of the local contrast
FLOOR = 0.2  # of the usual scatter: what is counted at least
SMALLEST_SIDE = 32  # px of a picture in which anything can be found

Block = NDArray[np.complex64]


@dataclass(frozen=True, kw_only=True)
class Found:
    """The best match. ``score`` is in standard deviations; ``false_alarm`` is the probability
    that a real film reaches it; ``box`` (top, left, bottom, right) is where, px; ``scale`` is the
    picture's against the film that was marked."""

    score: float
    word: int
    box: tuple[int, int, int, int]
    scale: float

    @property
    def certain(self) -> bool:
        return self.score >= CERTAIN

    @property
    def false_alarm(self) -> float:
        return false_alarm(self.score)

    @property
    def says(self) -> str:
        """What the mark says, for people."""
        return {
            WHOLE_WORD: "made whole by XReal Studio",
            EDIT_WORD: "changed by XReal Studio",
        }.get(self.word, "made by a later version of XReal Studio")


def false_alarm(score: float) -> float:
    """Probability that a film without the mark scores this high or higher."""
    return -math.expm1(-math.exp(min((NULL_MODE - score) / NULL_SCALE, 700.0)))


def find_mark(pixels: Pixels, scales: Sequence[float] = SCALES) -> Found:
    """The best match of the mark in ``pixels`` (H, W) in [0, 1], whether certain or not."""
    if min(pixels.shape) < SMALLEST_SIDE:
        return Found(score=0.0, word=WHOLE_WORD, box=(0, 0, *pixels.shape), scale=1.0)
    return max((_at_scale(pixels, scale) for scale in scales), key=lambda f: f.score)


def _at_scale(pixels: Pixels, scale: float) -> Found:
    """The best match for a picture that is ``scale`` of the film. Up to about a half the tile is
    shrunk with it; what remains of the scale is made good by resampling the picture."""
    share = 0.5 if scale < 0.71 else 1.0
    grey = pixels.astype(np.float32) * 255
    if scale != share:
        size = (round(grey.shape[1] * share / scale), round(grey.shape[0] * share / scale))
        kind = cv2.INTER_AREA if share < scale else cv2.INTER_CUBIC
        grey = cv2.resize(grey, size, interpolation=kind).astype(np.float32)
    tile = round(TILE * share)
    block = _block_side(grey.shape, share)
    spectra = _spectra(_whitened(grey, share), tile, block)
    power = _power(spectra)
    best = Found(score=0.0, word=WHOLE_WORD, box=(0, 0, *pixels.shape), scale=scale)
    for word, pattern in enumerate(tiles()):
        template = np.conj(_shrunk(np.fft.fft2(pattern), tile)) / power
        score, box = _best_square(_correlations(spectra, template.astype(np.complex64)))
        if score > best.score:
            on_picture = tuple(
                min(round(edge * block * scale / share), side)
                for edge, side in zip(box, (*pixels.shape, *pixels.shape), strict=True)
            )
            best = Found(score=score, word=word, box=on_picture, scale=scale)  # type: ignore[arg-type]
    return best


def _block_side(shape: tuple[int, ...], share: float) -> int:
    side = SMALLEST_BLOCK
    while math.prod(math.ceil(n / share / side) for n in shape) > MOST_BLOCKS:
        side *= 2
    return round(side * share)


def _whitened(grey: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Fine structure over its local contrast, so that ribs and letters weigh no more than lung."""
    fine = grey - cv2.GaussianBlur(grey, (0, 0), FINE)
    contrast = cv2.GaussianBlur(fine * fine, (0, 0), ROOM * share)
    return np.clip(fine / np.sqrt(contrast + 0.05), -3, 3).astype(np.float32)


def _spectra(fine: NDArray[np.float32], tile: int, block: int) -> Block:
    """(rows, columns, tile, tile // 2 + 1): each block, laid where it falls in the tile."""
    rows, columns = (math.ceil(n / block) for n in fine.shape)
    padded = np.zeros((rows * block, columns * block), np.float32)
    padded[: fine.shape[0], : fine.shape[1]] = fine
    blocks = padded.reshape(rows, block, columns, block).swapaxes(1, 2)
    if block >= tile:  # whole tiles: added up
        many = block // tile
        laid = blocks.reshape(rows, columns, many, tile, many, tile).sum((2, 4))
    else:
        laid = np.zeros((rows, columns, tile, tile), np.float32)
        many = tile // block
        for y in range(many):
            for x in range(many):
                part = (slice(y, None, many), slice(x, None, many))
                there = (slice(y * block, (y + 1) * block), slice(x * block, (x + 1) * block))
                laid[(*part, *there)] = blocks[part]
    return np.asarray(fft.rfft2(laid))


def _power(spectra: Block) -> NDArray[np.float32]:
    """(tile, tile // 2 + 1) mean power of the picture by fineness: what drowns counts less."""
    power = np.mean(np.abs(spectra) ** 2, (0, 1))
    tile = power.shape[0]
    rings = np.round(np.hypot(np.fft.fftfreq(tile, 1 / tile)[:, None], np.arange(tile // 2 + 1)))
    ring = rings.astype(np.intp)
    mean = np.bincount(ring.ravel(), power.ravel()) / np.maximum(np.bincount(ring.ravel()), 1)
    smooth = mean[ring]
    return (smooth + 0.02 * smooth.max() + 1e-6).astype(np.float32)


def _shrunk(spectrum: NDArray[np.complex128], tile: int) -> NDArray[np.complex128]:
    """The half spectrum of the pattern as it looks at the smaller ``tile``, pixel centres kept."""
    if tile == TILE:
        return spectrum[:, : TILE // 2 + 1]
    half = tile // 2
    kept = np.concatenate([spectrum[:half], spectrum[-half:]])[:, : half + 1].copy()
    rows, columns = np.fft.fftfreq(tile, 1 / tile)[:, None], np.arange(half + 1)
    kept *= np.exp(2j * np.pi * (rows + columns) * 0.5 * (TILE / tile - 1) / TILE)
    kept[half] = 0
    kept[:, half] = 0
    return kept


def _correlations(spectra: Block, template: Block) -> NDArray[np.float32]:
    """(rows, columns, TILE, TILE): each block's match at every shift, in steps of a film's px."""
    product = spectra * template
    tile = product.shape[2]
    if tile < TILE:
        half = tile // 2
        full = np.zeros((*product.shape[:2], TILE, TILE // 2 + 1), np.complex64)
        full[..., :half, : half + 1] = product[..., :half, :]
        full[..., -half:, : half + 1] = product[..., half:, :]
        product = full
    return np.asarray(fft.irfft2(product, s=(TILE, TILE)), np.float32)


def _best_square(
    match: NDArray[np.float32],
) -> tuple[float, tuple[int, int, int, int]]:
    """The highest score of all squares of blocks, and the square (top, left, bottom, right)."""
    rows, columns = match.shape[:2]
    total = np.zeros((rows + 1, columns + 1, TILE, TILE), np.float32)
    total[1:, 1:] = match
    for row in range(1, rows):  # np.cumsum does the same, five times as slowly
        total[row + 1] += total[row]
    for column in range(1, columns):
        total[:, column + 1] += total[:, column]
    usual = FLOOR * float(np.sqrt(np.mean(match**2)))  # of a block; flat ones hold nothing
    best, where = 0.0, (0, 0, rows, columns)
    shapes = {(min(n, rows), min(n, columns)) for n in SQUARES} | {(rows, columns)}
    for high, wide in sorted(shapes):
        sums = total[high:, wide:] - total[:-high, wide:]
        sums -= total[high:, :-wide] - total[:-high, :-wide]
        flat = sums.reshape(*sums.shape[:2], -1)
        scatter = np.sqrt(np.einsum("ijk,ijk->ij", flat, flat) / flat.shape[2])
        scores = flat.max(2) / np.hypot(scatter, usual * (high * wide) ** 0.5 + 1e-9)
        top, left = np.unravel_index(int(scores.argmax()), scores.shape)
        if scores[top, left] > best:
            best = float(scores[top, left])
            where = (int(top), int(left), int(top) + high, int(left) + wide)
    return best, where
