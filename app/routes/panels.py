"""Routes of the request panel: what a report says, how words are read, a region to propose."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import Body, FastAPI, HTTPException, Request
from gradio.utils import get_upload_folder

from app.canvas.drawing import Drawing, labels_file, read_drawing
from app.document.session import Session
from app.pages.desk import Desk
from app.report.regions import has_lungs, proposed
from app.report.statements import Painted, ignored, placed, statements, words_of
from engine.api import Knows, Organs
from engine.errors import EngineError, InvalidRequest

Told = Annotated[dict[str, Any], Body()]
LONGEST = 10_000  # letters of a report
Json = Mapping[str, Any]


def add_panel_routes(app: FastAPI, owner: Callable[[Request], str], desk: Desk) -> None:
    @app.post("/api/report")
    def report(request: Request, told: Told) -> dict[str, Any]:
        owner(request)
        return answered(lambda: rows_of(told, knows(desk, "generate")))

    @app.post("/api/words")
    def words(request: Request, told: Told) -> dict[str, Any]:
        owner(request)
        return answered(lambda: read_words_of(told, knows(desk, "insert")))

    @app.post("/api/region")
    def region(request: Request, told: Told) -> dict[str, Any]:
        session = desk.sessions.of(owner(request))
        return answered(lambda: offered(desk, session, told))


def answered(answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The answer, or a refusal in a sentence."""
    try:
        return answer()
    except EngineError as error:
        raise HTTPException(400, str(error)) from error


def knows(desk: Desk, verb: Any) -> Knows:
    engine = desk.loading.engine
    if engine is None:
        raise InvalidRequest("The models are loading. Words are read as soon as they are there.")
    return engine.knows(verb)


def rows_of(told: Json, known: Knows) -> dict[str, Any]:
    report = text_of(told, "text")
    ratio = told.get("ratio")
    rows = statements(
        report,
        [painted(item) for item in list_of(told, "findings")],
        float(ratio) if isinstance(ratio, int | float) and not isinstance(ratio, bool) else None,
        known,
    )
    return {"rows": [asdict(row) for row in rows], "ignored": list(ignored(report, known))}


def read_words_of(told: Json, known: Knows) -> dict[str, Any]:
    text = text_of(told, "words")
    if "side" in told or "zone" in told:
        text = placed(text, word_of(told, "side"), word_of(told, "zone"))
    return {"words": text, **asdict(words_of(text, known))}


def offered(desk: Desk, session: Session, told: Json) -> dict[str, Any]:
    """The address of a proposed region as a drawing of bit 0, and what it was computed from."""
    drawing = read_drawing(told.get("drawing"), Path(get_upload_folder()))
    side, zone = word_of(told, "side"), word_of(told, "zone")
    organs, source = organs_for(desk, session, drawing, side)
    words = text_of(told, "words")
    region = proposed(text_of(told, "finding"), words, side, zone, organs)
    return {
        "labels": session.offer_labels(labels_file(region.astype(np.uint32))),
        "from": source,
        "side": side,
    }


def organs_for(
    desk: Desk, session: Session, drawing: Drawing, side: str | None
) -> tuple[Organs, str]:
    """The organs of the drawing; where its lungs are missing those in the picture on screen, and
    without a picture those of the template that was used last. Never drawn into the document."""
    drawn = drawing.organs()
    if drawn is not None and has_lungs(drawn, side):
        return drawn, "drawing"
    picture = session.picture()
    engine = desk.loading.engine
    if picture is not None and engine is not None and engine.can("segment") is None:
        found = desk.anatomy.segmented(session, picture)
        if found.shape == drawing.bits.shape and has_lungs(found, side):
            return found, "picture"
    chest = session.chest
    template = next(t for t in desk.templates() if t.name == chest.template)
    return template.organs(*drawing.bits.shape, chest), "template"  # type: ignore[misc]


def painted(item: Any) -> Painted:
    if not isinstance(item, Mapping):
        raise InvalidRequest("The page sent something that cannot be read. Reload it.")
    return Painted(
        letter=text_of(item, "letter"),
        words=text_of(item, "words"),
        side=word_of(item, "side"),
        zone=word_of(item, "zone"),
    )


def text_of(told: Json, name: str) -> str:
    value = told.get(name, "")
    if not isinstance(value, str) or len(value) > LONGEST:
        raise InvalidRequest(f"This can be read up to {LONGEST} letters.")
    return value


def word_of(told: Json, name: str) -> str | None:
    value = told.get(name)
    known = ("left", "right", "both", "upper", "middle", "lower")
    return value if isinstance(value, str) and value in known else None


def list_of(told: Json, name: str) -> list[Any]:
    value = told.get(name, [])
    return value[:24] if isinstance(value, list) else []
