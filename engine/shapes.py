"""Organ maps drawn from a shape model: the mean outlines of many chests and their main variations.

The model is numbers only: ``mean`` (146, 2) and ``modes`` (M, 146, 2), one standard deviation each,
of the points of :mod:`engine.outlines`; ``effects`` (K, M), the mode coefficients that raise one
measure by one standard deviation of the films and leave the others; ``view`` (M + 6,), the weights
of coefficients and standardised measures that tell AP from PA films.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.api import Organs
from engine.errors import InvalidRequest
from engine.outlines import MEASURES, Points, measured, organ_map, placed, sound, within_walls

RATIOS = (0.35, 0.70)
STEPS = 2.0  # standard deviations to each side that the other sliders reach
SLIDERS = {"volume": "lung volume", "rotation": "rotation", "habitus": "habitus", "view": "view"}
HELD = (*MEASURES, "view")  # the rows of ``effects``
SPREAD = 1.12  # of random chests, so that after redrawing they differ as films do
LIMIT = 3.0  # standard deviations of a mode
TRIES = 100


@dataclass(frozen=True)
class ChestShape:
    """A named chest, and how it is changed.

    ``ratio`` is the cardiothoracic ratio, 0.35 to 0.70, None for that of the template. The others
    are steps from the template in standard deviations of the films, -2 to 2. ``volume``: the
    lungs' area at the same width. ``rotation``: positive turns the front of the chest to the
    patient's right. ``habitus``: positive is short and broad, negative tall and narrow. ``view``:
    positive is what AP films have beyond a larger heart and smaller lungs, negative what PA films
    have.
    """

    template: str = "average"
    ratio: float | None = None
    volume: float = 0.0
    rotation: float = 0.0
    habitus: float = 0.0
    view: float = 0.0

    def __post_init__(self) -> None:
        low, high = RATIOS
        if self.ratio is not None and not low <= self.ratio <= high:
            raise InvalidRequest(
                f"The cardiothoracic ratio goes from {low:.2f} to {high:.2f}; {self.ratio:g} "
                "is outside."
            )
        for name, title in SLIDERS.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and abs(value) <= STEPS):
                raise InvalidRequest(
                    f"The {title} goes from {-STEPS:g} to {STEPS:g} standard deviations; "
                    f"{value:g} is outside."
                )


@dataclass(frozen=True)
class Shapes:
    """The shape model and its named chests: ``templates`` maps a name to mode coefficients.

    ``population`` maps a measure to its mean and standard deviation over the films.
    """

    tensors: Mapping[str, NDArray[np.floating]]
    templates: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    population: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def sample(self, seed: int, size: int) -> Organs:
        """A label map (size, size) of a chest nobody has; the same for the same seed."""
        return organ_map(self.points(self.random(seed)), size)

    def template(self, name: str, size: int) -> Organs:
        """A label map (size, size) of one of the named chests."""
        return organ_map(self.points(self.templates[name]), size)

    def chest(self, settings: ChestShape, size: int) -> Organs:
        """A label map (size, size) of a named chest with its sliders set.

        Raises InvalidRequest for a template that is not there, or for sliders that together
        leave what chests look like.
        """
        points = placed(self.points(self.coefficients(settings)))
        if not sound(points):
            raise InvalidRequest(
                "No chest looks like that: together the sliders go too far. Bring one of them "
                "nearer to its middle, or start from another template."
            )
        return organ_map(points, size)

    def ratio(self, name: str) -> float:
        """The cardiothoracic ratio of one of the named chests."""
        return float(measured(self.points(self.templates[name]))[0])

    def points(self, coefficients: Sequence[float] | NDArray[np.floating]) -> Points:
        """The outlines (146, 2) with these mode coefficients; missing ones are 0."""
        modes = self.tensors["modes"]
        given = np.zeros(len(modes))
        given[: len(coefficients)] = coefficients
        return self.tensors["mean"] + np.tensordot(given, modes, 1)

    def random(self, seed: int) -> NDArray[np.floating]:
        """Coefficients of a chest nobody has: normal, redrawn where they make no chest."""
        luck = np.random.default_rng(seed)
        drawn = np.zeros(len(self.tensors["modes"]))
        for _ in range(TRIES):
            drawn = SPREAD * luck.standard_normal(len(drawn))
            if np.abs(drawn).max() <= LIMIT and self.usual(drawn):
                break
        return drawn

    def usual(self, coefficients: NDArray[np.floating]) -> bool:
        """Whether a chest is sound, and no measure further out than in one film of 400."""
        points = self.points(coefficients)
        if not (sound(points) and within_walls(points)):
            return False
        return bool(np.abs(self.deviations(coefficients)[: len(MEASURES)]).max() <= LIMIT)

    def deviations(self, coefficients: NDArray[np.floating]) -> NDArray[np.floating]:
        """(7,) what :data:`HELD` names, in standard deviations from the mean of the films."""
        found = measured(self.points(coefficients))
        mean, spread = np.array([self.population[name] for name in MEASURES]).T
        steps = (found - mean) / spread
        view = np.concatenate([coefficients, steps]) @ self.tensors["view"]
        return np.append(steps, view)

    def coefficients(self, settings: ChestShape) -> NDArray[np.floating]:
        """Mode coefficients of a named chest with its sliders set."""
        if settings.template not in self.templates:
            known = "; ".join(self.templates)
            raise InvalidRequest(f"There is no template '{settings.template}'. There are: {known}.")
        start = np.zeros(len(self.tensors["modes"]))
        named = self.templates[settings.template]
        start[: len(named)] = named
        wanted = self.deviations(start)
        if settings.ratio is not None:
            mean, spread = self.population["ratio"]
            wanted[0] = (settings.ratio - mean) / spread
        for name in SLIDERS:
            wanted[HELD.index(name)] += getattr(settings, name)
        return self.reach(start, wanted)

    def reach(
        self, start: NDArray[np.floating], wanted: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        """Coefficients near ``start`` with the measures ``wanted``, in standard deviations.

        Newton's method in the directions of ``effects``: these are exact for small steps only.
        """
        effects = self.tensors["effects"].astype(np.float64)
        at = start.astype(np.float64)
        for _ in range(8):
            here = self.deviations(at)
            slopes = [(self.deviations(at + 0.05 * row) - here) / 0.05 for row in effects]
            step, *_ = np.linalg.lstsq(np.array(slopes).T, wanted - here, rcond=None)
            at = at + np.clip(step, -1.5, 1.5) @ effects
            if np.abs(step).max() < 1e-4:
                break
        return at


def read_shapes(folder: Path) -> Shapes:
    """The shape model in ``folder``: shapes.safetensors and shapes.json."""
    from safetensors.numpy import load_file

    description = json.loads((folder / "shapes.json").read_text("utf-8"))
    tensors: dict[str, NDArray[np.floating]] = {}
    for name in description["files"]:
        tensors.update(load_file(folder / name))
    templates = {name: tuple(c) for name, c in description["templates"].items()}
    population = {name: tuple(p) for name, p in description["population"].items()}
    return Shapes(tensors, templates, population)
