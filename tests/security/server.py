"""A server with two users, Ada and Bob, in this process; and browsers that ask it."""

import re

import httpx
from starlette.testclient import TestClient

from app.access.users import Users
from app.settings import Settings
from tests.app.fake_engine import FakeEngine
from tests.app.served import application

PORT = 7861
URL = f"http://127.0.0.1:{PORT}"
OURS = {"origin": URL}
SAME = "samehash01"  # a session id that two browsers choose
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


class Person:
    """A browser with a login, and what the server keeps for its person."""

    def __init__(self, served, name):
        self.url, self.name = served.url.rstrip("/"), name
        self.http = httpx.Client(
            base_url=self.url, headers={"origin": self.url}, timeout=60, follow_redirects=False
        )
        self.log_in()
        self.owner = Users(served.desk.settings.users).named(name).owner
        self.session = served.desk.sessions.of(self.owner)

    def log_in(self):
        told = {"name": self.name, "password": PASSWORDS[self.name]}
        assert self.http.post("/login", data=told).status_code == 204

    def get(self, path):
        return self.http.get(path)

    def post(self, path, **keywords):
        return self.http.post(path, **keywords)

    def asks_gradio(self, session_hash=SAME):
        """Load the page's values as Gradio's script does: what comes for this session id."""
        load = next(
            one["id"]
            for one in self.get("/config").json()["dependencies"]
            if any(target[1] == "load" for target in one["targets"])
        )
        return self.event(load, [], session_hash).json()

    def event(self, number, values, session_hash=SAME, **more):
        body = {"data": values, "fn_index": number, "session_hash": session_hash, **more}
        return self.post("/gradio_api/run/predict", json=body)
