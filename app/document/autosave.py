"""Documents on the disk of the server, so that a reload, a crash or a kill loses nothing.

    documents/<browser>/current            which document the browser has open
    documents/<browser>/<document>/saves/00000012.json   one moment: a manifest
    documents/<browser>/<document>/parts/<sha256>        its files, each written once

A save is there as a whole or not at all: parts first, the manifest last, every file flushed before
it gets its name. ``<browser>`` is a hash of the session cookie, names of files tell nothing of what
is in them. Nothing but these folders is ever written or removed.
"""

import contextlib
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.document import archive, steps
from app.document.project import (
    NAMED,
    THUMBNAIL,
    Document,
    ProjectUnreadable,
    become,
    parts_of,
    snapshot,
)
from app.document.project_reading import ProjectTooLarge, refuse_unreadable
from app.document.recovery import notice
from app.document.saves import number_of, owner, read_part, read_save, saves_of, size_of
from app.document.session import Session
from engine.errors import DiskFull, EngineError, NoRoom
from engine.files import NO_ROOM, check_room, write_whole

SAVES = 20  # of a document
MOST_BYTES = 4_000_000_000  # of all documents together; the oldest go first
MANIFEST = 100_000  # bytes that the list of the parts may take, and what points to it
KEPT = "What was saved before is kept. Free some space, or save the project elsewhere."
TOO_LARGE = (
    "the document is larger than can be opened again. What was saved before is kept. Delete states "
    "that you do not need."
)


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A document that can be opened again. Times are seconds since 1970."""

    doc: str
    title: str
    changed: float


class Documents:
    """The documents of all browsers in one folder. Raises :class:`EngineError` with a sentence."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES, *, each: bool = False):
        """``each``: the limit is one for every owner: nobody pushes out what is another's."""
        self.folder = folder
        self.each = each
        self.most_bytes = most_bytes
        self._lock = threading.Lock()
        self._locks: dict[str, threading.RLock] = {}  # by owner
        self._last: dict[str, tuple[str, list[dict[str, Any]], float]] = {}  # the newest saves
        # of what was written lately: id of the source -> the source, its entry without the name
        self._known: dict[str, dict[int, tuple[Any, dict[str, Any]]]] = {}

    def save(self, session: Session) -> float:
        """Write what changed; afterwards the newest save is ``session`` now. The time of it."""
        with self._of(session.id):
            document = snapshot(session)
            if not NAMED.fullmatch(document.doc):
                raise EngineError("its name is none that a document has. Reload the page.")
            home = self._home(session.id, document.doc)
            try:
                refuse_unreadable(document)
                for folder in (home / "parts", home / "saves"):
                    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                files = self._write_parts(home, document)
                archive.refuse_too_many(len(files), sum(file["size"] for file in files))
                last = self._last.get(str(home))
                if last and last[:2] == (document.title, files) and saves_of(home):
                    self._point(session.id, document.doc)
                    return last[2]
                changed = time.time()
                number = max((number_of(save) for save in saves_of(home)), default=0) + 1
                data = archive.manifest(document, files, changed)
                write_whole(home / "saves" / f"{number:08d}.json", data)
                self._point(session.id, document.doc)
                self._last[str(home)] = (document.title, files, changed)
            except ProjectTooLarge as error:
                raise EngineError(TOO_LARGE) from error
            except (EngineError, OSError) as error:
                raise reason(error) from error
            self._tidy(home)
        self._make_room(keep=home)
        return changed

    def open(self, session: Session, doc: str | None = None) -> bool:
        """Fill ``session`` with its current document, or with ``doc``; False where there is none.

        Where the newest save is damaged, the one before it is taken and ``session.notice`` says so,
        as it does of documents that were set aside.
        """
        found = self._open(session, doc)
        told = notice(self.folder / owner(session.id))
        if told is not None:
            session.notice = told if session.notice is None else f"{session.notice} {told}"
        return found

    def _open(self, session: Session, doc: str | None) -> bool:
        with self._of(session.id):
            doc = doc or self._current(session.id)
            if doc is None or not NAMED.fullmatch(doc):
                return False
            home = self._home(session.id, doc)
            saves = saves_of(home)
            for save in reversed(saves):
                try:
                    document, changed = read_save(home, save)
                except ProjectUnreadable as error:
                    newest = error if save == saves[-1] else None
                    session.notice = str(newest) if newest else session.notice
                    continue
                become(session, document)
                session.saved = changed
                session.notice = None
                if save != saves[-1]:
                    at = time.strftime("%H:%M:%S", time.localtime(changed))
                    session.notice = (
                        f"The newest save of this document was damaged. This is the one of {at}."
                    )
                with contextlib.suppress(EngineError, OSError):
                    self._point(session.id, doc)
                return True
            return False

    def has(self, id: str, doc: str) -> bool:
        """Whether the browser has saved a document of this name."""
        return bool(NAMED.fullmatch(doc)) and bool(saves_of(self._home(id, doc)))

    def keep_steps(self, id: str, doc: str, rev: int, packed: bytes) -> None:
        """Keep what can be taken back of a document that is saved (see ``steps``)."""
        with self._of(id):
            if self.has(id, doc):
                steps.keep(self._home(id, doc), rev, packed)

    def steps(self, id: str, doc: str, rev: int) -> bytes | None:
        """What can be taken back of revision ``rev`` of its drawing."""
        return steps.kept(self._home(id, doc), rev) if self.has(id, doc) else None

    def new(self, session: Session) -> None:
        """The browser has an empty document from now on; the former one stays."""
        with self._of(session.id), contextlib.suppress(EngineError, OSError):
            (self.folder / owner(session.id) / "current").unlink(missing_ok=True)

    def recent(self, id: str) -> list[Saved]:
        """The documents of a browser, newest first."""
        found = []
        mine = self.folder / owner(id)
        for home in sorted(mine.iterdir()) if mine.is_dir() else []:
            for save in reversed(saves_of(home)):
                try:
                    told = archive.read_manifest(save.read_bytes())
                except (ProjectUnreadable, OSError):
                    continue
                found.append(Saved(doc=home.name, title=told["title"], changed=told["changed"]))
                break
        return sorted(found, key=lambda saved: -saved.changed)

    def thumbnail(self, id: str, doc: str) -> bytes | None:
        home = self._home(id, doc) if NAMED.fullmatch(doc) else None
        for save in reversed(saves_of(home)) if home else []:
            with contextlib.suppress(ProjectUnreadable, OSError, KeyError):
                files = archive.read_manifest(save.read_bytes())["files"]
                return read_part(home, THUMBNAIL, files)  # pyright: ignore[reportArgumentType]
        return None

    def delete(self, id: str, doc: str) -> None:
        if NAMED.fullmatch(doc):
            with self._of(id):
                self._forget(self._home(id, doc))
                shutil.rmtree(self._home(id, doc), ignore_errors=True)

    def _forget(self, home: Path) -> None:
        """What is remembered of a document, its pictures with it."""
        self._last.pop(str(home), None)
        self._known.pop(str(home), None)

    def _of(self, id: str) -> threading.RLock:
        with self._lock:
            return self._locks.setdefault(owner(id), threading.RLock())

    def _home(self, id: str, doc: str) -> Path:
        return self.folder / owner(id) / doc

    def _current(self, id: str) -> str | None:
        try:
            return (self.folder / owner(id) / "current").read_text("ascii").strip()
        except (OSError, UnicodeError):
            return None

    def _point(self, id: str, doc: str) -> None:
        if self._current(id) != doc:
            write_whole(self.folder / owner(id) / "current", doc.encode("ascii"))

    def _write_parts(self, home: Path, document: Document) -> list[dict[str, Any]]:
        before, now = self._known.get(str(home), {}), {}
        files, new = [], {}
        for part in parts_of(document):
            known = before.get(id(part.source)) if part.source is not None else None
            if (
                known is not None
                and known[0] is part.source
                and (home / "parts" / known[1]["sha256"]).exists()
            ):
                found = known[1]
            else:
                data = part.make()
                found = archive.entry("", data)
                path = home / "parts" / found["sha256"]
                if not path.exists():
                    new[path] = data
            if part.source is not None:
                now[id(part.source)] = (part.source, found)
            files.append({**found, "name": part.name})
        check_room(
            home / "saves" / "next", sum(map(len, new.values())) + MANIFEST, "this save", KEPT
        )
        for path, data in new.items():
            write_whole(path, data)
        # Of one document of each browser only: the pictures of the others would stay in memory.
        for other in list(self._known):
            if Path(other).parent == home.parent:
                self._known.pop(other, None)
        self._known[str(home)] = now
        return files

    def _tidy(self, home: Path) -> None:
        """Keep the newest saves and their parts. What cannot be removed is tried again later."""
        saves = saves_of(home)
        if len(saves) <= SAVES:
            return
        with contextlib.suppress(OSError):
            for save in saves[:-SAVES]:
                save.unlink(missing_ok=True)
            used: set[str] = set()
            for save in saves[-SAVES:]:
                with contextlib.suppress(ProjectUnreadable):
                    files = archive.read_manifest(save.read_bytes())["files"]
                    used |= {digest for _, digest in files.values()}
            for part in (home / "parts").iterdir():
                if part.name not in used:
                    part.unlink(missing_ok=True)

    def _make_room(self, keep: Path) -> None:
        """Remove the oldest documents where all together are larger than the limit."""
        with self._lock, contextlib.suppress(OSError):
            found = keep.parent.glob("*/") if self.each else self.folder.glob("*/*/")
            homes = [home for home in found if (home / "saves").is_dir()]
            sizes = {home: size_of(home) for home in homes}
            total = sum(sizes.values())
            for home in sorted(homes, key=lambda home: (home / "saves").stat().st_mtime):
                if total <= self.most_bytes:
                    return
                lock = self._locks.setdefault(home.parent.name, threading.RLock())
                if home == keep or not lock.acquire(blocking=False):
                    continue  # somebody else's is being saved at this moment
                try:
                    self._forget(home)
                    shutil.rmtree(home, ignore_errors=True)
                    total -= sizes[home]
                finally:
                    lock.release()


def reason(error: BaseException) -> EngineError:
    """Why a document was not saved, to be read after "Not saved:"."""
    if isinstance(error, NoRoom):
        return NoRoom(str(error)[:1].lower() + str(error)[1:])
    code = getattr(error, "errno", None) or getattr(error.__cause__, "errno", None)
    if isinstance(error, DiskFull) or code in NO_ROOM:
        return DiskFull("the disk is full. Free some space, or save the project elsewhere.")
    return EngineError(
        "the folder of saved documents cannot be written. Save the project elsewhere."
    )
