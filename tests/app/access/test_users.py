"""The users file and the commands that change it."""

import io
import json
import os
import stat
import threading

import pytest

from app.access import cli, passwords
from app.access.users import Users, UsersUnreadable
from app.main import main
from engine.errors import DiskFull, InvalidRequest

PASSWORD = "correct horse battery staple"


@pytest.fixture
def users(tmp_path):
    return Users(tmp_path / "data" / "users.json")


def typed(monkeypatch, text):
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def run(users, *argv):
    return main(["users", "--data", str(users.path.parent), *argv])


def test_a_user_is_added_changed_listed_and_removed(users, monkeypatch, capsys):
    typed(monkeypatch, f"{PASSWORD}\n")
    assert run(users, "add", "ada") == 0
    assert passwords.matches(PASSWORD, users.named("ada").hash)
    id = users.named("ada").id

    typed(monkeypatch, "another horse battery staple\n")
    assert run(users, "passwd", "ada") == 0
    assert not passwords.matches(PASSWORD, users.named("ada").hash)
    assert users.named("ada").id == id

    assert run(users, "list") == 0
    assert "ada " in capsys.readouterr().out
    assert run(users, "remove", "ada") == 0
    assert users.all() == ()


def test_a_password_is_no_argument(users, capsys):
    with pytest.raises(SystemExit):
        run(users, "add", "ada", PASSWORD)
    assert users.all() == ()


def test_at_a_terminal_a_password_is_typed_twice_and_not_shown(users, monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    answers = iter([PASSWORD, PASSWORD + "x", PASSWORD, PASSWORD])
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))

    assert run(users, "add", "ada") == 1
    assert "not the same" in capsys.readouterr().err
    assert run(users, "add", "ada") == 0
    assert PASSWORD not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "12 to 256"),
        ("elevenchars", "12 to 256"),
        ("x" * 257, "12 to 256"),
        ("aaaaaaaaaaaaaaaa", "few different"),
        ("My name is Ada 1815", "holds the name"),
    ],
)
def test_weak_passwords_are_refused_with_the_reason(users, monkeypatch, capsys, password, said):
    typed(monkeypatch, password + "\n")
    assert run(users, "add", "ada") == 1
    assert said in capsys.readouterr().err
    assert users.all() == ()


@pytest.mark.parametrize("name", ["", "a b", "-x", "a/b", "ä", "a" * 33, "a\n"])
def test_names_that_no_file_or_header_should_hold_are_refused(users, name):
    with pytest.raises(InvalidRequest, match="small letters"):
        users.add(name, PASSWORD)


def test_the_same_name_twice_and_an_unknown_name_are_refused(users, monkeypatch, capsys):
    users.add("ada", PASSWORD)
    typed(monkeypatch, f"{PASSWORD}\n")
    assert run(users, "add", "Ada") == 1
    assert "already" in capsys.readouterr().err
    assert run(users, "passwd", "bob") == run(users, "remove", "bob") == 1
    assert "no user 'bob'" in capsys.readouterr().err


def test_a_password_is_the_same_from_every_keyboard():
    composed, decomposed = "caf\u00e9 correct horse", "cafe\u0301 correct horse"
    assert passwords.matches(decomposed, passwords.hashed(composed, "ada"))


def test_the_file_holds_argon2id_and_no_password(users):
    users.add("ada", PASSWORD)
    text = users.path.read_text()

    assert PASSWORD not in text
    assert json.loads(text)["users"][0]["hash"].startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")
def test_nobody_else_may_read_the_file_whatever_the_umask(users):
    before = os.umask(0)
    try:
        users.add("ada", PASSWORD)
    finally:
        os.umask(before)

    assert stat.S_IMODE(users.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(users.path.parent.stat().st_mode) == 0o700
    assert sorted(p.name for p in users.path.parent.iterdir()) == ["users.json", "users.lock"]


def test_a_full_disk_leaves_the_users_as_they_were(users, monkeypatch):
    users.add("ada", PASSWORD)
    before = users.path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskFull):
        users.add("bob", PASSWORD)

    assert users.path.read_bytes() == before
    assert [p.name for p in users.path.parent.iterdir() if p.suffix == ".part"] == []


def test_two_who_add_at_the_same_time_lose_nobody(users):
    names = [f"user{n}" for n in range(6)]
    ready = threading.Barrier(len(names))

    def add(name):
        mine = Users(users.path)  # as another process has it
        ready.wait()
        mine.add(name, PASSWORD)

    threads = [threading.Thread(target=add, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(user.name for user in users.all()) == names


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"schema": 2, "users": []}', '{"schema": 1}', '{"schema": 1, "users": [{}]}',
     '{"schema": 1, "users": [{"name": "A", "id": "1", "hash": "x", "changed": ""}]}',
     '{"schema": 1, "users": [{"name": 1, "id": 2, "hash": 3, "changed": 4}]}', "[" * 5000],
)  # fmt: skip
def test_a_file_that_is_no_list_of_users_lets_nobody_in(users, text):
    users.path.parent.mkdir()
    users.path.write_text(text)
    with pytest.raises(UsersUnreadable, match="Nobody can log in"):
        users.all()


def test_the_command_describes_itself(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--help"])
    assert end.value.code == 0
    assert "passwd" in capsys.readouterr().out
