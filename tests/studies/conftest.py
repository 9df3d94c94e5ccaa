"""Most claims here are not about power cuts, so the disk need not be waited for."""

import pytest

from app.studies import log


@pytest.fixture(autouse=True)
def quick_disk(request, monkeypatch):
    """Leave out the waiting for the disk, except in tests that ask for ``real_disk``.

    A killed process loses nothing either way: what it wrote is the system's. Processes that tests
    start keep all waiting.
    """
    if "real_disk" not in request.fixturenames:
        monkeypatch.setattr(log, "SYNCHRONOUS", "OFF")
        monkeypatch.setattr(log.os, "fsync", lambda _: None)


@pytest.fixture
def real_disk():
    """Asks for every wait for the disk that a user's study has."""
