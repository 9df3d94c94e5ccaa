"""One frozen value says how the page is served; nothing else reads arguments or environment."""

import argparse
import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.dicom.peers import Peer, read_peer
from engine.errors import InvalidRequest

PORT = 7860
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANY = ("0.0.0.0", "::")  # every address of this computer
HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\]")
SHARING = {  # variables by which Gradio would leave this computer, and the harmless values
    "GRADIO_SHARE": ("", "false", "0"),
    "GRADIO_SERVER_NAME": ("", *LOOPBACK),
    "GRADIO_MCP_SERVER": ("", "false", "0"),
}


class Unsuitable(Exception):
    """The program cannot start like this; ``str`` says why and what to type."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    host: str = "127.0.0.1"
    port: int = PORT
    models: Path | None = None  # None: the models that ship with the project
    device: str = "auto"
    browser: bool = True
    data: Path
    names: tuple[str, ...] = ()  # by which browsers reach it, where it is not this computer
    certificate: Path | None = None  # for TLS, with the key beside it
    key: Path | None = None
    proxy: str | None = None  # the address of the proxy that does TLS; nobody else may connect
    peer_file: Path | None = None  # says who is the one archive that pictures can be sent to
    peer: Peer | None = None  # read from it by :func:`with_peer`

    @property
    def address(self) -> str:
        """What is typed into a browser."""
        if self.proxy is not None:
            return f"https://{self.names[0]}/"
        host = self.names[0] if self.names else self.host
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"{'http' if self.certificate is None else 'https'}://{host}:{self.port}/"

    @property
    def encrypted(self) -> bool:
        """Whether browsers reach it by TLS, here or at the proxy."""
        return self.certificate is not None or self.proxy is not None

    @property
    def open_to_others(self) -> bool:
        """Whether others than this computer's own browsers may come."""
        return self.host not in LOOPBACK or self.proxy is not None

    @property
    def users(self) -> Path:
        """Who may log in; where there is no such file, nobody needs to."""
        return self.data / "users.json"

    @property
    def temp(self) -> Path:
        """Uploads and exports on their way; the port keeps two running programs apart."""
        return self.data / "temp" / str(self.port)

    @property
    def documents(self) -> Path:
        """What is saved while people work."""
        return self.data / "documents"

    @property
    def studies(self) -> Path:
        """Reader studies, a folder each."""
        return self.data / "studies"

    @property
    def jobs(self) -> Path:
        """Which runs have begun and not ended; the port keeps two running programs apart."""
        return self.data / "jobs" / str(self.port)

    @property
    def log(self) -> Path:
        return self.data / "logs" / "page.log"


def read(argv: Sequence[str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Command line and environment to settings; raises :class:`Unsuitable` or ``SystemExit``."""
    parser = argparse.ArgumentParser(
        prog="python launch.py", description="Opens XReal Studio in the browser."
    )
    parser.add_argument("--port", default=str(PORT), help=f"port of the page (default {PORT})")
    parser.add_argument("--models", type=Path, metavar="DIR", help="a folder of model files")
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS",
        help="address to listen at (default: this computer only); others need users and TLS",
    )  # fmt: skip
    parser.add_argument(
        "--name", action="append", default=[], metavar="HOST",
        help="name by which browsers reach this server; may be given several times",
    )  # fmt: skip
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="certificate, PEM")
    parser.add_argument("--key", type=Path, metavar="FILE", help="its private key, PEM")
    parser.add_argument(
        "--behind-proxy", nargs="?", const="127.0.0.1", metavar="ADDRESS",
        help="a proxy at this address (default: this computer) does TLS; needs --name",
    )  # fmt: skip
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument(
        "--peer", type=Path, metavar="FILE", help="JSON: the archive that pictures can be sent to"
    )
    found = parser.parse_args(argv)
    refuse_sharing(environ)
    refuse_half_network(found)
    if found.models is not None and not found.models.is_dir():
        raise Unsuitable(
            f"There is no folder of models at '{found.models}'. "
            "Check the path, or start without --models."
        )
    return Settings(
        host="127.0.0.1" if found.host == "localhost" else found.host,
        port=_port(found.port),
        models=found.models,
        device=found.device,
        browser=not found.no_browser,
        data=data_folder(environ),
        names=tuple(_host_name(name, found.behind_proxy is not None) for name in found.name),
        certificate=found.certificate,
        key=found.key,
        proxy=found.behind_proxy,
        peer_file=found.peer,
    )


def refuse_half_network(found: argparse.Namespace) -> None:
    """Raise :class:`Unsuitable` where options of a server are missing or do not fit together.

    What the files hold is looked at later, in ``app.access.starting``.
    """
    opened = found.host not in LOOPBACK
    proxy, certificate = found.behind_proxy, found.certificate
    if found.host != "localhost" and not _is_address(found.host):
        raise Unsuitable(
            f"--host takes an address of this computer, such as 0.0.0.0 for all; '{found.host}' "
            "is none. The name that browsers use goes to --name."
        )
    if (certificate is None) != (found.key is None):
        raise Unsuitable("A certificate and its key belong together: give --certificate and --key.")
    if proxy is not None and not _is_address(proxy):
        raise Unsuitable(f"--behind-proxy takes the address of the proxy; '{proxy}' is none.")
    if proxy is not None and certificate is not None:
        raise Unsuitable(
            "Either the proxy does TLS or this program does. "
            "Leave out --certificate and --key, or --behind-proxy."
        )
    if opened and proxy is None and certificate is None:
        raise Unsuitable(
            f"'{found.host}' opens the page to other computers. That needs users (python -m app "
            "users add NAME) and encryption: give --certificate and --key, or --behind-proxy where "
            "a proxy does TLS. Without --host the page is served to this computer only."
        )
    if opened and not found.name and (proxy is not None or found.host in ANY):
        raise Unsuitable("Say by which name browsers reach this server: --name xray.example.org")
    if proxy is not None and not found.name:
        raise Unsuitable("Say by which name browsers reach the proxy: --name xray.example.org")


def with_peer(settings: Settings) -> Settings:
    """The settings with the archive that their file describes; :class:`Unsuitable` where it is
    none."""
    if settings.peer_file is None:
        return settings
    try:
        return replace(settings, peer=read_peer(settings.peer_file))
    except InvalidRequest as error:
        raise Unsuitable(str(error)) from error


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    chosen = environ.get("XREAL_DATA")
    return Path(chosen) if chosen else Path.home() / ".local" / "share" / "xreal-studio"


def refuse_sharing(environ: Mapping[str, str]) -> None:
    for name, harmless in SHARING.items():
        if environ.get(name, "").lower() not in harmless:
            raise Unsuitable(
                f"The variable {name} would open the page to other computers. "
                "Remove it and start again."
            )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _host_name(text: str, proxied: bool) -> str:
    """A name as browsers send it; behind a proxy its port belongs to it where it is not 443."""
    name = text.lower()
    host, colon, port = name.rpartition(":")
    if proxied and colon and port.isdecimal():
        name = host
    if not HOST_NAME.fullmatch(name):
        raise Unsuitable(
            f"--name takes what stands in a browser's address bar, such as xray.example.org; "
            f"'{text}' is no such name."
        )
    return text.lower()


def _port(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 65535:
        return int(text)
    raise Unsuitable(f"The port must be a number from 1 to 65535; '{text}' is not.")
