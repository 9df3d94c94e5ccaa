"""What is sent to the server: how large it may be, and how slow."""

import asyncio
import re
import tempfile

from starlette.types import Message, Receive

MB = 1_000_000
# Bytes by route: a project, a film or a set of pictures; a drawing; one by way of Gradio; JSON.
LARGEST = (
    (re.compile(r"/api/(files|folder|studies(/.*)?)"), 520 * MB),
    (re.compile(r"/api/save"), 80 * MB),
    (re.compile(r"/gradio_api/upload"), 70 * MB),
    (re.compile(r"/login|/logout|/password"), 10_000),
    (re.compile(r".*", re.S), 16 * MB),
)
PIECE = 1 << 18  # bytes handed on at once
MOST_FILES = 8  # in one upload by way of Gradio; the page sends one
SLOWEST = 30.0  # seconds without a byte
TOO_LARGE, TOO_SLOW = "The file is too large.", "What was sent did not arrive. Send it again."


class Refused(Exception):
    """A body that is not taken; ``str`` says why."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


class Body:
    """Receives a request; ends with :class:`Refused` where it is too large, or stops coming."""

    def __init__(self, receive: Receive, path: str, declared: int):
        self._receive = receive
        self._most = next(most for route, most in LARGEST if route.fullmatch(path))
        self._files = 0 if path == "/gradio_api/upload" else None
        self._received, self._ended = 0, False
        self.length = declared
        self.refused: Refused | None = None
        if declared > self._most:
            raise Refused(413, TOO_LARGE)

    async def __call__(self) -> Message:
        if self._ended:  # only waits for the browser to go
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), SLOWEST)
        except TimeoutError:
            raise self._refuse(408, TOO_SLOW) from None
        data = message.get("body", b"")
        self._received += len(data)
        self._ended = not message.get("more_body", False)
        if self._files is not None:
            self._files += data.lower().count(b"content-disposition:")
        if self._received > self._most or (self._files or 0) > MOST_FILES:
            raise self._refuse(413, TOO_LARGE)
        return message

    def _refuse(self, status: int, sentence: str) -> Refused:
        self.refused = Refused(status, sentence)
        return self.refused

    async def whole(self) -> bytes:
        data = bytearray()
        while not self._ended:
            message = await self()
            if message["type"] == "http.disconnect":
                break
            data += message.get("body", b"")
        return bytes(data)

    async def kept(self) -> Receive:
        """All of it received before anybody else sees a byte, so that what breaks off on the way
        leaves nothing behind; handed on from there."""
        file = tempfile.SpooledTemporaryFile(max_size=8 * MB)  # noqa: SIM115
        while not self._ended:
            message = await self()
            if message["type"] == "http.disconnect":
                file.close()
                raise Refused(400, TOO_SLOW)
            file.write(message.get("body", b""))
        file.seek(0)

        async def receive() -> Message:
            if file.closed:
                return await self._receive()
            data = file.read(PIECE)
            if len(data) < PIECE:
                file.close()
            return {"type": "http.request", "body": data, "more_body": not file.closed}

        return receive

    def replaced(self, data: bytes) -> Receive:
        """Hand on ``data`` instead of what was received."""
        given = False
        self.length = len(data)

        async def receive() -> Message:
            nonlocal given
            if given:
                return await self._receive()
            given = True
            return {"type": "http.request", "body": data, "more_body": False}

        return receive
