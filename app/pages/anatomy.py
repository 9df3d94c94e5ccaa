"""Organs that are drawn for a person: from a template, from its sliders, from a picture."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from app.canvas.drawing import ORGAN_BITS, labels_file, organ_bits
from app.document.session import Session, State
from app.document.viewing import NEW_SIDE
from app.models.templates import Template
from app.pages.shown import Shown, document
from app.panels import shape
from app.runs.jobs import Jobs
from app.runs.loading import Loading
from engine.api import Organs, Request, Result, SegmentRequest
from engine.errors import InvalidRequest
from engine.shapes import ChestShape


class Anatomy:
    def __init__(self, loading: Loading, jobs: Jobs, templates: Callable[[], Sequence[Template]]):
        self.loading = loading
        self.jobs = jobs
        self.templates = templates

    def template(self, session: Session, told: Mapping[str, Any], rev: int | None) -> Shown:
        """A template of the gallery, with its sliders where they were moved there."""
        found = next((t for t in self.templates() if t.title == told.get("name")), None)
        if found is None:
            raise InvalidRequest("Choose a template first.")
        moved = any(name in told for name in shape.SLIDERS)
        settings = shape.read(told, found.name) if moved else ChestShape(found.name)
        return self.chest(session, settings, rev)

    def chest(self, session: Session, settings: ChestShape, rev: int | None) -> Shown:
        """Draw a template with its sliders set, and show what they are set to."""
        found = next(t for t in self.templates() if t.name == settings.template)
        organs = found.organs(*canvas_shape(session), settings)
        session.chest = settings
        drawn = self.drawn(session, organs, rev)
        return replace(drawn, **shape.shown(settings, found.ratio))

    def sliders(self, session: Session) -> dict[str, Any]:
        """The sliders as they were when the document was left."""
        found = next((t for t in self.templates() if t.name == session.chest.template), None)
        return {} if found is None else shape.shown(session.chest, found.ratio)

    def of_picture(self, session: Session, number: int | None, rev: int) -> Shown:
        """The organs that the segmenter reads from a state, or from the one on screen."""
        picture = session.state(number) or session.picture()
        if picture is None:
            raise InvalidRequest("There is no picture. Open or generate one first.")
        found = self.segmented(session, picture)
        if not found.any():
            raise InvalidRequest(
                "No organs were found in this picture. Paint them, or start from a template."
            )
        return self.drawn(session, found, rev)

    def segmented(self, session: Session, picture: State) -> Organs:
        """The organs that the segmenter reads from a picture, (H, W); it may find none."""
        found: list[Organs] = []

        def keep(result: Result, request: Request) -> int:
            if result.organs is not None:
                found.append(result.organs)
            return picture.number

        id = f"segment-{session.next_nonce()}-{picture.number}"
        self.jobs.submit(id, session.id, "segment", (SegmentRequest(image=picture.image),), keep)
        ended = self.jobs.wait(id, session.id)
        if ended.state != "done":
            raise InvalidRequest(ended.sentence)
        return found[0] if found else np.zeros(picture.image.shape, np.uint8)

    def drawn(self, session: Session, organs: Organs, rev: int | None) -> Shown:
        """Offer an anatomy; findings and areas of the drawing stay."""
        labels = labels_file(organ_bits(organs), replaces=ORGAN_BITS)
        return document(session, self.loading.engine, labels, rev)


def canvas_shape(session: Session) -> tuple[int, int]:
    drawn, picture = session.drawing, session.picture()
    if picture is not None:
        return picture.image.shape  # type: ignore[return-value]
    return (NEW_SIDE, NEW_SIDE) if drawn is None else drawn.bits.shape  # type: ignore[return-value]
