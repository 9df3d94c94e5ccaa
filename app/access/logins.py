"""Who is logged in. Kept in memory only: a restart of the program logs everybody out.

A login ends half an hour after the last thing its user did, twelve hours after it began, when its
user logs in elsewhere, logs out, is removed, or gets another password. The browser holds a random
token; here only its hash is kept.
"""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.access.passwords import mark_of
from app.access.users import User, Users, UsersUnreadable

IDLE, LONGEST = 30 * 60.0, 12 * 3600.0  # seconds


@dataclass
class Login:
    user: str  # id
    mark: str  # of the password that was given
    began: float
    seen: float


class Logins:
    def __init__(self, users: Users, clock: Callable[[], float] = time.monotonic):
        self.users = users
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, Login] = {}

    def begin(self, user: User) -> str:
        """The token of a new login. One person has one document at work, so others end."""
        token, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            self._known = {k: one for k, one in self._known.items() if one.user != user.id}
            self._known[key_of(token)] = Login(user.id, mark_of(user.hash), now, now)
        return token

    def user(self, token: str | None, *, active: bool = True) -> User | None:
        """Whose token it is, None for one that is not valid (any more).

        ``active`` where a person did something: the half hour begins anew.
        """
        if not token:
            return None
        key, now = key_of(token), self._clock()
        with self._lock:
            login = self._known.get(key)
            if login is None:
                return None
            user = self._of(login)
            if user is None or self._left(login, now) <= 0:
                del self._known[key]
                return None
            if active:
                login.seen = now
            return user

    def left(self, token: str) -> float:
        """Seconds until the login ends if nothing is done."""
        with self._lock:
            login = self._known.get(key_of(token))
            return 0.0 if login is None else max(0.0, self._left(login, self._clock()))

    def end(self, token: str | None) -> None:
        with self._lock:
            self._known.pop(key_of(token or ""), None)

    def _left(self, login: Login, now: float) -> float:
        return min(login.seen + IDLE, login.began + LONGEST) - now

    def _of(self, login: Login) -> User | None:
        """The user as the file says now; None where gone or with another password."""
        try:
            user = self.users.of_id(login.user)
        except UsersUnreadable:
            return None
        return user if user is not None and mark_of(user.hash) == login.mark else None


def key_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
