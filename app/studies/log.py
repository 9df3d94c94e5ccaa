"""The append-only log: rows with a hash chain in SQLite and the same rows in a text file.

SQLite with a rollback journal and synchronous EXTRA: when ``append`` returns, the row is on the
disk, and a killed process or a power cut leaves the file as it was after the last commit. The
text file is the second copy; what a crash kept out of it is added at the next opening.
"""

import errno
import hashlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.studies import schema
from app.studies.documents import canonical
from app.studies.errors import NotSaved, StudyError
from engine.files import check_room, write_whole

DATABASE = "study.sqlite"
MIRROR = "events.jsonl"
BACKUPS = "backups"
BACKUPS_KEPT = 10
GENESIS = "0" * 64
BUSY_SECONDS = 10.0
SYNCHRONOUS = "EXTRA"  # a commit returns when file and folder are on the disk
COLUMNS = (
    "seq, at, client_at, mono_ms, kind, reader_id, trial_id, question, value, old_value, reason, "
    "request_id, previous, hash"
)


@dataclass(frozen=True)
class Event:
    """One row. ``value`` and ``old_value`` are JSON texts; ``at`` is UTC by the server's clock.

    ``mono_ms`` is a clock that never goes back while the computer runs. The order of events is
    ``seq``, whatever any clock says.
    """

    kind: str
    reader_id: str = ""
    trial_id: str = ""
    question: str = ""
    value: str = "null"
    old_value: str = "null"
    reason: str = ""
    request_id: str = ""
    client_at: str = ""
    seq: int = 0
    at: str = ""
    mono_ms: int = 0
    previous: str = ""
    hash: str = ""

    @property
    def data(self) -> Any:
        return json.loads(self.value)


def hash_of(event: Event) -> str:
    """SHA-256 over the hash before and the canonical JSON of the row without its own hash."""
    row = {name: value for name, value in asdict(event).items() if name != "hash"}
    return hashlib.sha256((event.previous + canonical(row)).encode()).hexdigest()


def line_of(event: Event) -> str:
    return canonical(asdict(event)) + "\n"


class Log:
    """Opens, appends to and reads one study file. Safe for threads and for several processes."""

    def __init__(self, folder: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self.folder = folder
        self._clock = clock
        self._lock = threading.RLock()
        self._mirrored = (-1, 0)  # size of the mirror as this process left it, and its last seq
        self._connection = connect(folder / DATABASE)
        try:
            schema.migrate(self._connection)
            with self.writing():
                self._catch_up()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple]:
        """Answer a question of reading; the whole result at once."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def events(self, where: str = "1", values: Sequence[Any] = ()) -> list[Event]:
        """Events in their order. ``where`` is written in this package, never by a user."""
        found = self.rows(f"SELECT {COLUMNS} FROM event WHERE {where} ORDER BY seq", values)
        return [_event(row) for row in found]

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is on the disk and in the mirror afterwards, or none is.

        Raises ``NotSaved`` where the disk refuses.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.OperationalError as error:
                self._roll_back()
                raise NotSaved(
                    "The answer could not be written: the disk is full, or the study file is in "
                    "use or gone. Nothing was counted. Make room and press Submit again."
                ) from error
            except BaseException:
                self._roll_back()
                raise

    def append(self, connection: sqlite3.Connection, event: Event) -> Event:
        """Add one row inside ``writing``; returns it with its number, times and hashes."""
        last = connection.execute(
            "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        seq, previous = last or (0, GENESIS)
        whole = replace(
            event,
            seq=seq + 1,
            at=self._clock().isoformat(timespec="milliseconds"),
            mono_ms=time.monotonic_ns() // 1_000_000,
            previous=previous,
        )
        whole = replace(whole, hash=hash_of(whole))
        insert(connection, whole)
        return whole

    def append_alone(self, event: Event) -> Event:
        """One row in a transaction of its own, durable in both copies when this returns."""
        with self.writing() as connection:
            written = self.append(connection, event)
        self.mirror()
        return written

    def mirror(self) -> None:
        """Write what the text file lacks and flush it to the disk; called before every answer
        is acknowledged. The lock of SQLite keeps two processes apart."""
        with self.writing():
            self._catch_up()

    def back_up(self) -> Path:
        """Copy the whole file to ``backups/``; the newest ten are kept.

        Raises ``EngineError`` where the disk has no room or refuses: then the backups of before
        are there still, and no half one.
        """
        folder = self.folder / BACKUPS
        folder.mkdir(exist_ok=True)
        with self._lock:
            seq = self.rows("SELECT coalesce(max(seq), 0) FROM event")[0][0]
            whole = self._connection.serialize()
        target = folder / f"study-{seq:09d}.sqlite"
        check_room(target, len(whole), "this backup", "No answer is lost. Free some space.")
        write_whole(target, whole)
        for old in sorted(folder.glob("study-*.sqlite"))[:-BACKUPS_KEPT]:
            old.unlink()
        return target

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _last_mirrored(self, path: Path) -> int:
        """The number of the last row of the text copy, which must be a row of this file.

        It is not after an older file was put back; going on would begin a second history.
        """
        event = _last_whole_line(path)
        if event is None:
            return 0
        if self.rows("SELECT hash FROM event WHERE seq = ?", (event.seq,)) != [(event.hash,)]:
            raise StudyError(
                f"{MIRROR} knows an event {event.seq} that {DATABASE} does not hold, so one of "
                "them was put back or changed. Nothing was written. Run python -m app.studies "
                "verify, or python -m app.studies rebuild to make a study from the text copy."
            )
        return event.seq

    def _catch_up(self) -> None:
        path = self.folder / MIRROR
        size = path.stat().st_size if path.exists() else 0
        last = self._mirrored[1] if size == self._mirrored[0] else self._last_mirrored(path)
        missing = self.events("seq > ?", (last,))
        if not missing:
            self._mirrored = (path.stat().st_size if path.exists() else 0, last)
            return
        text = "".join(line_of(event) for event in missing).encode()
        try:
            with path.open("ab") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                self._mirrored = (file.tell(), missing[-1].seq)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise NotSaved(
                f"The second copy of the answers could not be written{full * ': the disk is full'}."
                " The first copy is whole. Make room and press Submit again; nothing is counted "
                "twice."
            ) from error


def connect(path: Path) -> sqlite3.Connection:
    """Open a study file with the settings that make an acknowledged answer durable."""
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise StudyError(
            f"'{path.name}' is not a study file or is damaged. Its text copy {MIRROR} can make it "
            "new: python -m app.studies rebuild."
        ) from error
    return connection


def insert(connection: sqlite3.Connection, event: Event) -> None:
    """Add a finished row as it is."""
    names = [name.strip() for name in COLUMNS.split(",")]
    places = ", ".join("?" for _ in names)
    connection.execute(
        f"INSERT INTO event ({COLUMNS}) VALUES ({places})", [getattr(event, n) for n in names]
    )


def read_mirror(path: Path) -> tuple[list[Event | None], bool]:
    """The lines of a text copy, None for one that is no event, and whether its end is cut off."""
    text = path.read_bytes()
    *whole, rest = text.split(b"\n")
    return [_from_line(line) for line in whole], bool(rest)


def _from_line(line: bytes) -> Event | None:
    try:
        return Event(**json.loads(line))
    except (ValueError, TypeError):
        return None


def _event(row: tuple) -> Event:
    return Event(**dict(zip((name.strip() for name in COLUMNS.split(",")), row, strict=True)))


def _last_whole_line(path: Path) -> Event | None:
    """The last whole row of the mirror; a row that a crash cut off is dropped."""
    if not path.exists():
        return None
    text = path.read_bytes()
    end = text.rfind(b"\n") + 1
    if end < len(text):
        os.truncate(path, end)
    event = _from_line(text[:end].splitlines()[-1]) if end else None
    if end and event is None:
        raise StudyError(
            f"The last line of {MIRROR} was changed by hand and cannot be read. Nothing was "
            "written. Run python -m app.studies verify, then put the file back from a backup."
        )
    return event
