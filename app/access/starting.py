"""What must hold before a server opens to others: users, and a certificate or a proxy."""

import os
from pathlib import Path

from app.access import certificates
from app.access.users import Users, UsersUnreadable
from app.settings import Settings, Unsuitable


def checked(settings: Settings) -> list[str]:
    """Sentences for the person who starts it; raises :class:`Unsuitable` where it may not start."""
    said = []
    if settings.certificate is not None and settings.key is not None:
        valid = certificates.checked(settings.certificate, settings.key)
        said.append(certificates.remark(valid))
    try:
        users = Users(settings.users).all()
    except UsersUnreadable as error:
        raise Unsuitable(str(error)) from error
    if settings.users.exists():
        refuse_readable(settings.users)
    if settings.open_to_others and not users:
        raise Unsuitable(
            "The page would be open to other computers, and there are no users yet. "
            "Add one: python -m app users add NAME"
        )
    if users:
        count = "one user" if len(users) == 1 else f"{len(users)} users"
        said.append(f"Everybody logs in; there {'is' if len(users) == 1 else 'are'} {count}.")
    return said


def with_users(settings: Settings) -> bool:
    return bool(Users(settings.users).all())


def refuse_readable(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise Unsuitable(
            f"Others on this computer may read the file of users '{path}'. Type: chmod 600 '{path}'"
        )
