"""Routes of the reading room, under ``/read``: a page, its scripts, and the reader's own trials.

Nothing of the editor is served here and nothing here is served by it. Whatever a reader has no
business with is answered in the same words with the same headers as what does not exist.
"""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from app.studies.errors import NotSaved, StudyError
from app.studies.reading import Elsewhere, NotHere, ReadingRoom, Seat

FILES = Path(__file__).parent.parent / "static" / "read"
KINDS = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
LARGEST_BODY = 100_000  # bytes; the longest answers and room
HOURS = 12
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {"Cache-Control": "no-store", "Content-Security-Policy": POLICY}
CODES, CODE_EVERY = 8, 10.0  # wrong codes at once from one address, and seconds for one more
CALLS, CALL_EVERY = 120, 0.05  # requests at once of one reader or unknown address, and one more
ADDRESSES = 2000


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent; an empty one for anything else, which lacks what is needed."""
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > LARGEST_BODY:
            return {}
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


Told = Annotated[dict[str, Any], Depends(body_of)]


class Allowance:
    """So many at once for each key, and one more every so many seconds."""

    def __init__(self, most: int, every: float, clock: Callable[[], float] = time.monotonic):
        self.most, self.every, self.clock = most, every, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, key: str) -> float:
        """Seconds until one more is allowed; 0 where it is now."""
        with self._lock:
            return max(0.0, (1 - self._now(key)) * self.every)

    def spend(self, key: str) -> None:
        with self._lock:
            self._left[key] = (self._now(key) - 1, self.clock())
            self._left.move_to_end(key)
            while len(self._left) > ADDRESSES:
                self._left.popitem(last=False)

    def give_back(self, key: str) -> None:
        with self._lock:
            self._left[key] = (self._now(key) + 1, self.clock())

    def _now(self, key: str) -> float:
        left, at = self._left.get(key, (float(self.most), 0.0))
        return min(float(self.most), left + (self.clock() - at) / self.every)


def add_reading_routes(app: FastAPI, room: ReadingRoom, port: int) -> None:
    """Add everything under ``/read``; ``port`` keeps the cookies of two programs apart."""
    cookie = f"reading_{port}"
    codes, calls = Allowance(CODES, CODE_EVERY), Allowance(CALLS, CALL_EVERY)

    def asked(request: Request, do: Callable[[], Any]) -> Response:
        """What ``do`` gives as JSON or as it is, or a refusal in a sentence."""
        token = request.cookies.get(cookie, "")
        who = token if room.knows(token) else address_of(request)
        if calls.wait(who):
            return told(429, "Too many requests at once. Wait a moment.", "later")
        calls.spend(who)
        try:
            found = do()
        except NotHere as error:
            return told(404, str(error), "nobody")
        except Elsewhere as error:
            return told(409, str(error), "elsewhere")
        except NotSaved as error:
            return told(503, str(error), "later")
        except StudyError as error:
            return told(400, str(error), "refused")
        except (KeyError, TypeError, ValueError):
            return told(400, "The page sent something that cannot be read. Reload it.", "refused")
        return found if isinstance(found, Response) else JSONResponse(found, headers=HEADERS)

    def seat_of(request: Request) -> Seat:
        return room.seat(request.cookies.get(cookie, ""))

    def enter(request: Request, code: str) -> Response:
        address = address_of(request)
        wait = codes.wait(address)
        if wait:
            seconds = int(wait) + 1
            sentence = f"Too many codes that are not known. Try again in {seconds} seconds."
            return told(429, sentence, "later")
        codes.spend(address)  # before it is known, so that many at once do not all come through
        try:
            token = room.enter(code)
        except StudyError as error:
            return told(400, str(error), "refused")
        codes.give_back(address)
        answer = JSONResponse({"entered": True}, headers=HEADERS)
        answer.set_cookie(
            cookie,
            token,
            max_age=HOURS * 3600,
            path="/read",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    @app.get("/read")
    @app.get("/read/")
    def page() -> Response:
        return file_of("reading.html")

    @app.get("/read/files/{name}")
    def file(name: str) -> Response:
        return file_of(name)

    @app.get("/read/api/pictures/{name}")
    def picture(name: str, request: Request) -> Response:
        def give() -> Response:
            data = room.picture(seat_of(request), name)
            return Response(data, media_type="image/png", headers=HEADERS)

        return asked(request, give)

    @app.post("/read/api/enter")
    def come_in(request: Request, body: Told) -> Response:
        return asked(request, lambda: enter(request, text(body, "code")))

    @app.post("/read/api/out")
    def go_out(request: Request, body: Told) -> Response:
        def give() -> Response:
            room.leave(seat_of(request), text(body, "tab"))
            answer = JSONResponse({}, headers=HEADERS)
            answer.delete_cookie(cookie, path="/read")
            return answer

        return asked(request, give)

    actions = actions_of(room)

    @app.post("/read/api/{action}")
    def act(action: str, request: Request, body: Told) -> Response:
        def give() -> Any:
            if action not in actions:
                raise NotHere
            if action == "state" and not room.has(request.cookies.get(cookie, "")):
                return {"stage": "code"}
            return actions[action](seat_of(request), text(body, "tab"), body)

        return asked(request, give)

    @app.api_route("/read/{rest:path}", methods=["GET", "HEAD", "POST"])
    def nothing(rest: str, request: Request) -> Response:
        def give() -> Any:
            raise NotHere

        return asked(request, give)


def actions_of(room: ReadingRoom) -> dict[str, Callable[[Seat, str, dict[str, Any]], Any]]:
    """What a seated reader's page may ask for, by the last word of the address."""

    def submit(seat: Seat, tab: str, body: dict[str, Any]) -> dict[str, Any]:
        answers = body["answers"]
        if not isinstance(answers, dict):
            raise ValueError
        number, at = text(body, "request"), text(body, "at")
        saved, feedback = room.submit(seat, tab, text(body, "trial"), answers, number, at)
        return {"at": saved.at, "feedback": feedback}

    def answer(seat: Seat, tab: str, body: dict[str, Any]) -> dict[str, Any]:
        question, number = text(body, "question"), text(body, "request")
        saved = room.answer(seat, tab, text(body, "trial"), question, body["value"], number)
        return {"at": saved.at}

    def leave(seat: Seat, tab: str, body: dict[str, Any]) -> dict[str, Any]:
        room.leave(seat, tab)
        return {}

    return {
        "state": lambda seat, tab, body: room.state(seat, tab, take=body.get("take") is True),
        "here": lambda seat, tab, body: {"writes": room.holds(seat, tab)},
        "shown": lambda seat, tab, body: {"at": room.show(seat, tab, text(body, "trial")).at},
        "note": lambda seat, tab, body: {
            "at": room.note(seat, tab, text(body, "kind"), body.get("value")).at
        },
        "answer": answer,
        "submit": submit,
        "leave": leave,
    }


def file_of(name: str) -> Response:
    """One of the room's own files, by its bare name."""
    known = {path.name: path for path in FILES.iterdir() if path.suffix in KINDS}
    if name not in known:
        return told(404, str(NotHere()), "nobody")
    kind = KINDS[known[name].suffix]
    return Response(known[name].read_bytes(), media_type=kind, headers=HEADERS)


def told(status: int, sentence: str, reason: str) -> Response:
    return JSONResponse({"sentence": sentence, "reason": reason}, status, headers=HEADERS)


def text(body: dict[str, Any], name: str) -> str:
    value = body[name]
    if not isinstance(value, str) or len(value) > LARGEST_BODY:
        raise ValueError
    return value


def address_of(request: Request) -> str:
    """The computer that asks, as the guard settled it where it did."""
    settled = getattr(request.state, "address", None)
    return settled or (request.client.host if request.client else "")
