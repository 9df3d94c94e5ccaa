"""Passwords: what they must be, their argon2id hashes, and a check that takes its time."""

import functools
import hmac
import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.errors import InvalidRequest

LEAST, MOST = 12, 256  # letters
AT_ONCE = 2  # hashes that are computed at the same time, 64 MiB each

_hasher = PasswordHasher()  # argon2id by RFC 9106 for little memory: 3 passes, 64 MiB, 4 lanes
_places = threading.Semaphore(AT_ONCE)


@functools.cache
def nobody() -> str:
    """What is checked for a name that nobody has, so that the answer takes as long as for one.

    Made once, before the first login: making it takes time too.
    """
    return _hasher.hash(secrets.token_urlsafe(16))


def hashed(password: str, name: str) -> str:
    """The hash to keep of a new password; raises InvalidRequest where it is too weak."""
    password = normal(password)
    if not LEAST <= len(password) <= MOST:
        raise InvalidRequest(
            f"A password has {LEAST} to {MOST} letters; this one has {len(password)}. "
            "Several words that do not belong together are easy to keep in mind."
        )
    if name in password.lower() or len(set(password)) < 5:
        raise InvalidRequest(
            "This password is easily guessed: it holds the name, or few different letters. "
            "Choose another one."
        )
    with _places:
        return _hasher.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether ``kept`` is the hash of ``password``; the same work is done where there is none."""
    with _places:
        try:
            found = _hasher.verify(kept or nobody(), normal(password)[: MOST + 1])
        except (VerificationError, InvalidHashError):
            return False
    return found and kept is not None


def mark_of(kept: str) -> str:
    """A short sign of a hash, by which a changed password is noticed."""
    return hmac.new(b"xreal-studio", kept.encode(), "sha256").hexdigest()[:32]


def normal(password: str) -> str:
    """The same letters typed on another keyboard are the same password."""
    return unicodedata.normalize("NFKC", password)
