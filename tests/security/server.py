"""A server with two users, Ada and Bob, in this process; and browsers that ask it."""

import re

from starlette.testclient import TestClient

from app.access.users import Users
from app.settings import Settings
from tests.app.fake_engine import FakeEngine
from tests.app.served import application

PORT = 7861
URL = f"http://127.0.0.1:{PORT}"
OURS = {"origin": URL}
PASSWORDS = {"ada": "correct horse battery staple", "bob": "seven quiet lanterns walking"}


def server_with_users(data, engine=None):
    """(the ASGI application, its desk); the passwords are ``PASSWORDS``."""
    settings = Settings(port=PORT, data=data)
    users = Users(settings.users)
    for name, password in PASSWORDS.items():
        users.add(name, password)
    return application(engine or FakeEngine(), settings)


def browser(app, **keywords) -> TestClient:
    keywords = {"follow_redirects": False, "raise_server_exceptions": True} | keywords
    return TestClient(app, base_url=URL, **keywords)


def log_in(client, name, password=None):
    told = {"name": name, "password": password or PASSWORDS[name]}
    return client.post("/login", data=told, headers=OURS)


def logged_in(app, name) -> TestClient:
    client = browser(app)
    assert log_in(client, name).status_code == 204
    return client


def concrete(path: str) -> str:
    """An address of the route that means nothing."""
    return re.sub(r"\{[^}]+\}", "1", path) + ("/none.js" if path == "/page" else "")
