"""Logins in these tests do little work each; what real ones do is in tests/app/access."""

import threading

import pytest
from argon2 import PasswordHasher

from app.access import passwords
from app.access.users import Users
from tests.app.fake_engine import FakeEngine
from tests.app.served import serving
from tests.security.server import PASSWORDS


@pytest.fixture(scope="package", autouse=True)
def quick_passwords():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(1, 8, 1))
        passwords.nobody.cache_clear()
        yield
    passwords.nobody.cache_clear()


@pytest.fixture(scope="package")
def served(tmp_path_factory, quick_passwords):
    """A real server with Ada and Bob, the fake engine behind it."""
    data = tmp_path_factory.mktemp("hospital")
    for name, password in PASSWORDS.items():
        Users(data / "users.json").add(name, password)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(data / "temp" / "gradio"))
        with serving(FakeEngine(), data) as found:
            with found.desk.loading.lent(threading.Event()):
                pass  # the models are there
            yield found
