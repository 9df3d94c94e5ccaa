"""The FastAPI application: guards around everything, the routes of the page, Gradio inside.

Only this computer's own page may talk to it: the Host must be ours (a foreign name that
resolves here is refused), whatever changes something must come from our own origin, and of
Gradio only the routes that the page needs exist. Documents belong to a session cookie.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.document import pictures
from app.document.measuring import measured
from app.document.session import Sessions, State
from app.pages import models
from app.pages.desk import Desk, session_id
from app.routes.documents import add_document_routes
from app.routes.gallery import add_gallery_routes
from app.routes.panels import add_panel_routes
from app.runs import faults
from app.runs.jobs import Jobs
from app.runs.loading import Engine
from app.settings import Settings
from engine.errors import EngineError

STATIC = Path(__file__).parent / "static"
LARGEST_BODY = 520_000_000  # bytes; the largest project, and room
YEAR = 365 * 86_400  # seconds; a browser finds its documents again after it was closed
SAFE = ("GET", "HEAD")
GRADIO = re.compile(  # the routes of Gradio that its page uses; all others do not exist here
    r"/(config/?|theme\.css|assets/.*|static/.*|favicon\.ico|manifest\.json|"
    r"gradio_api/(upload|upload_progress|startup-events|app_id|reset|cancel|"
    r"queue/(join|data)|heartbeat/\w+|file=(?!https?:).*))?"
)
OURS = re.compile(r"/(api|page)/.*|/models")
PAGES = ("/", "/models")  # what a person opens; here the session begins
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)  # Gradio's page needs inline scripts, and builds functions from text
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Refuses what does not come from our own page; sets the cookie and the headers."""

    def __init__(self, app: ASGIApp, settings: Settings, cookie: str):
        self.app = app
        self.cookie = cookie
        hosts = ("localhost", "127.0.0.1", "[::1]")
        self.hosts = {f"{host}:{settings.port}" for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        refusal = self._refusal(request)
        if refusal is not None:
            status, reason = refusal
            await self._headed(Response(reason, status, media_type="text/plain"), scope, send)
            return
        if request.method not in SAFE:
            receive = limited(receive)

        async def send_headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._set_headers(request, message)
            await send(message)

        try:
            await self.app(scope, receive, send_headed)
        except TooLarge:
            await self._headed(Response("The file is too large.", 413), scope, send)

    def _refusal(self, request: Request) -> tuple[int, str] | None:
        host = request.headers.get("host", "").lower()
        if host not in self.hosts:
            return 400, "This page is served to this computer only."
        path = request.url.path
        if ".." in path or not (GRADIO.fullmatch(path) or OURS.fullmatch(path)):
            return 404, "There is nothing here."
        if request.method not in (*SAFE, "POST"):
            return 405, "This is not done here."
        if request.method == "POST":
            if int_or_zero(request.headers.get("content-length")) > LARGEST_BODY:
                return 413, "The file is too large."
            if not self._from_our_page(request, host):
                return 403, "This was not asked by the page itself."
        return None

    def _from_our_page(self, request: Request, host: str) -> bool:
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site")
        if site is not None and site not in ("same-origin", "none"):
            return False
        if origin is None:
            return site is not None
        return origin == f"http://{host}"

    def _set_headers(self, request: Request, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in HEADERS.items():
            headers[name] = value
        if not request.url.path.startswith(("/assets/", "/static/")):
            headers["Cache-Control"] = "no-store"
        if request.url.path in PAGES:  # each visit begins the year anew
            own = session_id(request, self.cookie) or secrets.token_urlsafe(24)
            headers.append(
                "Set-Cookie",
                f"{self.cookie}={own}; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Strict",
            )

    async def _headed(self, response: Response, scope: Scope, send: Send) -> None:
        for name, value in HEADERS.items():
            response.headers[name] = value

        async def nothing() -> Message:
            return {"type": "http.disconnect"}

        await response(scope, nothing, send)


class TooLarge(Exception):
    pass


def limited(receive: Receive) -> Receive:
    """The body of a request, cut off with an error where it grows beyond the limit."""
    received = 0

    async def count() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > LARGEST_BODY:
            raise TooLarge
        return message

    return count


def int_or_zero(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0


def build(desk: Desk, mount: Callable[[FastAPI], FastAPI]) -> ASGIApp:
    """All of it; ``mount`` adds the Gradio page at ``/``."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    def owner(request: Request) -> str:
        found = session_id(request, desk.cookie)
        if found is None:
            raise HTTPException(403, "Reload the page.")
        return found

    add_job_routes(app, owner, desk.jobs, lambda: desk.loading.engine)
    add_picture_routes(app, owner, desk.sessions)
    add_desk_routes(app, owner, desk)
    add_panel_routes(app, owner, desk)
    add_gallery_routes(app, desk)
    models.add_routes(app, owner, desk.models, desk.loading)
    add_document_routes(app, owner, desk)
    app.mount("/page", StaticFiles(directory=STATIC))
    return Guard(mount(app), desk.settings, desk.cookie)


def add_desk_routes(app: FastAPI, owner: Callable[[Request], str], desk: Desk) -> None:
    @app.get("/api/desk")
    def status(request: Request) -> dict[str, Any]:
        return desk.status(desk.sessions.of(owner(request)))

    @app.get("/api/states/{number}/measures")
    def measures(number: int, request: Request) -> Response:
        found = measured(desk.jobs, desk.sessions.of(owner(request)), number)
        return Response(status_code=204) if found is None else JSONResponse(found)


def add_job_routes(
    app: FastAPI,
    owner: Callable[[Request], str],
    jobs: Jobs,
    engine: Callable[[], Engine | None],
) -> None:
    @app.get("/api/jobs/{id}")
    def job(id: str, request: Request) -> dict[str, Any]:
        view = asdict(jobs.view(id, owner(request)))
        version = view["preview_version"]
        running = view["state"] == "running"
        view["preview"] = f"/api/jobs/{id}/preview.png?v={version}" if version and running else None
        return view

    @app.post("/api/jobs/{id}/stop", status_code=204)
    def stop(id: str, request: Request) -> Response:
        try:
            jobs.stop(id, owner(request))
        except EngineError as error:
            raise HTTPException(400, str(error)) from error
        return Response(status_code=204)

    @app.get("/api/jobs/{id}/details")
    def details(id: str, request: Request) -> Response:
        who = owner(request)
        view = jobs.view(id, who)
        if view.state != "failed":
            raise HTTPException(404, "There are no details.")
        text = faults.details(view, jobs.failed_request(id, who), engine())
        return Response(text, media_type="application/json")

    @app.get("/api/jobs/{id}/preview.png")
    def preview(id: str, request: Request) -> Response:
        found = jobs.preview(id, owner(request))
        if found is None:
            raise HTTPException(404, "There is no preview.")
        return png(pictures.shown(found))


def add_picture_routes(app: FastAPI, owner: Callable[[Request], str], sessions: Sessions) -> None:
    def find(request: Request, number: int) -> State:
        state = sessions.of(owner(request)).state(number)
        if state is None:
            raise HTTPException(404, "There is no such state.")
        return state

    @app.get("/api/states/{number}.png")
    def picture(number: int, request: Request, side: int = 0) -> Response:
        state = find(request, number)
        return png(pictures.shown(state.image, side if 16 <= side <= 512 else None))

    @app.get("/api/drawings/{key}")
    def drawing(key: str, request: Request) -> Response:
        data = sessions.of(owner(request)).labels(key)
        if data is None:
            raise HTTPException(404, "There is no such drawing.")
        return Response(data, media_type="application/json")


def png(data: bytes) -> Response:
    return Response(data, media_type="image/png")
