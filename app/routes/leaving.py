"""The routes by which anything leaves: exports, and the look for words in a film before them."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response

from app import messages
from app.document import exporting, looking, statement
from app.document.exporting import Export
from app.document.films import Source
from app.document.session import Session, State
from app.document.viewing import image_url, view_of
from app.pages.desk import Desk
from app.routes.documents import answered, limited, sentence, told_in
from engine.burned_in import Box
from engine.dicom import peers
from engine.errors import EngineError, InvalidRequest, NoRoom
from engine.files import check_room
from engine.ledger import LONGEST_LINE, NAME, enter

Owner = Callable[[Request], str]
LONGEST = 20_000  # bytes of a list of boxes
LOST = "Nothing was written and nothing is lost. Free some space, or download it to another disk."
KINDS = {
    "png": "image/png",
    "zip": "application/zip",
    "json": "application/json",
    "dcm": "application/dicom",
}


def add_leaving_routes(app: FastAPI, owner: Owner, desk: Desk) -> None:
    add_exporting(app, owner, desk)
    add_sending(app, owner, desk)
    add_looking(app, owner, desk)


def add_exporting(app: FastAPI, owner: Owner, desk: Desk) -> None:
    def of(request: Request) -> Session:
        return desk.sessions.of(owner(request))

    @app.get("/api/project")
    def project(request: Request, anyway: bool = False) -> Response:
        session = of(request)
        return leave(desk, request, lambda: exporting.project(session), anyway)

    @app.get("/api/masks")
    def masks(request: Request, anyway: bool = False) -> Response:
        session = of(request)
        return leave(desk, request, lambda: exporting.masks(session), anyway)

    @app.get("/api/states/{number}/recipe")
    def recipe(number: int, request: Request, anyway: bool = False) -> Response:
        state = found(of(request), number)
        return leave(desk, request, lambda: exporting.recipe(state), anyway)

    @app.get("/api/states/{number}/export")
    def export(
        number: int,
        request: Request,
        kind: str = "png",
        mark: str = "strip",
        bits: int = 16,
        masks: bool = False,
        anyway: bool = False,
    ) -> Response:
        state = found(of(request), number)
        return leave(desk, request, lambda: exported(state, kind, mark, bits, masks), anyway)

    @app.get("/api/states/{number}/statement")
    def said(number: int, request: Request, kind: str = "png", mark: str = "strip") -> Any:
        state = found(of(request), number)
        open = [source.key for source in looking.sources([state]) if source.open]
        return {"lines": statement.lines(state, kind, mark), "look": open}


def add_sending(app: FastAPI, owner: Owner, desk: Desk) -> None:
    @app.post("/api/states/{number}/send")
    def sent(number: int, request: Request, mark: str = "strip", masks: bool = False) -> Response:
        state, peer = found(desk.sessions.of(owner(request)), number), desk.settings.peer
        if peer is None:
            return sentence("No archive is entered that pictures could be sent to.", 400)
        try:
            export = exporting.dicom(state, mark, masks)
            peers.check(peer)
            note(desk, request, export, sent=peer.way)
            peers.send(peer, [data for _, data in export.parts])
        except Exception as error:
            return sentence(messages.sentence(error), 400)
        what = "The picture and its masks were" if masks else "The picture was"
        return sentence(f"{what} sent to '{peer.name}'.", 200)


def add_looking(app: FastAPI, owner: Owner, desk: Desk) -> None:
    @app.get("/api/films")
    def films(request: Request) -> list[dict[str, Any]]:
        return films_in(desk.sessions.of(owner(request)))

    @app.post("/api/films/{key}")
    async def decide(key: str, request: Request) -> Any:
        session = desk.sessions.of(owner(request))
        told = told_in(await limited(request, LONGEST))

        def done() -> dict[str, Any]:
            if told.get("doc") != session.doc:
                raise InvalidRequest("Another document is open in this browser now.")
            looking.decide(session, key, boxes_in(told.get("boxes")))
            desk.sessions.save(session)
            return view_of(session, desk.loading.engine).props()

        return await answered(done)


def found(session: Session, number: int) -> State:
    state = session.state(number)
    if state is None:
        raise HTTPException(404, "There is no such state.")
    return state


def exported(state: State, kind: str, mark: str, bits: int, masks: bool) -> Export:
    if kind == "dicom":
        return exporting.dicom(state, mark, masks)
    if kind != "png":
        raise InvalidRequest("A picture is exported as PNG or DICOM.")
    return exporting.png(state, mark, bits)


def leave(desk: Desk, request: Request, make: Callable[[], Export], anyway: bool) -> Response:
    """First the ledger, then the file. A project is let go without an entry where the ledger
    cannot be written: it may be all that is left of somebody's work.

    Where the disk has no room for the file it is refused before anything is written, by 507;
    ``anyway`` says that a person wants it on another disk.
    """
    try:
        export = make()
        if not anyway and not desk.settings.open_to_others:  # the browser writes to this disk too
            size = len(export.data) + len(export.parts) * LONGEST_LINE
            check_room(desk.settings.data / NAME, size, "this file", LOST)
        try:
            note(desk, request, export)
        except EngineError:
            if export.parts[0][0] != "project":
                raise
    except NoRoom as error:
        return sentence(str(error), 507)
    except Exception as error:
        return sentence(messages.sentence(error), 400)
    return Response(
        export.data,
        media_type=KINDS[export.name.rpartition(".")[2]],
        headers={"Content-Disposition": f'attachment; filename="{export.name}"'},
    )


def note(desk: Desk, request: Request, export: Export, **said: str) -> None:
    """Enter every part of an export in the ledger; raises EngineError where that fails.

    Where there are users, a line says by its number whose export it was, never by a name.
    """
    user = getattr(request.state, "user", None)
    if user is not None:
        said["by"] = user.id
    for kind, data in export.parts:
        enter(desk.settings.data / NAME, data, kind, export.recipe, {**export.said, **said})


def films_in(session: Session) -> list[dict[str, Any]]:
    """The films of a document for the page: numbers and boxes, nothing that names anybody."""
    states = list(session.states.values())
    return [told(session, source, states) for source in looking.sources(states)]


def told(session: Session, source: Source, states: list[State]) -> dict[str, Any]:
    mine = [(s, s.descent) for s in states if s.descent and s.descent.source.key == source.key]
    state, descent = next(((s, d) for s, d in mine if d.in_place), mine[0])
    height, width = source.shape
    blacked = [] if source.decision is None else source.decision.blacked
    return {
        "key": source.key,
        "state": state.number,
        "url": image_url(session, state),
        "place": [descent.top, descent.left, descent.scale],
        "height": height,
        "width": width,
        "found": [list(box) for box in source.found],
        "blacked": [list(box) for box in blacked],
        "stated": source.stated,
        "synthetic": source.synthetic,
        "looked": source.decision is not None,
    }


def boxes_in(told: Any) -> list[Box]:
    if not isinstance(told, list):
        raise InvalidRequest("This did not arrive whole.")
    found = []
    for box in told[:1000]:
        if not (isinstance(box, list) and len(box) == 4 and all(type(n) is int for n in box)):
            raise InvalidRequest("This did not arrive whole.")
        top, left, bottom, right = box
        found.append((top, left, bottom, right))
    return found
