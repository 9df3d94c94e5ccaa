"""Fit the shape model to organ maps."""

import numpy as np
from numpy.typing import NDArray

from engine.masks import cardiothoracic_ratio
from engine.shapes import draw_organs

# Named chests: deviations of cardiothoracic ratio, lung height and lung width, in standard
# deviations of the films. The width is that of both lungs together.
TEMPLATES = {
    "average": (0.0, 0.0, 0.0),
    "large heart": (1.3, 0.0, 0.0),
    "very large heart": (2.0, 0.0, 0.0),
    "small heart": (-1.2, 0.0, 0.0),
    "low volumes": (0.6, -1.6, 0.0),
    "large heart, low volumes": (1.4, -1.2, 0.0),
    "deep inspiration": (-0.5, 1.1, 0.1),
    "tall and narrow": (-0.2, 0.8, -0.7),
    "short and broad": (0.2, -0.9, 0.8),
    "far away": (0.0, -1.3, -1.3),
    "close": (0.0, 1.0, 1.0),
}
MODES = 8
SIDE = 64
REACH = 0.12  # share of the side; distances beyond say nothing about the outline


def distances(organs: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(128, 128) label map -> signed distances (3, 64, 64), shares of the side, inside positive."""
    from scipy import ndimage

    layers = []
    for k in (1, 2, 3):
        inside = organs == k
        signed = np.asarray(ndimage.distance_transform_edt(inside))
        signed = signed - np.asarray(ndimage.distance_transform_edt(~inside))
        signed = signed - np.where(inside, 0.5, -0.5)
        coarse = signed.reshape(SIDE, 2, SIDE, 2).mean((1, 3)) / len(organs)
        layers.append(np.clip(coarse, -REACH, REACH))
    return np.stack(layers).astype(np.float32)


def fit_shapes(
    maps: NDArray[np.uint8], modes: int = MODES
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float32], float]:
    """Principal components of the outlines in ``maps`` (N, 128, 128).

    Returns the tensors of the model, the coefficients (N, modes) of each map in standard
    deviations, and the share of variance the modes keep.
    """
    rows = np.stack([distances(organs) for organs in maps]).reshape(len(maps), -1)
    mean = rows.mean(0)
    values, vectors = np.linalg.eigh((rows - mean) @ (rows - mean).T / len(rows))
    order = np.argsort(values)[::-1][:modes]
    spread = np.sqrt(values[order])
    axes = (rows - mean).T @ vectors[:, order]
    axes = axes / np.linalg.norm(axes, axis=0)
    # Fixed signs, so that two fits agree.
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(modes)])
    coefficients = (rows - mean) @ axes / spread
    shape = {
        "mean": mean.reshape(3, SIDE, SIDE),
        "modes": (axes * spread).T.reshape(modes, 3, SIDE, SIDE),
    }
    kept = float(values[order].sum() / values.clip(0).sum())
    return shape, coefficients.astype(np.float32), kept


def measures(organs: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Cardiothoracic ratio, height and width of the lungs (shares of the side)."""
    lungs = (organs == 1) | (organs == 2)
    height, width = (np.ptp(np.flatnonzero(lungs.any(axis))) for axis in (1, 0))
    ratio = cardiothoracic_ratio(organs) or float("nan")
    return ratio, float(height) / len(organs), float(width) / len(organs)


def template_coefficients(
    shape: dict[str, NDArray[np.float32]],
    maps: NDArray[np.uint8],
    coefficients: NDArray[np.float32],
) -> dict[str, list[float]]:
    """For each named chest small coefficients whose drawing has its measures.

    The mean of distances is smaller than the mean chest (where outlines disagree it cancels), so
    the average chest is corrected by what it draws; the others are linear steps from it.
    """
    found = np.array([measures(organs) for organs in maps])
    centre, spread = found.mean(0), found.std(0)
    effect, *_ = np.linalg.lstsq(coefficients, (found - centre) / spread, rcond=None)
    inverse = np.linalg.pinv(effect.T)
    average = np.zeros(len(effect))
    for _ in range(12):
        drawn = measures(draw_organs(shape, average.tolist(), 128))
        average = average - 0.5 * inverse @ ((np.array(drawn) - centre) / spread)
    return {
        name: [round(float(c), 3) for c in average + inverse @ np.array(wanted)]
        for name, wanted in TEMPLATES.items()
    }
