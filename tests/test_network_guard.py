"""The guard that the offline tests rely on does refuse, and lets this computer talk to itself."""

import socket
import subprocess
import sys

import pytest

from tests.closed_network import sitecustomize as guard


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "example.invalid"])
def test_an_address_elsewhere_is_refused_and_noted(address, tmp_path, monkeypatch):
    monkeypatch.setenv(guard.LOG, str(tmp_path / "log"))

    with pytest.raises(guard.NetworkTouched):
        socket.create_connection((address, 80), timeout=1)

    assert (tmp_path / "log").read_text() == f"{address}\n"


def test_a_datagram_elsewhere_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(guard.LOG, str(tmp_path / "log"))

    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sender, pytest.raises(guard.NetworkTouched):
        sender.sendto(b"name?", ("192.0.2.1", 53))


def test_this_computer_reaches_itself():
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    with server, socket.create_connection(("localhost", port), timeout=5):
        answered, _ = server.accept()
        answered.close()


def test_a_program_that_a_test_starts_is_guarded_too(tmp_path, monkeypatch):
    monkeypatch.setenv(guard.LOG, str(tmp_path / "log"))
    code = "import urllib.request as u; u.urlopen('http://192.0.2.1', timeout=1)"

    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE)

    assert b"nothing may leave this computer" in done.stderr
    assert (tmp_path / "log").read_text() == "192.0.2.1\n"
