"""A state of the history as a file to keep: marked, with its recipe and inputs inside.

No file with pixels leaves before a person has looked for words in the film that it came from.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from app.document import looking
from app.document.archive import project_bytes
from app.document.masks import masks_bytes
from app.document.project import snapshot
from app.document.session import Session, State
from engine.dicom.film import Film
from engine.dicom.writing import film_bytes, film_with_masks
from engine.errors import EngineError, InvalidRequest
from engine.marks import Mark
from engine.provenance import Recipe, picture_bytes, request_of

Bits = Literal[8, 16]


@dataclass(frozen=True, kw_only=True)
class Export:
    """A file on its way out. ``parts`` go into the ledger one by one: kind and bytes. ``said``
    is what the ledger says of them beside."""

    name: str  # tells nothing of what is in it
    data: bytes
    parts: tuple[tuple[str, bytes], ...]
    recipe: Recipe | None = None
    said: Mapping[str, str] = field(default_factory=dict)


def png(state: State, mark: str, bits: int) -> Export:
    recipe = _recipe(state)
    _check_mark(mark)
    if bits not in get_args(Bits):
        raise InvalidRequest("A picture is written with 8 or 16 bits.")
    looking.require_looked([state])
    data = picture_bytes(state.image, recipe, state.inputs or {}, cast(Mark, mark), bits)
    name = f"xreal-state-{state.number}{'-8bit' if bits == 8 else ''}.png"
    return Export(
        name=name, data=data, parts=(("png", data),), recipe=recipe, said=_said(state, mark)
    )


def dicom(state: State, mark: str, masks: bool) -> Export:
    """A Secondary Capture; with ``masks``, a ZIP of it and of a segmentation of organs and zones.

    An edited DICOM film keeps its stored values outside what was changed.
    """
    recipe = _recipe(state)
    _check_mark(mark)
    looking.require_looked([state])
    film, zone = film_under(state)
    inputs = state.inputs or {}
    form = (recipe, inputs, cast(Mark, mark), 16, film, zone)
    name, said = f"xreal-state-{state.number}", _said(state, mark)
    if not masks:
        data = film_bytes(state.image, *form)
        return Export(
            name=f"{name}.dcm", data=data, parts=(("dicom", data),), recipe=recipe, said=said
        )
    try:
        request = request_of(recipe, inputs)
    except EngineError as error:
        raise InvalidRequest(
            "The masks of this picture are not in the document any more. Export it without them."
        ) from error
    data, segmentation = film_with_masks(state.image, request, *form)
    if segmentation is None:
        raise InvalidRequest(
            "There are no organs and no zones to write as masks. Export the picture without them."
        )
    files = {f"{name}.dcm": data, f"{name}-masks.dcm": segmentation}
    parts = (("dicom", data), ("dicom", segmentation))
    return Export(name=f"{name}.zip", data=_zip(files), parts=parts, recipe=recipe, said=said)


def film_under(state: State) -> tuple[Film | None, NDArray[np.bool_] | None]:
    """The DICOM film that a picture came of and where models changed it, while both have one
    size; else None, None. What a person said of words in it counts more than its header."""
    descent = state.descent
    film = None if descent is None else descent.source.film
    if descent is None or film is None or not descent.in_place:
        return None, None
    if film.stored.shape != state.image.shape:
        return None, None
    if descent.source.decision is not None:
        film = replace(film, burned_in=False)
    changed = descent.changed
    return film, np.zeros(state.image.shape, bool) if changed is None else changed


def recipe(state: State) -> Export:
    """The recipe alone, as text; the pictures and masks it needs are not in it."""
    if state.recipe is None:
        raise InvalidRequest("This is the picture that was opened: it has no recipe.")
    data = (json.dumps(state.recipe, indent=1) + "\n").encode()
    name = f"xreal-state-{state.number}.json"
    return Export(name=name, data=data, parts=(("recipe", data),), recipe=state.recipe)


def masks(session: Session) -> Export:
    """What is drawn now, as a ZIP of masks."""
    if session.drawing is None:
        raise InvalidRequest("Nothing is drawn yet, so there are no masks to export.")
    data = masks_bytes(session.drawing)
    return Export(name="xreal-masks.zip", data=data, parts=(("masks", data),))


def project(session: Session) -> Export:
    """The whole document, opened films included."""
    document = snapshot(session)
    looking.require_looked(document.states)
    data = project_bytes(document)
    words = looking.told(document.states)
    said = {} if words is None else {"words": words}
    return Export(name="xreal-project.zip", data=data, parts=(("project", data),), said=said)


def _recipe(state: State) -> Recipe:
    if state.recipe is None:
        raise InvalidRequest("This is the picture that was opened: there is nothing to export yet.")
    return state.recipe


def _check_mark(mark: str) -> None:
    if mark not in get_args(Mark):
        raise InvalidRequest("The visible mark is a strip, a corner or none.")


def _said(state: State, mark: str) -> dict[str, str]:
    words = looking.told([state])
    return {"mark": mark} if words is None else {"mark": mark, "words": words}


def _zip(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()
