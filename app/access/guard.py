"""The guard around the whole application: what is not asked by our own page gets nothing.

The Host must be ours (a foreign name that resolves here is refused), whatever changes something
must come from our own origin, of Gradio only the routes that the page needs exist, and where there
are users everything but the login page needs a login. Every answer carries the headers that keep
the page to itself; what breaks is a number on the screen and a line in the log, never a trace.
"""

import asyncio
import contextlib
import re
from pathlib import Path

from gradio.utils import get_upload_folder
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import messages
from app.access.apart import GIVING_PATH, JSON_PATHS, Apart
from app.access.bodies import Body, Refused
from app.access.door import Door, Who
from app.access.origins import Origins
from app.settings import Settings

SAFE = ("GET", "HEAD")
GRADIO = re.compile(  # the routes of Gradio that its page uses; all others do not exist here
    r"/(config/?|theme\.css|assets/.*|static/.*|favicon\.ico|manifest\.json|"
    r"gradio_api/(upload|upload_progress|startup-events|app_id|reset|cancel|"
    r"run/\w+|heartbeat/\w+))?"
)
OURS = re.compile(r"/(api|page)/.*|/(models|read|studies)(/.*)?")
LOGIN = re.compile(r"/(login|logout|password)")  # where there are users
PAGES = ("/", "/models", "/studies")  # what a person opens; without users the session begins here
# Without a login: the login page, what it is drawn with, and what readers open by their code.
OPEN = re.compile(r"/login|/page/.*|/static/fonts/.*|/favicon\.ico|/read(/.*)?")
# Changes what all work with, so one who came by the network may not.
ADMINISTRATION = re.compile(r"/api/models/.*")
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
# What a proxy or a stranger says of the way here; Gradio would believe it.
HEARSAY = (b"x-forwarded-", b"x-gradio-", b"forwarded", b"x-real-ip")


class Guard:
    def __init__(self, app: ASGIApp, settings: Settings, door: Door):
        self.app = app
        self.door = door
        self.origins = Origins(settings)
        self.apart = Apart()
        self._uploading = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        who = self.door.who(request)
        refusal = self._refusal(request, who)
        if refusal is not None:
            await self._answer(refusal, request, who, send)
            return
        try:
            scope, receive = await self._handed_on(request, receive, who)
        except Refused as error:
            await self._answer(plain(error.status, str(error)), request, who, send)
            return
        if request.url.path == GIVING_PATH:
            await self._upload(scope, receive, send, request, who)
        else:
            await self._serve(scope, receive, send, request, who)

    async def _upload(
        self, scope: Scope, receive: Receive, send: Send, request: Request, who: Who
    ) -> None:
        """One at a time, so that whatever Gradio leaves of one that it refuses can be told."""
        async with self._uploading:
            status = await self._serve(scope, receive, send, request, who)
            if status != 200:
                await run_in_threadpool(remove_leftovers, Path(get_upload_folder()))

    # -- what is refused ---------------------------------------------------------------------

    def _refusal(self, request: Request, who: Who) -> Response | None:
        path, users = request.url.path, self.door.users is not None
        if not self.origins.by_the_right_way(request):
            return plain(403, "This server is reached by its proxy only.")
        if not self.origins.host_is_ours(request):
            return plain(400, "This page is not served under this name.")
        known = GRADIO.fullmatch(path) or OURS.fullmatch(path) or (users and LOGIN.fullmatch(path))
        if ".." in path or not known:
            return plain(404, "There is nothing here.")
        if request.method not in (*SAFE, "POST"):
            return plain(405, "This is not done here.")
        if request.method == "POST" and not self.origins.from_our_page(request):
            return plain(403, "This was not asked by the page itself.")
        if users and who.user is None and not OPEN.fullmatch(path):
            return self._without_login(request)
        if users and request.method == "POST" and ADMINISTRATION.fullmatch(path):
            return plain(403, "On a server with users, its administrator looks after the models.")
        return None

    def _without_login(self, request: Request) -> Response:
        path = request.url.path
        opened = request.method in SAFE and "text/html" in request.headers.get("accept", "")
        if opened and not path.startswith(("/api/", "/gradio_api/")):
            asked = "" if path == "/" else f"?next={path}"
            return Response(status_code=303, headers={"Location": f"/login{asked}"})
        return plain(401, "You are logged out. Log in again.")

    # -- what is handed on -------------------------------------------------------------------

    async def _handed_on(
        self, request: Request, receive: Receive, who: Who
    ) -> tuple[Scope, Receive]:
        """The request as the application gets it: whose it is, and nothing of others in it."""
        scope = request.scope
        path = scope["path"]
        headers = [(k, v) for k, v in scope["headers"] if not k.startswith(HEARSAY)]
        if path == GIVING_PATH:  # its answer is read
            headers = [(k, v) for k, v in headers if k != b"accept-encoding"]
        scope = {**scope, "headers": headers, "scheme": self.origins.scheme}
        state = scope.setdefault("state", {})
        state["owner"], state["user"], state["login"] = who.owner, who.user, who.token
        state["address"] = self.origins.address(request)
        if scope["method"] not in SAFE:
            body = Body(receive, path, declared(headers))
            receive = body
            if path == GIVING_PATH:
                receive = await body.kept()
            elif who.owner is not None and JSON_PATHS.fullmatch(path):
                data = await body.whole()
                try:
                    receive = body.replaced(self.apart.body(data, who.owner))
                except ValueError:
                    raise Refused(400, "This did not arrive whole.") from None
                kept = [(k, v) for k, v in headers if k != b"content-length"]
                scope["headers"] = [*kept, (b"content-length", str(body.length).encode())]
        return (scope if who.owner is None else self.apart.address(scope, who.owner)), receive

    # -- what is answered --------------------------------------------------------------------

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, request: Request, who: Who
    ) -> int:
        """The status of the answer, which is on its way or at its end."""
        begun = broken = ended = False
        status = 500
        answer = bytearray()
        noted = scope["path"] == GIVING_PATH and who.owner is not None

        async def send_headed(message: Message) -> None:
            nonlocal begun, broken, ended, status
            if message["type"] == "http.response.start":
                status = message["status"]
                refused = getattr(receive, "refused", None)
                broken = message["status"] == 500 or refused is not None
                begun = begun or not broken
                self._set_headers(request, who, message)
            if broken or ended:
                return
            if noted and message["type"] == "http.response.body":
                answer.extend(message.get("body", b"")[:1_000_000])
                if not message.get("more_body", False):
                    self.apart.note(bytes(answer), who.owner or "")
            if message.get("more_body", False) and not self._still(who):
                message = {**message, "body": b"", "more_body": False}
                ended = True
            await send(message)

        fault: Exception | None = None
        try:
            await self.app(scope, receive, send_headed)
        except Exception as error:
            fault = error
        if not (broken or fault) or begun:
            if fault is not None:
                messages.sentence(fault)  # into the log; half of the answer is on its way
            return status
        refused = getattr(receive, "refused", None)
        if refused is not None:
            await self._answer(plain(refused.status, str(refused)), request, who, send)
            return refused.status
        said = messages.sentence(fault or Exception(f"{request.method} was answered by 500"))
        await self._answer(plain(500, said), request, who, send)
        return 500

    def _still(self, who: Who) -> bool:
        """Whether the login that a long answer began with goes on."""
        return who.token is None or self.door.logins.user(who.token, active=False) is not None

    def _set_headers(self, request: Request, who: Who, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)  # the reading room has a stricter policy of its own
        if self.origins.scheme == "https":
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if not request.url.path.startswith(("/assets/", "/static/")):
            headers["Cache-Control"] = "private, no-store"
        if request.url.path in PAGES and message["status"] == 200:
            cookie = self.door.visit(who)
            if cookie is not None:
                headers.append("Set-Cookie", cookie)

    async def _answer(self, response: Response, request: Request, who: Who, send: Send) -> None:
        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._set_headers(request, who, message)
            await send(message)

        async def nothing() -> Message:
            return {"type": "http.disconnect"}

        await response(request.scope, nothing, headed)


def plain(status: int, sentence: str) -> Response:
    return Response(sentence, status, media_type="text/plain; charset=utf-8")


def remove_leftovers(folder: Path) -> None:
    """Gradio's files of an upload that it gave up; whole ones lie in folders of their own."""
    for path in folder.glob("tmp*"):
        with contextlib.suppress(OSError):
            if path.is_file():
                path.unlink()


def declared(headers: list[tuple[bytes, bytes]]) -> int:
    """The length that the body claims to have, in bytes; 0 where it says none."""
    text = dict(headers).get(b"content-length", b"").decode("latin-1")
    return int(text) if text.isdecimal() and len(text) < 20 else 0
