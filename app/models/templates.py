"""Anatomies to start a drawing from: the named chests of the shape model."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from engine.api import Organs
from engine.shapes import ChestShape, Shapes, read_shapes

MODELS = Path(__file__).resolve().parents[2] / "assets" / "models"


@dataclass(frozen=True)
class Template:
    name: str
    shapes: Shapes

    def organs(self, height: int, width: int, settings: ChestShape | None = None) -> Organs:
        """(height, width): the middle of a square of the longer side.

        ``settings`` move the sliders of this template.
        """
        longest = max(height, width)
        square = self.shapes.chest(settings or ChestShape(self.name), longest)
        top, left = (longest - height) // 2, (longest - width) // 2
        return np.ascontiguousarray(square[top : top + height, left : left + width])

    @property
    def ratio(self) -> float:
        """Its cardiothoracic ratio."""
        return self.shapes.ratio(self.name)

    @property
    def title(self) -> str:
        """As the page calls it."""
        words = self.name.replace("_", " ")
        return words[:1].upper() + words[1:]


@cache
def embedded_templates() -> tuple[Template, ...]:
    """Read once; they ship with the project."""
    shapes = read_shapes(MODELS)
    return tuple(Template(name, shapes) for name in shapes.templates)
