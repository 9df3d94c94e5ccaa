"""The users of a server: one small file, changed as a whole, readable by its owner only.

    {"schema": 1,
     "users": [{"name": "ada", "id": "5f0c...", "hash": "$argon2id$...", "changed": "2026-..."}]}

What a person makes belongs to the ``id``, not to the name: who gets a name that was used before
does not get what the other one left. The running server reads the file again as soon as it has
changed, so a user who was removed is out at once.
"""

import contextlib
import json
import os
import re
import secrets
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.access import passwords
from engine.errors import EngineError, InvalidRequest
from engine.files import locked, write_whole

SCHEMA = 1
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
ID = re.compile(r"[0-9a-f]{32}")


class UsersUnreadable(EngineError):
    """Nobody can log in until the file is put right."""


@dataclass(frozen=True, kw_only=True)
class User:
    name: str
    id: str  # 32 hexadecimal digits, never given twice
    hash: str  # of the password
    changed: str  # when the password was set, UTC

    @property
    def owner(self) -> str:
        """What everything that belongs to this user is kept under."""
        return f"user-{self.id}"


class Users:
    """The users in the file at ``path``. Reads raise UsersUnreadable; changes EngineError too."""

    def __init__(self, path: Path):
        self.path = path
        self._lock = threading.Lock()
        self._known: tuple[Any, tuple[User, ...]] = (None, ())

    def all(self) -> tuple[User, ...]:
        """As the file is now; none where there is no file."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise unreadable(self.path, error.strerror or "disk error") from error
        state = (found.st_mtime_ns, found.st_size, found.st_ino)
        with self._lock:
            if self._known[0] != state:
                self._known = (state, read(self.path))
            return self._known[1]

    def named(self, name: str) -> User | None:
        return next((user for user in self.all() if user.name == name), None)

    def of_id(self, id: str) -> User | None:
        return next((user for user in self.all() if user.id == id), None)

    def add(self, name: str, password: str) -> User:
        name = checked_name(name)
        made = new_user(name, password)
        with self._changing() as known:
            if any(user.name == name for user in known):
                raise InvalidRequest(f"There is a user '{name}' already. Choose another name.")
            self._write((*known, made))
        return made

    def change(self, name: str, password: str) -> User:
        """Set another password; whoever is logged in by the old one is out."""
        kept = passwords.hashed(password, name)
        with self._changing() as known:
            changed = replace(one_of(known, name), hash=kept, changed=now())
            self._write(tuple(changed if user.name == name else user for user in known))
        return changed

    def remove(self, name: str) -> None:
        with self._changing() as known:
            gone = one_of(known, name)
            self._write(tuple(user for user in known if user != gone))

    @contextlib.contextmanager
    def _changing(self) -> Iterator[tuple[User, ...]]:
        """The users while nobody else, in this process or another, can change them."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise unreadable(self.path, error.strerror or "disk error") from error
        with os.fdopen(handle, "r+b", buffering=0) as file, locked(file):
            yield self.all()

    def _write(self, users: tuple[User, ...]) -> None:
        told = {"schema": SCHEMA, "users": [asdict(user) for user in users]}
        write_whole(self.path, json.dumps(told, indent=1).encode(), mode=0o600)


def new_user(name: str, password: str) -> User:
    kept = passwords.hashed(password, name)
    return User(name=name, id=secrets.token_hex(16), hash=kept, changed=now())


def one_of(known: tuple[User, ...], name: str) -> User:
    found = next((user for user in known if user.name == name), None)
    if found is None:
        raise InvalidRequest(f"There is no user '{name}'. See: python -m app users list")
    return found


def checked_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise InvalidRequest(
            "The name of a user has 1 to 32 small letters, digits, dots, hyphens or underlines, "
            "and begins with a letter or a digit."
        )
    return name


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def read(path: Path) -> tuple[User, ...]:
    try:
        told = json.loads(path.read_bytes())
        if told["schema"] != SCHEMA:
            raise unreadable(path, "it was written by another version")
        users = tuple(User(**one) for one in told["users"])
    except OSError as error:
        raise unreadable(path, error.strerror or "disk error") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise unreadable(path, "it is damaged") from error
    whole = all(
        isinstance(value, str) for user in users for value in asdict(user).values()
    ) and all(NAME.fullmatch(user.name) and ID.fullmatch(user.id) for user in users)
    if not whole or len({user.name for user in users}) < len(users):
        raise unreadable(path, "it is damaged")
    return users


def unreadable(path: Path, why: str) -> UsersUnreadable:
    return UsersUnreadable(
        f"The file of users '{path.name}' in the data folder cannot be used: {why}. "
        "Nobody can log in until it is put right, or brought back from a backup."
    )
