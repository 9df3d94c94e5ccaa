"""The tables of a study file, their version, and how older files are brought up to it."""

import sqlite3

from app.studies.errors import StudyError

# One entry a version. An entry that was ever shipped is never changed; a new one is added.
MIGRATIONS = (
    """
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        client_at TEXT NOT NULL,
        mono_ms INTEGER NOT NULL,
        kind TEXT NOT NULL,
        reader_id TEXT NOT NULL,
        trial_id TEXT NOT NULL,
        question TEXT NOT NULL,
        value TEXT NOT NULL,
        old_value TEXT NOT NULL,
        reason TEXT NOT NULL,
        request_id TEXT NOT NULL,
        previous TEXT NOT NULL,
        hash TEXT NOT NULL UNIQUE
    );
    CREATE UNIQUE INDEX one_request ON event(request_id) WHERE request_id <> '';
    CREATE UNIQUE INDEX one_submit ON event(trial_id) WHERE kind = 'trial_submitted';
    CREATE TABLE trial (
        trial_id TEXT PRIMARY KEY,
        reader_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        session INTEGER NOT NULL,
        block INTEGER NOT NULL,
        part TEXT NOT NULL,
        practice INTEGER NOT NULL,
        left TEXT NOT NULL UNIQUE,
        right TEXT NOT NULL,
        UNIQUE (reader_id, position)
    );
    CREATE TABLE trial_truth (
        trial_id TEXT PRIMARY KEY REFERENCES trial(trial_id),
        left_case TEXT NOT NULL,
        right_case TEXT NOT NULL,
        stratum TEXT NOT NULL,
        repeat_of TEXT NOT NULL,
        catch INTEGER NOT NULL
    );
    CREATE TABLE picture (
        name TEXT PRIMARY KEY,
        reader_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        sha256 TEXT NOT NULL
    );
    CREATE TRIGGER event_update BEFORE UPDATE ON event
        BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
    CREATE TRIGGER event_delete BEFORE DELETE ON event
        BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;
    CREATE TRIGGER trial_update BEFORE UPDATE ON trial
        BEGIN SELECT RAISE(ABORT, 'the frozen order is never changed'); END;
    CREATE TRIGGER trial_delete BEFORE DELETE ON trial
        BEGIN SELECT RAISE(ABORT, 'the frozen order is never removed'); END;
    CREATE TRIGGER truth_update BEFORE UPDATE ON trial_truth
        BEGIN SELECT RAISE(ABORT, 'the frozen order is never changed'); END;
    CREATE TRIGGER truth_delete BEFORE DELETE ON trial_truth
        BEGIN SELECT RAISE(ABORT, 'the frozen order is never removed'); END;
    """,
    """
    CREATE INDEX event_of_trial ON event(trial_id, kind);
    CREATE INDEX event_of_reader ON event(reader_id, kind);
    CREATE INDEX event_of_kind ON event(kind, seq);
    """,
)
VERSION = len(MIGRATIONS)


def version_of(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file up to ``VERSION``, each step whole or not at all.

    Raises ``StudyError`` for a file that a newer program wrote; it is not touched.
    """
    found = version_of(connection)
    if found > VERSION:
        raise StudyError(
            f"This study was written by a newer version of the program (schema {found}, known up "
            f"to {VERSION}). Open it there; nothing was changed."
        )
    for number in range(found, VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;"
        )
