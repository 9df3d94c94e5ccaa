"""A chest of boxes, whose measures are arithmetic, and a shape model of it that needs no file."""

import numpy as np

from engine.outlines import ALL_HEART, MEASURES, PARTS, POINTS, measured
from engine.shapes import HELD, Shapes


def boxes() -> np.ndarray:
    """Lungs from 0.1 to 0.4 and from 0.6 to 0.9 across, 0.2 to 0.7 down, the heart between them."""
    points = np.zeros((POINTS, 2))

    def line(part: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        count = PARTS[part].stop - PARTS[part].start
        share = np.arange(count)[:, None] / count
        points[PARTS[part]] = np.array(start) + share * (np.array(end) - start)

    for side, mirror in (("left", 0.0), ("right", 1.0)):

        def at(x: float, y: float, mirror: float = mirror) -> tuple[float, float]:
            return abs(mirror - x), y

        line(f"{side} wall", at(0.9, 0.2), at(0.9, 0.7))
        line(f"{side} base", at(0.9, 0.7), at(0.6, 0.7))
        line(f"{side} cardiophrenic", at(0.6, 0.7), at(0.6, 0.7))
        line(f"{side} hilum", at(0.6, 0.4), at(0.6, 0.2))
    line("heart top", (0.4, 0.4), (0.6, 0.4))
    line("heart left", (0.6, 0.4), (0.6, 0.7))
    line("heart bottom", (0.6, 0.7), (0.4, 0.7))
    line("heart right", (0.4, 0.7), (0.4, 0.4))
    return points


def box_shapes() -> Shapes:
    """One mode: the heart grows by a tenth of the lungs' span. Other sliders change nothing."""
    mean = boxes()
    mode = np.zeros_like(mean)
    mode[ALL_HEART, 0] = np.sign(mean[ALL_HEART, 0] - 0.5) * 0.04
    effects = np.zeros((len(HELD), 1))
    effects[HELD.index("ratio")] = 1
    tensors = {"mean": mean, "modes": mode[None], "effects": effects, "view": np.zeros(len(HELD))}
    population = {
        name: (float(value), 0.1 if name == "ratio" else 1e6)  # the lungs give way: let them
        for name, value in zip(MEASURES, measured(mean), strict=True)
    }
    templates = {"average": (1.5,), "large heart": (3.0,), "low volumes": (1.5,)}
    return Shapes(tensors, templates, population)
