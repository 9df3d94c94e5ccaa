"""A file that was dropped, pasted or chosen becomes a state of the document."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.canvas.drawing import (
    FIRST_FINDING,
    LAST_FINDING,
    Drawing,
    FindingRegion,
    letter_of,
    organ_bits,
)
from app.session import Origin, Session, State
from engine.errors import EngineError, ImageUnreadable
from engine.images import read_image
from engine.provenance import Inputs, Recipe, read_recipe, request_of, wholly_synthetic


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What the recipe in one of our own files brings back to the page."""

    verb: str
    report: str
    seed: int | None


def open_picture(session: Session, path: Path, name: str) -> tuple[State, Restored | None]:
    """Read a picture into the history. ``name`` is shown, and kept in memory only.

    A file of ours brings its recipe along and, of a generated picture, the drawing.
    """
    opened = read_image(path)
    found = recipe_in(path)
    origin: Origin = "real"
    recipe: Recipe | None = None
    inputs: Inputs | None = None
    drawing = restored = None
    if found is not None:
        recipe, inputs = found
        origin = "synthetic" if wholly_synthetic(recipe) else "partly"
        drawing = drawing_of(session, recipe, inputs, opened.pixels.shape)
        parameters = recipe.get("parameters", {})
        restored = Restored(
            verb=str(recipe.get("verb", "")),
            report=str(parameters.get("report", "")),
            seed=parameters.get("sampling", {}).get("seed"),
        )
    state = session.add(
        lambda number: State(
            number=number,
            name="Opened",
            kind="opened",
            image=opened.pixels,
            bits=opened.bits,
            origin=origin,
            recipe=recipe,
            inputs=inputs,
            drawing=drawing,
            seed=restored.seed if restored else None,
        )
    )
    session.title = name
    return state, restored


def recipe_in(path: Path) -> tuple[Recipe, Inputs] | None:
    """Recipe and inputs where the file is one of ours and they fit together, else None."""
    try:
        recipe, inputs = read_recipe(path)
        request_of(recipe, inputs)
    except (ImageUnreadable, EngineError):
        return None
    return recipe, inputs


def drawing_of(
    session: Session, recipe: Recipe, inputs: Inputs, shape: tuple[int, ...]
) -> Drawing | None:
    """The drawing of a recipe that has one of the picture's size."""
    bits: NDArray[Any] = np.zeros(shape, np.uint32)
    organs = inputs.get("organs")
    if organs is not None and organs.shape == shape:
        bits = organ_bits(organs)
    findings = []
    for index, finding in enumerate(recipe.get("parameters", {}).get("findings", [])):
        mask = inputs.get(finding["mask"]["input"])
        bit = FIRST_FINDING + index
        if mask is None or mask.shape != shape or bit > LAST_FINDING:
            continue
        bits = bits | (mask > 0).astype(np.uint32) << np.uint32(bit)
        findings.append(FindingRegion(bit=bit, letter=letter_of(bit), words=finding["text"]))
    if not bits.any():
        return None
    return Drawing(doc=session.doc, rev=0, job="", state=None, bits=bits, findings=tuple(findings))
