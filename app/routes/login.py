"""Where there are users: logging in and out, another password, who is logged in."""

import html
import logging
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from app import messages
from app.access.door import WRONG, Door, TooManyAttempts
from app.access.users import User
from engine.errors import EngineError

STATIC = Path(__file__).parent.parent / "static"
FIELDS = ("name", "password", "new")
log = logging.getLogger(__name__)


def add_login_routes(app: FastAPI, door: Door) -> None:
    @app.get("/login")
    def login_page() -> Response:
        return page("login.html")

    @app.post("/login")
    async def login(request: Request) -> Response:
        told = await fields_of(request)
        name = told["name"].strip().lower()
        found = await run_in_threadpool(enter, door, name, told["password"], request)
        if not isinstance(found, User):
            return found
        door.logins.end(request.state.login)
        return Response(status_code=204, headers={"Set-Cookie": door.entered(found)})

    @app.post("/logout")
    def logout(request: Request) -> Response:
        door.logins.end(request.state.login)
        headers = {"Set-Cookie": door.left(), "Clear-Site-Data": '"cache", "storage"'}
        return Response(status_code=204, headers=headers)

    @app.get("/password")
    def password_page(request: Request) -> Response:
        return page("password.html", name=request.state.user.name)

    @app.post("/password")
    async def change(request: Request) -> Response:
        told, user = await fields_of(request), request.state.user

        def work() -> Response:
            found = enter(door, user.name, told["password"], request)
            if not isinstance(found, User):
                return found
            assert door.users is not None
            try:
                changed = door.users.change(user.name, told["new"])
            except EngineError as error:
                return sentence(400, messages.sentence(error))
            return Response(status_code=204, headers={"Set-Cookie": door.entered(changed)})

        return await run_in_threadpool(work)

    @app.get("/api/account")
    def account(request: Request) -> dict[str, Any]:
        """Asked now and then by every page; where there are no users, nobody has a name."""
        user = getattr(request.state, "user", None)
        if user is None:
            return {"name": None}
        return {"name": user.name, "seconds": round(door.logins.left(request.state.login))}


def enter(door: Door, name: str, password: str, request: Request) -> User | Response:
    """The user, or why not; the same words whether the name exists or not."""
    try:
        found = door.check(name, password, request.state.address)
    except TooManyAttempts as error:
        said = f"Too many attempts. Try again in {error.seconds} s."
        return sentence(429, said, {"Retry-After": str(error.seconds)})
    except EngineError as error:
        log.error("nobody can log in: %s", type(error).__name__)
        return sentence(503, "Nobody can log in at the moment. Tell the administrator.")
    return sentence(401, WRONG) if found is None else found


async def fields_of(request: Request) -> dict[str, str]:
    """What was typed, as a form sends it."""
    try:
        told = parse_qs(
            (await request.body()).decode("utf-8"), strict_parsing=True, max_num_fields=8
        )
    except ValueError as error:
        raise HTTPException(400, "This did not arrive whole.") from error
    return {name: told.get(name, [""])[0] for name in FIELDS}


def page(file: str, **words: str) -> Response:
    text = (STATIC / file).read_text("utf-8")
    for word, value in words.items():
        text = text.replace(f"%{word}%", html.escape(value))
    return HTMLResponse(text)


def sentence(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return Response(text, status, headers=headers, media_type="text/plain; charset=utf-8")
