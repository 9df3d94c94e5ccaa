"""The saves of a document on the disk: found, and read strictly. ``autosave`` writes them."""

import hashlib
import re
from pathlib import Path

from app.document import archive
from app.document.project import Document, damaged
from app.document.project_reading import document_of


def owner(id: str) -> str:
    """The folder of a browser: who reads the disk does not learn the cookie."""
    return hashlib.sha256(id.encode()).hexdigest()[:32]


def saves_of(home: Path) -> list[Path]:
    """The manifests of a document, oldest first."""
    folder = home / "saves"
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if re.fullmatch(r"\d{8}\.json", path.name))


def number_of(save: Path) -> int:
    return int(save.stem)


def read_save(home: Path, save: Path) -> tuple[Document, float]:
    """The document of one save and when it was made."""
    try:
        told = archive.read_manifest(save.read_bytes())
    except OSError as error:
        raise damaged("its list of contents") from error
    document = document_of(
        lambda name: read_part(home, name, told["files"]), told["title"], told["created"]
    )
    return document, told["changed"]


def read_part(home: Path, name: str, files: dict[str, tuple[int, str]]) -> bytes:
    try:
        data = (home / "parts" / files[name][1]).read_bytes()
    except (OSError, KeyError) as error:
        raise damaged(archive.part_title(name)) from error
    return archive.checked(name, data, files)


def size_of(home: Path) -> int:
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
