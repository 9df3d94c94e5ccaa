"""The temporary folder: private, without names, aged, and empty after every end."""

import os
import signal
import stat

import httpx
import numpy as np
import pytest

from app.document import uploads
from app.main import main, prepare
from app.settings import Settings
from engine import png
from tests.browser.program import Program

NAME = "DOE^JOHN 123456.png"
FILM = png.encode(np.full((32, 32), 64, np.uint8))


@pytest.fixture
def program(tmp_path):
    found = Program(tmp_path / "data")
    found.start()
    yield found
    found.stop()


def sent(program):
    """A browser that has sent a film with a patient's name as the file's, and not opened it."""
    origin = program.url.rstrip("/")
    client = httpx.Client(base_url=origin, headers={"origin": origin}, timeout=60)
    client.get("/")
    answer = client.post("/api/files", content=FILM, headers={"x-name": NAME.replace(" ", "%20")})
    assert answer.status_code == 200, answer.text
    return client


def all_in(folder):
    return list(folder.rglob("*"))


@pytest.mark.case(15)
@pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")
def test_what_is_on_its_way_is_private_nameless_and_gone_after_a_kill(program):
    sent(program)
    temp = program.data / "temp" / str(program.port)
    kept = [path for path in all_in(temp) if path.is_file()]

    assert any(path.read_bytes() == FILM for path in kept)
    for path in (temp, *all_in(program.data)):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        assert "DOE" not in path.name and "JOHN" not in path.name
        assert path.is_dir() or b"JOHN" not in path.read_bytes()

    program.kill()
    assert all(path.exists() for path in kept)
    program.start()
    assert not any(path.exists() for path in kept)


@pytest.mark.case(15)
@pytest.mark.skipif(os.name != "posix", reason="Windows ends programs without a word")
def test_the_end_of_the_program_empties_it(program):
    sent(program)
    program.process.send_signal(signal.SIGTERM)
    program.process.wait(timeout=60)

    assert not (program.data / "temp" / str(program.port)).exists()


@pytest.mark.case(15)
def test_a_file_that_nobody_opened_in_an_hour_goes_when_the_next_one_comes(tmp_path, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(uploads.time, "monotonic", lambda: now)
    waiting = uploads.Uploads(tmp_path)

    def keep(owner):
        path = waiting.place()
        path.write_bytes(FILM)
        return path, waiting.keep(path, NAME, owner)

    old, _ = keep("ada")
    now += uploads.LONGEST - 1
    young, _ = keep("bob")
    assert old.exists()
    now += 2
    keep("bob")

    assert not old.exists() and young.exists()


def test_many_files_of_one_person_push_out_nobody_elses(tmp_path):
    waiting = uploads.Uploads(tmp_path)
    path = waiting.place()
    path.write_bytes(FILM)
    token = waiting.keep(path, NAME, "ada")
    for _ in range(uploads.WAITING + 5):
        other = waiting.place()
        other.write_bytes(b"")
        waiting.keep(other, "b.png", "bob")

    assert waiting.find(token, "ada").path == path
    assert len(list(tmp_path.iterdir())) == uploads.WAITING + 1


@pytest.mark.case(1)
@pytest.mark.parametrize(
    ("variable", "value"),
    [("GRADIO_SHARE", "True"), ("GRADIO_SERVER_NAME", "0.0.0.0"), ("GRADIO_MCP_SERVER", "1")],
)
def test_a_variable_that_would_share_the_page_stops_the_start(
    variable, value, monkeypatch, capsys, tmp_path
):
    monkeypatch.setenv("XREAL_DATA", str(tmp_path / "data"))
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr("app.main.listen", lambda settings: pytest.fail("it listens"))

    assert main(["--no-browser"]) == 2
    assert variable in capsys.readouterr().err


@pytest.mark.case(1)
def test_no_other_variable_of_gradio_reaches_it(tmp_path, monkeypatch):
    meddling = [
        "GRADIO_ALLOWED_PATHS", "GRADIO_ROOT_PATH", "GRADIO_VIBE_MODE", "GRADIO_DEBUG",
        "GRADIO_HISTORY_BUCKET", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD",
    ]  # fmt: skip
    environment = dict(os.environ)
    for name in meddling:
        monkeypatch.setenv(name, "1")
    before = os.umask(0o022)
    try:
        prepare(Settings(data=tmp_path / "data"))
        assert [name for name in meddling if name in os.environ] == []
        assert os.environ["GRADIO_RUN_HISTORY"] == "False"
    finally:
        os.umask(before)
        os.environ.clear()
        os.environ.update(environment)
