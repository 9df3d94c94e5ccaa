"""Train the shape model on films, and measure it on what it draws and on films held out."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api import Organs
from engine.masks import cardiothoracic_ratio
from engine.outlines import MEASURES, Points, measured, organ_map, placed, sound
from engine.shapes import HELD, RATIOS, SLIDERS, STEPS, ChestShape, Shapes
from engine.training.data import Film, Pack
from engine.training.labels import Labelled
from engine.training.outlines import landmarks
from engine.training.shapes import fit_shapes, projected, with_templates

PLAIN = {"No Finding", "Cardiomegaly", "Nodule"}  # labels that hide no lung
SIDE = 256  # px of the maps that are measured
RANDOM = 300  # random chests whose spread is compared with that of the films


def train_shapes(pack: Pack, labelled: Labelled) -> tuple[Shapes, dict[str, Any]]:
    """The model with its templates, fitted to the training films, and its figures."""
    films, outlines, maps = outlined(pack, labelled)
    chosen = [i for i, film in enumerate(films) if film.split == "train"]
    told_by_nih = [films[i].view if not films[i].mask else "" for i in chosen]
    shapes, _, figures = fit_shapes(
        [outlines[i] for i in chosen],
        [f"{films[i].source} {films[i].view}" for i in chosen],
        told_by_nih,  # the films with masks are all PA and of another hospital
    )
    shapes = with_templates(shapes)
    held = [i for i, film in enumerate(films) if film.split == "val" and film.mask]
    return shapes, {
        "maps": len(chosen),
        **figures,
        "held_out_dice": reconstruction(shapes, [outlines[i] for i in held], maps[held]),
        "spread_of_random_over_films": spread(shapes),
        "ratio_error": ratio_error(shapes),
        "slider_effects_sd": slider_effects(shapes),
    }


def outlined(pack: Pack, labelled: Labelled) -> tuple[list[Film], list[Points], NDArray[np.uint8]]:
    """Films whose outlines are known, the outlines, and maps (N, 256, 256) as far as human."""
    films, outlines, maps = [], [], []
    for i, film in enumerate(pack.films):
        plain = labelled.sound[i] and not film.boxes and PLAIN & set(film.labels)
        if not (film.mask or plain):
            continue
        points = landmarks(pack.organs[i] if film.mask else labelled.organs[i])
        if points is not None and sound(points):
            films.append(film)
            outlines.append(points)
            maps.append(pack.organs[i])
    return films, outlines, np.stack(maps)


def reconstruction(
    shapes: Shapes, outlines: list[Points], maps: NDArray[np.uint8]
) -> dict[str, float]:
    """Mean Dice of each organ between maps (N, 256, 256) and what the model makes of them."""
    drawn = np.stack([organ_map(shapes.points(projected(shapes, p)), SIDE) for p in outlines])
    found = {}
    for k, name in ((1, "left_lung"), (2, "right_lung"), (3, "heart")):
        a, b = drawn == k, maps == k
        dice = 2 * (a & b).sum((1, 2)) / np.maximum(a.sum((1, 2)) + b.sum((1, 2)), 1)
        found[name] = round(float(dice.mean()), 4)
    return found


def spread(shapes: Shapes) -> dict[str, float]:
    """Standard deviation of each measure over random chests, in those of the films."""
    found = np.array([measured(shapes.points(shapes.random(seed))) for seed in range(RANDOM)])
    return {
        name: round(float(found[:, i].std() / shapes.population[name][1]), 2)
        for i, name in enumerate(MEASURES)
    }


def read_back(shapes: Shapes, organs: Organs) -> NDArray[np.float64]:
    """What :data:`engine.shapes.HELD` names, measured on a label map by its own outlines.

    In standard deviations of the films. NaN where a landmark cannot be found.
    """
    points = landmarks(organs)
    if points is None:
        return np.full(len(HELD), np.nan)
    mean, size = np.array([shapes.population[name] for name in MEASURES]).T
    steps = (measured(points) - mean) / size
    view = np.concatenate([projected(shapes, points), steps]) @ shapes.tensors["view"]
    return np.append(steps, view)


def drawn(shapes: Shapes, settings: ChestShape) -> Organs:
    """The map of the settings, also where no chest looks like that: that is to be seen."""
    return organ_map(placed(shapes.points(shapes.coefficients(settings))), SIDE)


def ratio_error(shapes: Shapes) -> float:
    """Largest difference between the ratio asked of the average chest and the map's."""
    asked = np.linspace(*RATIOS, 8)
    maps = [drawn(shapes, ChestShape(ratio=float(ratio))) for ratio in asked]
    found = np.array([cardiothoracic_ratio(organs) or 0 for organs in maps])
    return round(float(np.abs(found - asked).max()), 4)


def slider_effects(shapes: Shapes) -> dict[str, dict[str, float | None]]:
    """Slider -> measure -> standard deviations, read back from the maps of the average chest.

    For a slider's own measure how far it goes from one end to the other, for the others their
    largest change on the way; None where a map could not be read.
    """
    values = {"ratio": np.linspace(*RATIOS, 8)}
    values |= {name: np.linspace(-STEPS, STEPS, 9) for name in SLIDERS}
    start = read_back(shapes, drawn(shapes, ChestShape()))
    table = {}
    for name, steps in values.items():
        maps = [drawn(shapes, replace(ChestShape(), **{name: float(value)})) for value in steps]
        rows = np.array([read_back(shapes, organs) for organs in maps])
        moved = np.abs(rows - start).max(0)
        own = HELD.index(name)
        moved[own] = rows[-1, own] - rows[0, own]
        table[name] = {
            held: round(float(m), 2) if np.isfinite(m) else None
            for held, m in zip(HELD, moved, strict=True)
        }
    return table
