"""Which set of models was chosen last, so that the program begins with it again."""

import logging

from app.settings import Settings
from engine.errors import EngineError
from engine.files import write_whole

log = logging.getLogger(__name__)
SETS = ("embedded", "xreal", "cheff")
FILE = "model-set.txt"


def at_start(settings: Settings) -> str:
    """The set to open first: "folder" with ``--models``, else the one that was chosen last."""
    if settings.models is not None:
        return "folder"
    try:
        name = (settings.data / FILE).read_text("ascii").strip()
    except (OSError, ValueError):
        return "embedded"
    return name if name in SETS else "embedded"


def remember(settings: Settings, name: str) -> None:
    """Keep the choice. With ``--models`` the command line decides at every start."""
    if settings.models is not None or name not in SETS:
        return
    try:
        write_whole(settings.data / FILE, f"{name}\n".encode("ascii"), mode=0o600)
    except (EngineError, OSError):
        log.warning("the choice of models could not be kept")  # it is in use all the same
