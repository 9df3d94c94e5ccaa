"""One study in one folder: phases, the reader's side, the investigator's side.

The log is the truth; the tables beside it are made from its ``frozen`` event and can be made
again. Readers are answered from ``trial`` and from questions of the protocol only.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.studies.answers import Given, current_answers, keep, open_part, open_trials, phase_of
from app.studies.codes import code_matches, hash_code, new_code
from app.studies.design import Design, design_from, make_design
from app.studies.documents import canonical, from_document, to_document
from app.studies.drives import refuse_network_drive
from app.studies.errors import StudyError
from app.studies.log import DATABASE, MIRROR, Event, Log
from app.studies.model import FINDING, PHASES, Part, Question, Reading, Study
from app.studies.monitoring import catch_failures, progress_of, readings_of
from app.studies.replay import materialise
from app.studies.views import Progress, ReaderTrial, Saved
from engine.errors import EngineError

PICTURES = "pictures"
FROZEN = "The study is frozen; its design cannot change. Amend it instead."
OTHER_TAB = (
    "This study was changed elsewhere in the meantime, perhaps in another tab. Nothing of yours "
    "was saved. Reload the page and make the change again."
)
TAKEN = "There is a study in this folder. Open it, or choose an empty folder."
# What a reader's browser may report without it being an answer.
NOTES = (
    "signed_in",
    "consented",
    "display_checked",
    "picture_loaded",
    "window_changed",
    "zoomed",
    "paused",
    "resumed",
    "hidden",
    "finished",
)
# What the investigator's pages record. None of it changes design or phase.
RECORDS = ("previewed", "prepared", "checked", "pilot_begun", "verified")


def create(
    folder: Path, study: Study, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> "Store":
    """Begin a study in ``folder``, which is made and must not hold one. Its phase is draft."""
    refuse_network_drive(folder)
    if (folder / MIRROR).exists():
        raise StudyError(TAKEN)
    folder.mkdir(parents=True, exist_ok=True)
    log = Log(folder, clock)
    with log.writing() as connection:
        if log.rows("SELECT 1 FROM event LIMIT 1"):  # else a creation was broken off here
            raise StudyError(TAKEN)
        value = canonical({"from": "", "to": "draft", "by": ""})
        log.append(connection, Event("phase", value=value))
        log.append(connection, Event("draft", value=canonical(to_document(study))))
    log.mirror()
    return Store(log)


def open_store(folder: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> "Store":
    """Open the study in ``folder``. What a crash kept out of the text copy is added to it."""
    refuse_network_drive(folder)
    if not (folder / DATABASE).exists():
        raise StudyError(
            f"There is no study in '{folder.name}'. If its {MIRROR} is there, make the study new "
            "with python -m app.studies rebuild."
        )
    log = Log(folder, clock)
    if not log.rows("SELECT 1 FROM event LIMIT 1"):
        log.close()
        raise StudyError("The study in this folder was never finished making. Create it again.")
    return Store(log)


class Store:
    """Use ``create`` or ``open_store``. Every method is one transaction and safe for threads."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._design: Design | None = None

    @property
    def folder(self) -> Path:
        return self._log.folder

    @property
    def log(self) -> Log:
        return self._log

    def close_file(self) -> None:
        self._log.close()

    # Phases -----------------------------------------------------------------------------------

    @property
    def phase(self) -> str:
        return phase_of(self._log)

    def study(self) -> Study:
        """The study as frozen, or the newest draft."""
        if self.phase != "draft":
            return self.design().study
        last = self._log.events("kind = 'draft'")[-1]
        return from_document(Study, last.data, "The study")

    def design(self) -> Design:
        """The frozen design, as stored. Raises ``StudyError`` in a draft."""
        if self._design is None:
            frozen = self._log.events("kind = 'frozen'")
            if not frozen:
                raise StudyError("The study is still a draft. Freeze it first.")
            self._design = design_from(frozen[0].data["design"])
        return self._design

    @property
    def version(self) -> int:
        """The number of the newest event that changed draft or phase: what a page has seen."""
        rows = self._log.rows("SELECT max(seq) FROM event WHERE kind IN ('draft', 'phase')")
        return rows[0][0]

    def save_draft(self, study: Study, seen: int | None = None) -> int:
        """Keep a changed draft and return its version.

        ``seen`` is the ``version`` that the change began from; where another tab or person saved
        in between, this raises ``StudyError`` and keeps theirs.
        """
        with self._log.writing() as connection:  # checked inside: two may save at once
            self._require("draft", FROZEN)
            if seen is not None and seen != self.version:
                raise StudyError(OTHER_TAB)
            self._log.append(connection, Event("draft", value=canonical(to_document(study))))
        self._log.mirror()
        return self.version

    def freeze(self) -> str:
        """Make the design, store every order, and return the SHA-256 of the design."""
        self._require("draft", "The study is frozen already.")
        seen = self.version
        design = make_design(self.study())
        document = {"design": to_document(design), "sha256": design.sha256}
        with self._log.writing() as connection:
            if seen != self.version:  # another tab froze or saved while the orders were drawn
                raise StudyError(OTHER_TAB)
            event = self._log.append(connection, Event("frozen", value=canonical(document)))
            materialise(connection, event)
            self._move(connection, "frozen")
        self._log.mirror()
        return design.sha256

    def open_reading(self) -> None:
        self._step("open")

    def close_reading(self, by: str) -> None:
        self._step("closed", by)
        try:
            self.back_up()
        except (OSError, sqlite3.Error, EngineError) as error:
            raise StudyError(
                "The study is closed and every answer is kept, but no backup could be made. "
                f"{error} Then press Back up now."
            ) from error

    def unblind(self, by: str) -> None:
        """Give the investigator the truth. Logged; nothing can be answered afterwards."""
        self._step("unblinded", by)

    def amend(self, reason: str, change: Mapping[str, Any]) -> None:
        """Record a change of plan after the freeze. The frozen design stays as it is; the
        report prints both."""
        if self.phase == "draft":
            raise StudyError("A draft can be changed directly; there is nothing to amend.")
        self._need_reason(reason)
        self._write(Event("amended", value=canonical(dict(change)), reason=reason))

    def exclude_reader(self, reader_id: str, reason: str) -> None:
        """Leave a reader out of the analysis. The answers stay."""
        self._known_reader(reader_id)
        self._need_reason(reason)
        self._write(Event("reader_excluded", reader_id=reader_id, reason=reason))

    # Readers ----------------------------------------------------------------------------------

    def issue_codes(self, only: Sequence[str] = ()) -> dict[str, str]:
        """New one-time-shown codes, by reader; only their hashes are kept. Old ones end.

        ``only`` names readers who get a new one, for a card that was lost; the others' stay.
        """
        readers = [reader.reader_id for reader in self.study().readers]
        for reader_id in only:
            self._known_reader(reader_id)
        codes = {one: new_code(one) for one in (only or readers)}
        kept = {one: stored for one, stored in self.hashes().items() if one in readers and only}
        hashes = {reader_id: hash_code(code) for reader_id, code in codes.items()}
        self._write(Event("codes_issued", value=canonical({**kept, **hashes})))
        return codes

    def hashes(self) -> dict[str, str]:
        """The hashes of the codes that are good now, by reader."""
        issued = self._log.events("kind = 'codes_issued'")
        return issued[-1].data if issued else {}

    def sign_in(self, code: str) -> str:
        """The reader whose code this is; raises ``StudyError`` for any other text."""
        hashes = self.hashes()
        for reader_id, stored in hashes.items():
            if code_matches(code, reader_id, stored):
                return reader_id
        raise StudyError("This code is not known. Check the card; letters and digits only.")

    def for_reader(self, reader_id: str) -> ReaderTrial | None:
        """The reader's open trial, or None when all are done. The same after any restart."""
        self._require("open", "The study is not open for reading.")
        rows = open_trials(self._log, reader_id)
        if not rows:
            self._known_reader(reader_id)
            return None
        now, after = rows[0], rows[1] if len(rows) > 1 else None
        before = self._log.rows(
            "SELECT session, block, part FROM trial WHERE reader_id = ? AND position = ?",
            (reader_id, now[1] - 1),
        )
        old = before[0] if before else (0, 0, "")
        protocol = self.design().study.protocol
        part = protocol.part(now[4])
        count = self._log.rows("SELECT count(*) FROM trial WHERE reader_id = ?", (reader_id,))
        return ReaderTrial(
            trial_id=now[0],
            number=now[1],
            count=count[0][0],
            part=[one.name for one in protocol.parts].index(part.name) + 1,
            parts=len(protocol.parts),
            kind=part.kind,
            session=now[2],
            block=now[3],
            practice=bool(now[5]),
            starts_part=part.name != old[2],
            starts_block=now[3] != old[1],
            starts_session=now[2] != old[0],
            before=part.before if part.name != old[2] else "",
            pictures=tuple(name for name in now[6:8] if name),
            next_pictures=tuple(name for name in after[6:8] if name) if after else (),
            questions=self._questions(part, now[0]),
            answers=self.answers(now[0]),
        )

    def _questions(self, part: Part, trial_id: str) -> tuple[Question, ...]:
        """As they are asked here. Only a protocol that names the finding is told the finding."""
        if part.kind == "pair" or not any(FINDING in one.text for one in part.questions):
            return part.questions
        sql = "SELECT left_case, right_case FROM trial_truth WHERE trial_id = ?"
        names = self._log.rows(sql, (trial_id,))[0]
        cases = [case for case in self.design().study.cases if case.case_id in names]
        edited = [case for case in cases if case.edit_of] or cases
        return tuple(replace(one, text=one.asked(edited[0].finding)) for one in part.questions)

    def picture(self, reader_id: str, name: str) -> Path:
        """The file behind a name that this reader is shown now or next; no other is given."""
        shown = self.for_reader(reader_id)
        allowed = (*shown.pictures, *shown.next_pictures) if shown else ()
        rows = self._log.rows("SELECT sha256 FROM picture WHERE name = ?", (name,))
        if name not in allowed or not rows or not rows[0][0]:
            raise StudyError("There is no such picture.")
        return self.folder / PICTURES / f"{rows[0][0]}.png"

    def answers(self, trial_id: str) -> dict[str, Any]:
        """The current answers of a trial, by question."""
        return current_answers(self._log, trial_id)

    def note(self, reader_id: str, kind: str, value: Any, client_at: str = "") -> Saved:
        """Record what happens around the answers: consent, display, pauses."""
        if kind not in NOTES:
            raise StudyError("This cannot be noted in a study.")
        self._known_reader(reader_id)
        event = Event(kind, reader_id=reader_id, value=canonical(value), client_at=client_at)
        return self._write(event)

    def show(self, reader_id: str, trial_id: str) -> Saved:
        """Record that the pictures of the open trial are on the reader's screen."""
        open_part(self._log, reader_id, trial_id)
        return self._write(Event("trial_shown", reader_id=reader_id, trial_id=trial_id))

    def answer(
        self, reader_id: str, trial_id: str, question: str, value: Any, request_id: str
    ) -> Saved:
        """Keep one answer of the open trial. A change is a new row beside the old one.

        ``request_id`` is made by the browser; the same one again changes nothing. When this
        returns, the answer is on the disk in both copies.
        """
        given = Given(reader_id, trial_id, {question: value}, request_id, submits=False)
        return keep(self._log, self.design().study.protocol, given)

    def submit(
        self,
        reader_id: str,
        trial_id: str,
        answers: Mapping[str, Any],
        request_id: str,
        client_at: str = "",
    ) -> Saved:
        """Keep the answers and close the trial, all in one transaction, exactly once.

        A second press, a second tab or a repeated request with the same answers gets the first
        acknowledgement again; with other answers it is refused and the first ones stand.
        """
        given = Given(reader_id, trial_id, answers, request_id, True, client_at)
        saved = keep(self._log, self.design().study.protocol, given)
        if not saved.again and self._ends_session(reader_id, trial_id):
            # The answer is safe twice already; the monitor shows how old the newest backup is.
            with suppress(OSError, sqlite3.Error, EngineError):
                self.back_up()
        return saved

    def _ends_session(self, reader_id: str, trial_id: str) -> bool:
        """Whether no trial of the reader's session is left after this one."""
        rows = open_trials(self._log, reader_id)
        this = self._log.rows("SELECT session FROM trial WHERE trial_id = ?", (trial_id,))
        return not rows or rows[0][2] != this[0][0]

    # Investigator -----------------------------------------------------------------------------

    def record(self, kind: str, value: Any) -> Saved:
        """Keep what the investigator did or was told: previews, checks, pilots."""
        if kind not in RECORDS:
            raise StudyError("This cannot be recorded in a study.")
        return self._write(Event(kind, value=canonical(value)))

    def back_up(self) -> Path:
        """Copy the study file to its backups: at the end of every session, and at the close."""
        return self._log.back_up()

    def progress(self) -> list[Progress]:
        """The monitor: done, times, catch trials. Accuracy is not computed before the end."""
        study = self.study()
        failed = {} if self.phase == "draft" else self._catch_failures()
        return progress_of(self._log, study, failed, set(self.excluded()))

    def excluded(self) -> dict[str, str]:
        """Readers left out of the analysis, with the reason."""
        events = self._log.events("kind = 'reader_excluded'")
        return {event.reader_id: event.reason for event in events}

    def readings(self) -> list[Reading]:
        """Current answers of submitted trials in the stored order. Only when closed."""
        if self.phase not in ("closed", "unblinded"):
            raise StudyError("Answers are given out when the study is closed, not before.")
        return readings_of(self._log)

    def _catch_failures(self) -> dict[str, int]:
        return catch_failures(self.design(), readings_of(self._log))

    # Inside -----------------------------------------------------------------------------------

    def _write(self, event: Event) -> Saved:
        written = self._log.append_alone(event)
        return Saved(written.seq, written.at, False)

    def _step(self, to: str, by: str = "") -> None:
        with self._log.writing() as connection:
            self._move(connection, to, by)
        self._log.mirror()

    def _move(self, connection: sqlite3.Connection, to: str, by: str = "") -> None:
        """One phase on; never back, never over one."""
        now = self.phase
        if PHASES.index(to) != PHASES.index(now) + 1:
            raise StudyError(
                f"A study goes from {' to '.join(PHASES)}, one step at a time and never back. "
                f"It is {now} and cannot become {to}."
            )
        value = canonical({"from": now, "to": to, "by": by})
        self._log.append(connection, Event("phase", value=value))

    def _require(self, phase: str, sentence: str) -> None:
        if self.phase != phase:
            raise StudyError(sentence)

    def _need_reason(self, reason: str) -> None:
        if not reason.strip():
            raise StudyError("Write the reason; it is printed in the report.")

    def _known_reader(self, reader_id: str) -> None:
        if reader_id not in {reader.reader_id for reader in self.study().readers}:
            raise StudyError("This reader is not part of the study.")
