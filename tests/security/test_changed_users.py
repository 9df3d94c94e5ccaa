"""Whatever is done to the file of users: it is users, or nobody comes in and it says why."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.users import Users, UsersUnreadable
from tests.security.changes import SOME, bounded, changed, changed_json, written

SENTENCE = re.compile(r"The file of users 'users.json' in the data folder cannot be used: ")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("users") / "users.json"
    for name in ("ada", "bob"):
        Users(path).add(name, "seven unusual herons")
    return path, path.read_bytes()


@SOME
@given(seed=st.integers(0, 2**64))
def test_a_changed_file_of_users_is_users_or_a_sentence(file, seed):
    path, whole = file
    told = written(changed_json(json.loads(whole), seed), seed)
    path.write_bytes(told if seed % 2 else changed([whole], seed))
    try:
        with bounded(64_000_000):
            users = Users(path).all()
    except UsersUnreadable as error:
        assert SENTENCE.match(str(error))
        return
    for user in users:
        assert all(isinstance(part, str) for part in (user.name, user.id))
    assert len({user.name for user in users}) == len(users)
