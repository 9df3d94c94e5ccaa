"""Refuses every connection and name look-up that would leave this computer, and notes it.

Python imports a ``sitecustomize`` that it finds on its path before anything else. The tests put
this folder on the path of every program that they start, and install the guard in themselves.
"""

import ipaddress
import os
import socket
from pathlib import Path

LOG = "XREAL_TEST_NETWORK_LOG"  # a file that gets a line for every refusal

_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex
_sendto, _getaddrinfo = socket.socket.sendto, socket.getaddrinfo


class NetworkTouched(OSError):
    """An ``OSError``, so that programs treat it like a network that is not there."""


def is_here(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode()
    if not isinstance(host, str) or host in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def check(host: object) -> None:
    if is_here(host):
        return
    if os.environ.get(LOG):
        with Path(os.environ[LOG]).open("a") as log:
            log.write(f"{host}\n")
    raise NetworkTouched(f"{host} was asked for, and nothing may leave this computer.")


def check_address(family: int, address: object) -> None:
    if family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
        check(address[0])


def install() -> None:
    def connect(self, address):
        check_address(self.family, address)
        return _connect(self, address)

    def connect_ex(self, address):
        check_address(self.family, address)
        return _connect_ex(self, address)

    def sendto(self, data, *rest):
        check_address(self.family, rest[-1])
        return _sendto(self, data, *rest)

    def getaddrinfo(host, *rest, **named):
        check(host)
        return _getaddrinfo(host, *rest, **named)

    socket.socket.connect, socket.socket.connect_ex = connect, connect_ex
    socket.socket.sendto, socket.getaddrinfo = sendto, getaddrinfo


def remove() -> None:
    socket.socket.connect, socket.socket.connect_ex = _connect, _connect_ex
    socket.socket.sendto, socket.getaddrinfo = _sendto, _getaddrinfo


if os.environ.get(LOG):
    install()
