"""Logins in these tests do little work each; what real ones do is in tests/app/access."""

import pytest
from argon2 import PasswordHasher

from app.access import passwords


@pytest.fixture(scope="session", autouse=True)
def quick_passwords():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(1, 8, 1))
        passwords.nobody.cache_clear()
        yield
    passwords.nobody.cache_clear()
