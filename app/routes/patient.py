"""The route that says, while one draws, whose film the next Generate gives."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, HTTPException, Request

from app.canvas.drawing import MOST_PIXELS, read_planes
from app.pages.desk import Desk
from app.routes.documents import LONGEST_HEAD, answered, limited, split

OTHER = "Another document is open in this browser now."


def add_patient_route(app: FastAPI, owner: Callable[[Request], str], desk: Desk) -> None:
    @app.post("/api/patient")
    async def patient(request: Request) -> Any:
        """The drawing comes as it does for a save, without its planes where they are saved."""
        session = desk.sessions.of(owner(request))
        body = await limited(request, 4 * MOST_PIXELS + LONGEST_HEAD)

        def found() -> dict[str, Any]:
            head, packed = split(body)
            if head.get("doc") != session.doc:
                raise HTTPException(409, OTHER)
            drawing = read_planes(head, packed) if packed else session.drawing
            return desk.patient(session, drawing, head)

        return await answered(found)
