"""The films of a folder, one after another, before a person chooses which one to open."""

from base64 import b64encode
from pathlib import Path
from typing import Any

from app.document import pictures
from engine.dicom.listing import facts, first, line
from engine.dicom.tones import GRID
from engine.errors import ImageUnreadable
from engine.images import from_codes, read_dicom

PREVIEW = 96  # px


def told(path: Path) -> dict[str, Any]:
    """What the page shows of the DICOM file at ``path``: its facts, the line that says them and a
    preview as a data URL; ``{"refused": sentence}`` where it is no film that can be opened."""
    try:
        film = read_dicom(path)
    except ImageUnreadable as error:
        return {"refused": first(str(error))}
    known = facts(film)
    preview = b64encode(pictures.shown(from_codes(film.codes, GRID), PREVIEW)).decode()
    return {**known, "line": line(known), "preview": f"data:image/png;base64,{preview}"}
