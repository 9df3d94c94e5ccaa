"""Fit the shape model to outlines, and find what its sliders do and what its templates are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.outlines import MEASURES, POINTS, Points, measured
from engine.shapes import Shapes

MODES = 32
RIDGE = 0.05  # share of the mean variance added, so that rare modes do not decide
Numbers = NDArray[np.float64]

# Named chests: cardiothoracic ratio, then steps of volume, rotation, habitus, diaphragm and view
# in standard deviations from the mean of the films.
TEMPLATES: dict[str, tuple[float, ...]] = {
    "average": (0.47, 0.0, 0.0, 0.0, 0.0, 0.0),
    "AP, supine": (0.54, -0.7, 0.0, 0.1, 0.1, 0.9),
    "deep inspiration": (0.43, 1.1, 0.0, 0.0, 0.0, 0.0),
    "hyperinflation": (0.38, 1.9, 0.0, -0.2, 0.0, -0.3),
    "low volumes": (0.53, -1.6, 0.0, 0.2, 0.0, 0.0),
    "small heart": (0.39, 0.2, 0.0, 0.0, 0.0, 0.0),
    "slightly large heart": (0.53, 0.0, 0.0, 0.0, 0.0, 0.0),
    "large heart": (0.59, -0.1, 0.0, 0.0, 0.0, 0.0),
    "very large heart": (0.66, -0.4, 0.0, 0.0, 0.0, 0.0),
    "large heart, low volumes": (0.60, -1.3, 0.0, 0.2, 0.0, 0.5),
    "tall and narrow": (0.44, 0.2, 0.0, -1.5, 0.0, 0.0),
    "short and broad": (0.50, -0.2, 0.0, 1.4, 0.0, 0.0),
    "rotated to the right": (0.49, 0.0, 2.4, 0.0, 0.0, 0.0),
    "rotated to the left": (0.49, 0.0, -2.4, 0.0, 0.0, 0.0),
    "elevated right hemidiaphragm": (0.48, -0.3, 0.0, 0.0, 2.2, 0.0),
    "elevated left hemidiaphragm": (0.48, -0.3, 0.0, 0.0, -2.2, 0.0),
    "small left lung": (0.49, -0.4, -2.2, -0.1, -1.6, 0.0),
}


def fit_shapes(
    outlines: Sequence[Points], groups: Sequence[str], views: Sequence[str], modes: int = MODES
) -> tuple[Shapes, Numbers, dict[str, float]]:
    """The model of ``outlines`` (N of (146, 2)), without templates.

    ``groups`` are films that were taken alike: what differs between them is no effect of a
    slider. ``views`` are "PA", "AP" or "" where a film should not tell views apart. Returns the
    model, the coefficients (N, M), and what was found.
    """
    rows = np.stack(outlines).reshape(len(outlines), -1)
    mean = rows.mean(0)
    _, sizes, axes = np.linalg.svd(rows - mean, full_matrices=False)
    kept = (sizes[:modes] ** 2).sum() / (sizes**2).sum()
    axes = axes[:modes]
    # Fixed signs, so that two fits agree.
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])[:, None]
    spread = sizes[:modes] / np.sqrt(len(rows))
    coefficients = (rows - mean) @ axes.T / spread
    found = np.array([measured(points) for points in outlines])
    steps = (found - found.mean(0)) / found.std(0)
    within = np.asarray(groups)
    solved = np.linalg.lstsq(_centred(steps, within), _centred(coefficients, within))
    effects = solved[0].astype(np.float64)
    view, toward, apart = _view(coefficients, steps, effects, np.asarray(views))
    tensors = {
        "mean": mean.reshape(POINTS, 2),
        "modes": (axes * spread[:, None]).reshape(len(axes), POINTS, 2),
        "effects": np.vstack([effects, toward]),
        "view": view,
    }
    population = {
        name: (round(float(m), 5), round(float(s), 5))
        for name, m, s in zip(MEASURES, found.mean(0), found.std(0), strict=True)
    }
    figures = {"variance_kept": round(float(kept), 4), "views_apart_sd": round(apart, 2)}
    return Shapes(tensors, {}, population), coefficients, figures


def _centred(values: Numbers, groups: NDArray[np.str_]) -> Numbers:
    """``values`` (N, K) without the mean of each row's group."""
    out = values.astype(np.float64)
    for group in np.unique(groups):
        out[groups == group] -= out[groups == group].mean(0)
    return out


def _view(
    coefficients: Numbers, steps: Numbers, effects: Numbers, views: NDArray[np.str_]
) -> tuple[Numbers, Numbers, float]:
    """Fisher's discriminant of AP and PA in what the measures do not say.

    Returns its weights for coefficients and measures (M + 6,), the coefficients (M,) that raise
    it by one standard deviation, and how many of these lie between the two means.
    """
    rest = coefficients - steps @ effects
    ap, pa = rest[views == "AP"], rest[views == "PA"]
    if min(len(ap), len(pa)) < 2:  # films of one view only: nothing to learn
        return np.zeros(len(effects.T) + len(effects)), np.zeros(len(effects.T)), 0.0
    between = ap.mean(0) - pa.mean(0)
    inside = np.concatenate([ap - ap.mean(0), pa - pa.mean(0)])
    scatter = inside.T @ inside / len(inside)
    steady = scatter + RIDGE * np.trace(scatter) / len(scatter) * np.eye(len(scatter))
    weights = np.linalg.solve(steady, between)
    weights = weights / (inside @ weights).std()
    toward = scatter @ weights
    return np.concatenate([weights, -effects @ weights]), toward, float(between @ weights)


def with_templates(shapes: Shapes) -> Shapes:
    """The model with its named chests."""
    start = np.zeros(len(shapes.tensors["modes"]))
    mean, spread = shapes.population["ratio"]
    templates = {}
    for name, (ratio, volume, rotation, habitus, diaphragm, view) in TEMPLATES.items():
        steps = [volume, rotation, habitus, diaphragm, 0.0, view]
        found = shapes.reach(start, np.array([(ratio - mean) / spread, *steps]))
        templates[name] = tuple(round(float(c), 3) for c in found)
    return Shapes(shapes.tensors, templates, shapes.population)


def projected(shapes: Shapes, points: Points) -> Numbers:
    """The coefficients (M,) nearest to outlines that the model was not fitted to."""
    modes = shapes.tensors["modes"].reshape(len(shapes.tensors["modes"]), -1)
    away = (points - shapes.tensors["mean"]).reshape(-1)
    return modes @ away / (modes**2).sum(1)
