"""Plain statistics of a picture as it is shown, none of them anatomy, each with its name."""

import cv2
import numpy as np
from numpy.typing import NDArray

from app.studies.framing import Codes

Numbers = NDArray[np.float64]
FEATURES = (
    "the length of the file",
    "the width",
    "the height",
    "the mean brightness",
    "the contrast",
    "the darkest tones",
    "the brightest tones",
    "the share of pure black",
    "the share of pure white",
    "the brightness of the border",
    "a flat border",
    "gaps in the histogram",
    "an uneven histogram",
    "the grain",
    "the grain in dark parts",
    "the sharpness at the finest scale",
    "the sharpness at a fine scale",
    "the sharpness at a middle scale",
    "a regular pattern in the frequencies",
    "the balance of level and upright structure",
    "the likeness of left and right",
    "blocks of eight pixels, as JPEG leaves them",
)


def features(codes: Codes, length: int) -> Numbers:
    """(22,) numbers named in ``FEATURES``, of one picture as it is shown and its file's length."""
    grey = codes.astype(np.float64)
    height, width = codes.shape
    edge = max(2, height // 64)
    border = np.concatenate(
        [grey[:edge].ravel(), grey[-edge:].ravel(), grey[:, :edge].ravel(), grey[:, -edge:].ravel()]
    )
    low, high = np.percentile(grey, (1, 99))
    histogram = np.bincount(codes.ravel(), minlength=256).astype(np.float64)
    inner = histogram[8:248]
    smooth = np.convolve(inner, np.ones(5) / 5, "same") + 1
    grain = grey - cv2.medianBlur(codes, 3)
    third = np.percentile(grey, 30)
    dark = grey < third if (grey < third).any() else grey <= third  # a third may be pure black
    bands, peak, tilt = _spectrum(grey)
    return np.array(
        [
            length,
            width,
            height,
            grey.mean(),
            grey.std(),
            low,
            high,
            (codes == 0).mean(),
            (codes == 255).mean(),
            border.mean(),
            border.std(),
            (inner == 0).mean(),
            (np.abs(inner - smooth) / smooth).mean(),
            np.log1p(grain.std()),
            np.log1p(grain[dark].std()),
            *bands,
            peak,
            tilt,
            np.corrcoef(grey.ravel(), grey[:, ::-1].ravel())[0, 1] if grey.std() else 1.0,
            blocks(grey),
        ]
    )


def blocks(grey: Numbers) -> float:
    """How much larger steps are between blocks of eight columns than elsewhere: a logarithm."""
    steps = np.abs(np.diff(grey, axis=1)).mean(axis=0)
    on_grid, off_grid = steps[7::8].mean(), np.delete(steps, np.s_[7::8]).mean()
    return float(np.log((on_grid + 0.1) / (off_grid + 0.1)))


def border(codes: Codes) -> float:
    """The widest border of one dark or bright tone, as a share of the shorter side, up to a half.

    A row or column belongs to it while 98 % of it lies within four steps of its middle tone, which
    is among the darkest or the brightest of the picture.
    """
    low, high = np.percentile(codes, (0.5, 99.5))
    widest = 0
    for turned in (codes, codes[::-1], codes.T, codes.T[::-1]):
        half = turned[: len(turned) // 2].astype(np.int16)
        tone = np.median(half, axis=1)
        flat = (np.abs(half - tone[:, None]) <= 4).mean(axis=1) >= 0.98
        flat &= (tone <= low + 8) | (tone >= high - 8)
        widest = max(widest, len(half) if flat.all() else int(np.argmin(flat)))
    return widest / min(codes.shape)


def _spectrum(grey: Numbers) -> tuple[tuple[float, float, float], float, float]:
    """Log power in three bands of frequency, the largest line over its ring, level over upright."""
    height, width = grey.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    power = np.abs(np.fft.fftshift(np.fft.fft2((grey - grey.mean()) * window))) ** 2 + 1e-3
    y = np.fft.fftshift(np.fft.fftfreq(height))[:, None]
    x = np.fft.fftshift(np.fft.fftfreq(width))[None]
    ring = np.hypot(y, x)
    mean = [
        float(np.log(power[(ring >= a) & (ring < b)].mean()))
        for a, b in ((0.35, 0.5), (0.2, 0.35), (0.08, 0.2))
    ]
    outer = (ring >= 0.2) & (ring < 0.5)
    peak = float(np.log(power[outer].max() / np.median(power[outer])))
    level = power[outer & (np.abs(y) < np.abs(x))].mean()
    upright = power[outer & (np.abs(y) > np.abs(x))].mean()
    return (mean[0], mean[1], mean[2]), peak, float(np.log(level / upright))
