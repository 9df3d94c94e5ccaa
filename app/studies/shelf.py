"""All studies of this program: one folder each, opened once, and whose they are.

The owner stands beside the study in a file of its own, since it is no part of what is frozen: a
study can be handed over. An empty owner is that of a program without users.
"""

import json
import re
import shutil
import threading
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

from app.studies.errors import StudyError
from app.studies.log import DATABASE, MIRROR
from app.studies.model import Study
from app.studies.store import Store, create, open_store
from engine.files import write_whole

OWNER = "owner.json"
LONGEST_NAME = 48
NOT_HERE = "There is no such study. It may have been moved, or it belongs to another user."


@dataclass(frozen=True)
class Listed:
    """A study as the list shows it; ``fault`` is a sentence where it cannot be opened."""

    study_id: str
    owner: str
    title: str = ""
    phase: str = ""
    pilot: bool = False
    protocol: str = ""
    cases: int = 0
    readers: int = 0
    changed: str = ""
    fault: str = ""


class Shelf:
    """The studies in ``folder``. Safe for threads; a store is opened once and kept open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, Store] = {}
        self._lock = threading.RLock()

    def list_of(self, user: str) -> list[Listed]:
        """The studies of a user, the newest change first. One that is damaged is listed too."""
        found = [self._listed(name) for name in self._names() if self.owner_of(name) == user]
        return sorted(found, key=lambda one: one.changed, reverse=True)

    def begin(self, study: Study, user: str) -> Store:
        """A new draft under a free name made of its title; its ``study_id`` is that name."""
        with self._lock:
            name = self._free_name(study.title)
            folder = self.folder / name
            store = create(folder, replace(study, study_id=name))
            write_whole(folder / OWNER, json.dumps({"owner": user}).encode())
            self._open[name] = store
        return store

    def of_user(self, study_id: str, user: str) -> Store:
        """The study, if it is this user's; raises ``StudyError`` as for one that is not there."""
        if study_id not in self._names() or self.owner_of(study_id) != user:
            raise StudyError(NOT_HERE)
        return self.store(study_id)

    def store(self, study_id: str) -> Store:
        """The study by its name, whoever asks: for readers, who come with a code."""
        with self._lock:
            if study_id not in self._open:
                if study_id not in self._names():
                    raise StudyError(NOT_HERE)
                self._open[study_id] = open_store(self.folder / study_id)
            return self._open[study_id]

    def names(self) -> list[str]:
        """The names of all studies, whoever owns them."""
        return self._names()

    def sign_in(self, code: str) -> tuple[str, str]:
        """Study and reader of a code; raises ``StudyError`` for any other text.

        Studies that are not open for reading are asked too, so that the reader hears why.
        """
        for name in self._names():
            try:
                return name, self.store(name).sign_in(code)
            except StudyError:
                continue
        raise StudyError("This code is not known. Check the card; letters and digits only.")

    def owner_of(self, study_id: str) -> str:
        try:
            told = json.loads((self.folder / study_id / OWNER).read_text("utf-8"))
            return str(told["owner"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def remove_draft(self, study_id: str, user: str) -> None:
        """Delete a draft for good. A study that was frozen is evidence and stays."""
        with self._lock:
            store = self.of_user(study_id, user)
            if store.phase != "draft":
                raise StudyError(
                    "This study was frozen, so its record is kept. It can be moved away by hand."
                )
            store.close_file()
            self._open.pop(study_id, None)
            shutil.rmtree(self.folder / study_id)

    def close(self) -> None:
        with self._lock:
            for store in self._open.values():
                store.close_file()
            self._open.clear()

    def _names(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        inside = sorted(self.folder.iterdir())
        return [p.name for p in inside if (p / DATABASE).exists() or (p / MIRROR).exists()]

    def _listed(self, name: str) -> Listed:
        owner = self.owner_of(name)
        try:
            store = self.store(name)
            study = store.study()
        except StudyError as error:
            return Listed(name, owner, title=name, fault=str(error))
        last = store.log.rows("SELECT at FROM event ORDER BY seq DESC LIMIT 1")
        return Listed(
            name,
            owner,
            study.title,
            store.phase,
            study.pilot,
            study.protocol.title,
            len(study.cases),
            len(study.readers),
            last[0][0],
        )

    def _free_name(self, title: str) -> str:
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
        stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_NAME].strip("-") or "study"
        name, number = stem, 2
        while (self.folder / name).exists():
            name, number = f"{stem}-{number}", number + 1
        return name
