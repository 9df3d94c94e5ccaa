"""The routes of documents: saved while one draws, opened, exported, taken back step by step."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from app import messages
from app.canvas.drawing import MOST_PIXELS, Drawing, read_planes
from app.document import listing, steps
from app.document.autosave import NAMED, Documents
from app.document.session import Session
from app.document.viewing import view_of
from app.pages import history
from app.pages.desk import Desk
from engine.errors import InvalidRequest

LONGEST_HEAD = 200_000  # bytes of what is sent with a drawing
LARGEST_FILE = 500_000_000
Owner = Callable[[Request], str]


def add_document_routes(app: FastAPI, owner: Owner, desk: Desk) -> None:
    add_saving(app, owner, desk)
    add_steps(app, owner, desk)
    add_opening(app, owner, desk)
    add_listing(app, owner, desk)


def add_saving(app: FastAPI, owner: Owner, desk: Desk) -> None:
    def keep(session: Session, body: bytes) -> dict[str, Any]:
        head, packed = split(body)
        drawing, doc = (read_planes(head, packed) if packed else None), head.get("doc")
        if not isinstance(doc, str) or not NAMED.fullmatch(doc):
            raise HTTPException(400, "This did not arrive whole.")
        with session.lock:
            if not desk.goes_on(session, doc):
                raise HTTPException(409, "Another document is open in this browser now.")
            take(session, head, drawing, doc)
        desk.sessions.save(session)
        return {"saved": session.saved, "fault": session.fault, "doc": session.doc}

    def take(session: Session, head: dict[str, Any], drawing: Drawing | None, doc: str) -> None:
        known = session.drawing
        if drawing is not None:
            if known is not None and known.doc == drawing.doc and drawing.rev < known.rev:
                raise InvalidRequest("A newer version of this drawing is saved already.")
            session.drew(drawing, late=True)  # what is looked at is told when it is chosen
        if isinstance(head.get("report"), str):
            session.report = head["report"][:10_000]
        if isinstance(head.get("look"), dict):
            session.look = plain(head["look"])
        if not session.states:
            session.doc = doc  # the page outlived a program that had saved nothing

    @app.post("/api/save")
    async def save(request: Request) -> Any:
        session = desk.sessions.of(owner(request))
        body = await limited(request, 4 * MOST_PIXELS + LONGEST_HEAD)
        return await answered(keep, session, body)

    @app.post("/api/history")
    async def change(request: Request) -> Any:
        session = desk.sessions.of(owner(request))
        told = told_in(await limited(request, LONGEST_HEAD))

        def done() -> dict[str, Any]:
            if told.get("doc") != session.doc:
                raise InvalidRequest("Another document is open in this browser now.")
            for ask in told.get("asks", [])[:8]:
                history.change(session, ask)
            desk.sessions.save(session)
            return view_of(session, desk.loading.engine).props()

        return await answered(done)


def add_steps(app: FastAPI, owner: Owner, desk: Desk) -> None:
    """What can be taken back after a reload: bytes of the page for one revision of its drawing."""

    @app.post("/api/steps")
    async def keep(request: Request, doc: str, rev: int) -> Any:
        id = owner(request)
        packed = await limited(request, steps.MOST_BYTES)

        def done() -> Response:
            session, keeper = desk.sessions.of(id), desk.sessions.keeper
            drawing = session.drawing
            known = session.doc == doc and drawing is not None and drawing.rev == rev
            if known and isinstance(keeper, Documents):
                keeper.keep_steps(id, doc, rev, packed)
            return Response(status_code=204)

        return await answered(done)

    @app.get("/api/steps")
    def give(request: Request, doc: str, rev: int) -> Response:
        id, keeper, found = owner(request), desk.sessions.keeper, None
        if isinstance(keeper, Documents) and desk.sessions.of(id).doc == doc:
            found = keeper.steps(id, doc, rev)
        if found is None:
            return Response(status_code=204)
        return Response(found, media_type="application/octet-stream")


def add_opening(app: FastAPI, owner: Owner, desk: Desk) -> None:
    @app.post("/api/files")
    async def upload(request: Request) -> Any:
        id = owner(request)
        session, path = desk.sessions.of(id), desk.uploads.place()
        try:
            whole = await received(request, path)
        except OSError as error:
            return sentence(messages.sentence(error), 400)
        if not whole:
            return sentence(f"The file is larger than {LARGEST_FILE // 10**6} MB.", 413)
        token = desk.uploads.keep(path, unquote(request.headers.get("x-name", "")), id)

        def look() -> dict[str, Any]:
            try:
                return desk.files.look(session, token)
            except Exception:
                desk.uploads.drop(token, id)
                raise

        return await answered(look)

    @app.post("/api/files/{token}/drop", status_code=204)
    def drop(token: str, request: Request) -> Response:
        desk.uploads.drop(token, owner(request))
        return Response(status_code=204)

    def documents() -> Documents:
        if not isinstance(desk.sessions.keeper, Documents):
            raise HTTPException(404, "Documents are not kept here.")
        return desk.sessions.keeper

    @app.get("/api/documents")
    def recent(request: Request) -> list[dict[str, Any]]:
        id = owner(request)
        now = desk.sessions.of(id).doc
        return [
            {"doc": d.doc, "title": d.title, "changed": d.changed, "open": d.doc == now}
            for d in documents().recent(id)
        ]

    @app.get("/api/documents/{doc}.png")
    def thumbnail(doc: str, request: Request) -> Response:
        data = documents().thumbnail(owner(request), doc)
        if data is None:
            raise HTTPException(404, "There is no such document.")
        return Response(data, media_type="image/png")

    @app.post("/api/documents/{doc}/delete")
    def delete(doc: str, request: Request) -> Response:
        id = owner(request)
        if desk.sessions.of(id).doc == doc:
            return sentence("This document is open. Open another one first, then delete it.", 400)
        documents().delete(id, doc)
        return Response(status_code=204)


def add_listing(app: FastAPI, owner: Owner, desk: Desk) -> None:
    @app.post("/api/folder")
    async def list_one(request: Request) -> Any:
        """Facts and a preview of one film of a folder; nothing of it stays here."""
        owner(request)
        path = desk.uploads.place()
        try:
            if not await received(request, path):
                return {"refused": f"The file is larger than {LARGEST_FILE // 10**6} MB."}
            return await answered(listing.told, path)
        except OSError as error:
            return sentence(messages.sentence(error), 400)
        finally:
            path.unlink(missing_ok=True)


def sentence(text: str, status: int) -> Response:
    return Response(text, status, media_type="text/plain; charset=utf-8")


async def answered(work: Callable[..., Any], *values: Any) -> Any:
    """What ``work`` gives, done beside the server's loop; a refusal is a sentence."""
    try:
        return await run_in_threadpool(work, *values)
    except HTTPException:
        raise
    except Exception as error:
        return sentence(messages.sentence(error), 400)


async def received(request: Request, path: Path) -> bool:
    """Write the body to ``path``; False where it is too large. A file that did not arrive whole,
    because the sender went away or the disk is full, does not stay."""
    size, whole = 0, False
    try:
        with path.open("xb") as file:
            async for piece in request.stream():
                size += len(piece)
                if size > LARGEST_FILE:
                    return False
                file.write(piece)
        whole = True
    finally:
        if not whole:
            path.unlink(missing_ok=True)
    return True


async def limited(request: Request, most: int) -> bytes:
    """The body of a request, refused as soon as it is longer than ``most`` bytes."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise HTTPException(413, "This is larger than any drawing.")
    return bytes(body)


def split(body: bytes) -> tuple[dict[str, Any], bytes]:
    """One line of JSON, then the packed planes, which may be missing."""
    line, _, packed = body.partition(b"\n")
    return told_in(line[:LONGEST_HEAD]), packed


def told_in(data: bytes) -> dict[str, Any]:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "This did not arrive whole.") from error
    if not isinstance(told, dict):
        raise HTTPException(400, "This did not arrive whole.")
    return told


def finite(value: Any) -> bool:
    """Whether it is no number that JSON cannot hold."""
    return not isinstance(value, float) or math.isfinite(value)


def plain(look: dict[str, Any]) -> dict[str, Any]:
    """What the browser wants to find again of its view: few short values."""
    kinds = (str, int, float, bool, type(None))
    return {
        name[:64]: value
        for name, value in list(look.items())[:32]
        if isinstance(value, kinds) and len(str(value)) <= 64 and finite(value)
    }
