import socket
from pathlib import Path

import pytest

from app.main import main
from app.settings import Unsuitable, data_folder, read, with_peer


def test_the_page_is_served_to_this_computer_by_default():
    settings = read([], {})

    assert (settings.host, settings.port, settings.device) == ("127.0.0.1", 7860, "auto")
    assert settings.address == "http://127.0.0.1:7860/"
    assert settings.models is None and settings.browser


def test_the_data_folder_is_the_one_that_was_named(tmp_path):
    assert data_folder({"XREAL_DATA": str(tmp_path)}) == tmp_path
    assert data_folder({}) == Path.home() / ".local" / "share" / "xreal-studio"


def test_two_programs_keep_their_temporary_files_apart(tmp_path):
    one, other = (
        read(["--port", port], {"XREAL_DATA": str(tmp_path)}) for port in ("7001", "7002")
    )
    assert one.temp != other.temp
    assert one.temp.is_relative_to(tmp_path)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--host", "0.0.0.0"], "users .* and encryption"),
        (["--host", "192.168.0.7"], "users .* and encryption"),
        (["--port", "many"], "number from 1 to 65535"),
        (["--port", "70000"], "number from 1 to 65535"),
        (["--models", "/does/not/exist"], "no folder of models"),
    ],
)
def test_an_unsuitable_start_is_refused_with_a_sentence(argv, said):
    with pytest.raises(Unsuitable, match=said):
        read(argv, {})


@pytest.mark.case(1)
@pytest.mark.parametrize("variable", [("GRADIO_SHARE", "True"), ("GRADIO_SERVER_NAME", "0.0.0.0")])
def test_a_variable_that_would_share_the_page_is_named(variable):
    with pytest.raises(Unsuitable, match=variable[0]):
        read([], dict([variable]))


def test_a_busy_port_is_said_with_what_to_type(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XREAL_DATA", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        status = main(["--port", str(port), "--no-browser"])

    assert status == 2
    assert f"--port {port + 1}" in capsys.readouterr().err


def test_an_open_host_ends_the_program_with_the_reason(capsys):
    assert main(["--host", "0.0.0.0"]) == 2
    assert "this computer only" in capsys.readouterr().err


def test_an_archive_is_read_at_the_start_and_a_wrong_one_stops_it(tmp_path):
    told = '{"name": "A", "way": "C-STORE", "host": "127.0.0.1", "port": 104, "title": "T"}'
    (tmp_path / "peer.json").write_text(told)
    settings = read(["--peer", str(tmp_path / "peer.json")], {})
    assert settings.peer is None and with_peer(settings).peer.name == "A"

    (tmp_path / "peer.json").write_text("{}")
    with pytest.raises(Unsuitable, match="lacks its 'name'"):
        with_peer(settings)
