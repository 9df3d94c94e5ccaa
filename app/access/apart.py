"""Keeps people apart inside Gradio, which does not ask whose an id is.

Gradio lets a browser choose the ids of its session and uploads. Here it gets a keyed hash of id and
owner instead, so that the id of somebody else names nothing. The ids that Gradio gives out (of
events, of uploaded files) are noted with their owner; any other one that is sent is replaced by one
that nothing has, so that another's id is answered like an unknown one. Addresses in place of files
are taken out.
"""

import hmac
import json
import re
import secrets
import threading
from collections import OrderedDict
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.types import Scope

Given = OrderedDict[str, None]
PEOPLE, EACH = 1000, 2000  # owners, and ids of each, that are remembered
CHOSEN = ("session_hash", "upload_id")  # by the browser
SESSION_PATH = re.compile(r"/gradio_api/heartbeat/(\w+)")
JSON_PATHS = re.compile(r"/gradio_api/(run/\w+|cancel|reset)|/api/region")
GIVING_PATH = "/gradio_api/upload"
NOWHERE = "/nothing"  # a file that is not there


class Apart:
    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._given: OrderedDict[str, Given] = OrderedDict()

    def id(self, owner: str, chosen: str) -> str:
        """What Gradio gets in place of the id that a browser of ``owner`` chose."""
        return hmac.new(self._secret, f"{owner}\0{chosen}".encode(), "sha256").hexdigest()[:32]

    def address(self, scope: Scope, owner: str) -> Scope:
        """The request with the ids in its address replaced."""
        path = scope["path"]
        found = SESSION_PATH.fullmatch(path)
        if found:
            path = f"/gradio_api/heartbeat/{self.id(owner, found[1])}"
            scope = {**scope, "path": path, "raw_path": path.encode()}
        told = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        if any(name in CHOSEN for name, _ in told):
            query = [(k, self.id(owner, v) if k in CHOSEN else v) for k, v in told]
            scope = {**scope, "query_string": urlencode(query).encode()}
        return scope

    def body(self, data: bytes, owner: str) -> bytes:
        """A JSON body with its ids and files replaced; raises ValueError where it is none."""
        try:
            told = json.loads(data)
            return json.dumps(self._replaced(told, owner)).encode()
        except RecursionError as error:
            raise ValueError("nested too deep") from error

    def _replaced(self, told: Any, owner: str) -> Any:
        if isinstance(told, dict):
            if isinstance(told.get("session_hash"), str):
                told["session_hash"] = self.id(owner, told["session_hash"])
            if "event_id" in told and not self._has(owner, told["event_id"]):
                told["event_id"] = "nothing"
        return self._own_files(told, owner)

    def _own_files(self, value: Any, owner: str) -> Any:
        if isinstance(value, list):
            return [self._own_files(one, owner) for one in value]
        if not isinstance(value, dict):
            return value
        found = {name: self._own_files(one, owner) for name, one in value.items()}
        if "path" in found or "meta" in found:
            if not self._has(owner, found.get("path")):
                found["path"] = NOWHERE
            found.pop("url", None)
        return found

    def note(self, answer: bytes, owner: str) -> None:
        """Remember the ids that Gradio gave ``owner`` in this answer."""
        try:
            told = json.loads(answer)
        except ValueError:
            return
        ids = [told.get("event_id")] if isinstance(told, dict) else told
        with self._lock:
            mine = self._given.setdefault(owner, Given())
            self._given.move_to_end(owner)
            for id in ids if isinstance(ids, list) else ():
                if isinstance(id, str):
                    mine[id] = None
            while len(mine) > EACH:
                mine.popitem(last=False)
            while len(self._given) > PEOPLE:
                self._given.popitem(last=False)

    def _has(self, owner: str, id: Any) -> bool:
        with self._lock:
            return isinstance(id, str) and id in self._given.get(owner, ())
