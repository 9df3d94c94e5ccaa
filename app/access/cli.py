"""``python -m app users``: who may log in. Passwords are typed or piped in, never arguments."""

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from app.access.users import Users, checked_name
from app.settings import data_folder
from engine.errors import EngineError, InvalidRequest


def main(argv: Sequence[str]) -> int:
    """0; 1 with a sentence where it was refused."""
    told = parser().parse_args(argv)
    os.umask(0o077)
    folder = told.data or data_folder()
    users = Users(Path(folder) / "users.json")
    try:
        say(done(users, told.action, getattr(told, "name", "")))
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m app users", description="Who may log in to XReal Studio on this server."
    )
    found.add_argument("--data", metavar="DIR", help="data folder (default: that of XREAL_DATA)")
    actions = found.add_subparsers(dest="action", required=True)
    about = {
        "add": "add a user; the password is asked for, or read from standard input",
        "passwd": "give a user another password, which also logs them out",
        "remove": "remove a user, who is logged out at once",
    }
    for action, help in about.items():
        actions.add_parser(action, help=help, description=help).add_argument("name")
    actions.add_parser("list", help="list the users", description="list the users")
    return found


def done(users: Users, action: str, name: str) -> str:
    name = name.lower()
    if action == "list":
        known = users.all()
        lines = [f"{user.name:32}  password of {user.changed}" for user in known]
        return "\n".join(lines) or "There are no users: nobody needs to log in on this computer."
    if action == "remove":
        users.remove(name)
        return (
            f"'{name}' is removed and logged out. Their documents stay on the disk, and nobody "
            "else gets them, also not under the same name."
        )
    checked_name(name)
    known = users.named(name)
    if action == "add" and known is not None:
        raise InvalidRequest(f"There is a user '{name}' already. Choose another name.")
    if action == "passwd" and known is None:
        raise InvalidRequest(f"There is no user '{name}'. See: python -m app users list")
    if action == "add":
        first = not users.all()
        users.add(name, password())
        start = " A server that runs already asks for logins when it is started again."
        return f"'{name}' can log in.{start if first else ''}"
    users.change(name, password())
    return f"'{name}' has another password and is logged out."


def password() -> str:
    """Typed twice at a terminal, otherwise the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        raise InvalidRequest("The two are not the same. Nothing was changed.")
    return first


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
