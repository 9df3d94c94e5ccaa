"""What several tests of the application begin with."""

import pytest

from app.settings import Settings
from tests.app.fake_engine import FakeEngine
from tests.app.served import application

PORT = 7860  # of the addresses that the guard lets through; nothing listens on it


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The ASGI application with the fake engine behind it, and its desk."""
    app, desk = application(FakeEngine(), Settings(port=PORT, data=tmp_path_factory.mktemp("data")))
    yield app, desk
    desk.jobs.close()
