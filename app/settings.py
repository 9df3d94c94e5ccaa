"""One frozen value says how the page is served; nothing else reads arguments or environment."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PORT = 7860
LOOPBACK = ("127.0.0.1", "localhost", "::1")
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

    @property
    def address(self) -> str:
        return f"http://{'[::1]' if self.host == '::1' else self.host}:{self.port}/"

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
    def log(self) -> Path:
        return self.data / "logs" / "page.log"


def read(argv: Sequence[str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Command line and environment to settings; raises :class:`Unsuitable` or ``SystemExit``."""
    parser = argparse.ArgumentParser(
        prog="python launch.py", description="Opens XReal Studio in the browser."
    )
    parser.add_argument("--port", default=str(PORT), help=f"port of the page (default {PORT})")
    parser.add_argument("--models", type=Path, metavar="DIR", help="a folder of model files")
    parser.add_argument("--host", default="127.0.0.1", help="only this computer is allowed so far")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    found = parser.parse_args(argv)
    refuse_sharing(environ)
    if found.host not in LOOPBACK:
        raise Unsuitable(
            f"The page is served to this computer only; '{found.host}' would open it to others, "
            "which needs users and encryption that this version does not have. "
            "Start it without --host."
        )
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
    )


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


def _port(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 65535:
        return int(text)
    raise Unsuitable(f"The port must be a number from 1 to 65535; '{text}' is not.")
