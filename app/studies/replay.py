"""Tables from the log, ``verify`` and ``rebuild``."""

import hashlib
import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path

from app.studies import schema
from app.studies.design import Design, design_from, differences
from app.studies.drives import refuse_network_drive
from app.studies.errors import StudyError
from app.studies.log import (
    COLUMNS,
    DATABASE,
    GENESIS,
    MIRROR,
    Event,
    connect,
    hash_of,
    insert,
    line_of,
    read_mirror,
)
from app.studies.masks import MASKS

TABLES = ("trial", "trial_truth", "picture")


@dataclass(frozen=True)
class Fault:
    """One place where a study is not as it was written. ``where`` names file and row."""

    where: str
    what: str


def materialise(connection: sqlite3.Connection, frozen: Event) -> None:
    """Write the tables of the stored order from the ``frozen`` event."""
    for table, rows in _tables(design_from(frozen.data["design"])).items():
        for row in rows:
            places = ", ".join("?" for _ in row)
            connection.execute(f"INSERT INTO {table} VALUES ({places})", row)


def _tables(design: Design) -> dict[str, list[tuple]]:
    checksums = {case.case_id: case.sha256 for case in design.study.cases}
    rows: dict[str, list[tuple]] = {table: [] for table in TABLES}
    for one in design.trials:
        place = (one.trial_id, one.reader_id, one.position, one.session, one.block, one.part)
        rows["trial"].append((*place, int(one.practice), one.left, one.right))
        truth = (one.left_case, one.right_case, one.stratum, one.repeat_of, int(one.catch))
        rows["trial_truth"].append((one.trial_id, *truth))
        for name, case in ((one.left, one.left_case), (one.right, one.right_case)):
            if name:
                rows["picture"].append((name, one.reader_id, one.position, checksums[case]))
    return rows


def verify(folder: Path) -> list[Fault]:
    """Every place where the study differs from what was written; empty for an intact one.

    Reads only. Checks the file's own structure, the hash chain, the text copy against the rows,
    the tables against the frozen design, the design against its seed, the pictures and masks.
    """
    if not (folder / DATABASE).exists():
        raise StudyError(f"There is no {DATABASE} in '{folder.name}'.")
    try:
        connection = sqlite3.connect(f"file:{folder / DATABASE}?mode=ro", uri=True)
        with connection:
            whole = connection.execute("PRAGMA integrity_check").fetchone()[0]
            if whole != "ok":
                return [Fault(DATABASE, f"The file is damaged: {whole}")]
            if schema.version_of(connection) > schema.VERSION:
                raise StudyError("This study was written by a newer version of the program.")
            names = [name.strip() for name in COLUMNS.split(",")]
            rows = connection.execute(f"SELECT {COLUMNS} FROM event ORDER BY seq").fetchall()
            events = [Event(**dict(zip(names, row, strict=True))) for row in rows]
            tables = {t: connection.execute(f"SELECT * FROM {t}").fetchall() for t in TABLES}
        connection.close()
    except sqlite3.DatabaseError as error:
        return [Fault(DATABASE, f"The file cannot be read: {error}")]
    faults = _chain_faults(events) + _mirror_faults(folder / MIRROR, events)
    frozen = [event for event in events if event.kind == "frozen"]
    if frozen and hash_of(frozen[0]) == frozen[0].hash:
        faults += _design_faults(folder, frozen[0], tables)
    return faults


def _place(event: Event) -> str:
    words = [event.kind, event.trial_id or event.reader_id, event.question]
    return f"event {event.seq} ({', '.join(word for word in words if word)})"


def _chain_faults(events: list[Event]) -> list[Fault]:
    faults = []
    previous = GENESIS
    for number, event in enumerate(events, start=1):
        where = f"{DATABASE}, {_place(event)}"
        if event.seq != number:
            faults.append(Fault(where, f"Event {number} is missing."))
            return faults
        if event.previous != previous:
            faults.append(Fault(where, "It does not follow the event before it."))
        if hash_of(event) != event.hash:
            faults.append(Fault(where, "Its content was changed after it was written."))
        previous = event.hash
    return faults


def _mirror_faults(path: Path, events: list[Event]) -> list[Fault]:
    if not path.exists():
        return [Fault(MIRROR, "The text copy is missing.")]
    lines, cut = read_mirror(path)
    faults = []
    for number, (line, event) in enumerate(zip(lines, events, strict=False), start=1):
        where = f"{MIRROR}, line {number}"
        if line is None:
            faults.append(Fault(where, "It is not a row of the log."))
        elif line != event:
            here, there = asdict(line), asdict(event)
            named = [name for name in there if here[name] != there[name]]
            whole = [
                name
                for name, one in ((MIRROR, line), (DATABASE, event))
                if hash_of(one) == one.hash
            ]
            judged = f"the one in {whole[0]} has its own checksum" if len(whole) == 1 else ""
            judged = judged or "both or neither have their checksum"
            what = f"It differs from {_place(event)} in {', '.join(named)}: {judged}."
            faults.append(Fault(where, what))
    if len(lines) > len(events):
        faults.append(
            Fault(MIRROR, f"It has {len(lines)} lines and {DATABASE} {len(events)} events.")
        )
    if len(lines) < len(events):
        missing = f"The last {len(events) - len(lines)} events are not in it yet"
        faults.append(Fault(MIRROR, f"{missing}; opening the study adds them."))
    if cut:
        faults.append(Fault(MIRROR, "Its last line is cut off; opening the study mends it."))
    return faults


def _design_faults(folder: Path, frozen: Event, tables: dict[str, list[tuple]]) -> list[Fault]:
    design = design_from(frozen.data["design"])
    faults = []
    if design.sha256 != frozen.data["sha256"]:
        faults.append(Fault(_place(frozen), "The design does not have the hash of its freeze."))
    for table, rows in _tables(design).items():
        found = set(tables[table])
        wrong = [row[0] for row in rows if row not in found]
        if wrong or len(rows) != len(tables[table]):
            where = f"{DATABASE}, table {table}" + (f", row {wrong[0]}" if wrong else "")
            faults.append(Fault(where, "It differs from the frozen design."))
    faults += [Fault("design", sentence) for sentence in differences(design)[:5]]
    return faults + _picture_faults(folder, design)


def _picture_faults(folder: Path, design: Design) -> list[Fault]:
    cases = design.study.cases
    pictures = {case.sha256 for case in cases} - {""}
    edits = {case.mask for case in cases} - {""}
    return [
        *_file_faults(folder / "pictures", pictures, "picture"),
        *_file_faults(folder / MASKS, edits, "mask of an edit"),
    ]


def _file_faults(folder: Path, checksums: set[str], what: str) -> list[Fault]:
    faults = []
    for sha256 in sorted(checksums):
        path = folder / f"{sha256}.png"
        if not path.exists():
            faults.append(Fault(f"{folder.name}/{path.name}", f"The {what} is missing."))
        elif hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            faults.append(Fault(f"{folder.name}/{path.name}", f"The {what} was changed."))
    return faults


def rebuild(mirror: Path, folder: Path) -> int:
    """Make a study file in ``folder`` from a text copy alone; returns the number of events.

    A last line that a crash cut off is left out. Raises ``StudyError`` for a copy whose chain is
    broken, naming the line; nothing is written then.
    """
    refuse_network_drive(folder)
    if (folder / DATABASE).exists():
        raise StudyError(f"There is a {DATABASE} in '{folder.name}'. Choose an empty folder.")
    events = _whole_chain(mirror)
    folder.mkdir(parents=True, exist_ok=True)
    connection = connect(folder / DATABASE)
    schema.migrate(connection)
    connection.execute("BEGIN IMMEDIATE")
    for event in events:
        insert(connection, event)
        if event.kind == "frozen":
            materialise(connection, event)
    connection.execute("COMMIT")
    connection.close()
    if mirror.resolve() != (folder / MIRROR).resolve():
        (folder / MIRROR).write_text("".join(map(line_of, events)), "utf-8", newline="\n")
    return len(events)


def _whole_chain(mirror: Path) -> list[Event]:
    if not mirror.exists():
        raise StudyError(f"There is no text copy '{mirror.name}' here.")
    lines, _ = read_mirror(mirror)
    events = []
    previous = GENESIS
    for number, line in enumerate(lines, start=1):
        if line is None or line.previous != previous or hash_of(line) != line.hash:
            raise StudyError(
                f"Line {number} of '{mirror.name}' was changed or lost, so the study cannot be "
                "made new from it. Use a backup, or the copy of another place."
            )
        events.append(line)
        previous = line.hash
    if not events:
        raise StudyError(f"'{mirror.name}' holds no event.")
    return events
