"""The reading room: who may come in with which code, which tab holds the pen, what it is shown.

What a browser is given comes from ``Store.for_reader`` and from words of the protocol. Whoever asks
for anything else gets ``NotHere``, whether it exists or not.
"""

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.studies.documents import to_document
from app.studies.errors import StudyError
from app.studies.feedback import feedback_for
from app.studies.shelf import Shelf
from app.studies.store import Store
from app.studies.views import ReaderTrial, Saved

LEASE_SECONDS = 25.0  # after which a tab that is silent has let go of the pen
CODES_AT_ONCE = 4  # checked at the same time; each takes 16 MB
LONGEST_NAME = 64  # of the numbers that a browser makes
LONGEST_NOTE = 2000  # characters
NOTES = ("consented", "display_checked", "window_changed", "paused", "resumed", "hidden")
UNKNOWN = "This code is not known. Check the card; letters and digits only."


class NotHere(StudyError):
    """There is nothing for this browser: the same words for whatever was asked."""

    def __init__(self) -> None:
        super().__init__("There is nothing here. Enter your reader code.")


class Elsewhere(StudyError):
    """Another tab or computer holds the pen."""

    def __init__(self) -> None:
        super().__init__(
            "This reading is open in another tab or on another computer. Your answers there are "
            "safe. Go on here to take it over."
        )


@dataclass(frozen=True)
class Seat:
    """One reader of one open study, as the token of the browser says."""

    store: Store
    study: str
    reader_id: str
    since: int  # seq of the event by which the reader came in


@dataclass
class _Pen:
    tab: str
    seen: float


class ReadingRoom:
    """All readers of all open studies on a shelf. Safe for threads; a restart loses nothing."""

    def __init__(self, shelf: Shelf, clock: Callable[[], float] = time.monotonic) -> None:
        self._shelf = shelf
        self._clock = clock
        self._lock = threading.Lock()
        self._codes = threading.BoundedSemaphore(CODES_AT_ONCE)
        self._seats: dict[str, tuple[str, str, int, str]] = {}
        self._pens: dict[tuple[str, str], _Pen] = {}

    # Coming in --------------------------------------------------------------------------------

    def enter(self, code: str) -> str:
        """The token for a reader code; only its digest is kept. One answer for all that is not
        the code of an open study."""
        for _, store in self._open():
            try:
                with self._codes:
                    reader_id = store.sign_in(code)
            except StudyError:
                continue
            token = secrets.token_urlsafe(32)
            told = {"session": _digest(token), "card": _card(store, reader_id)}
            store.note(reader_id, "signed_in", told)
            return token
        raise StudyError(UNKNOWN)

    def seat(self, token: str) -> Seat:
        """The reader behind a token, while the study is open and the card was not replaced."""
        digest = _digest(token)
        known = self._seats.get(digest) or self._found(digest)
        if known is None:
            raise NotHere
        name, reader_id, since, card = known
        try:
            store = self._shelf.store(name)
        except StudyError:
            raise NotHere from None
        if store.phase != "open" or _card(store, reader_id) != card:
            self._seats.pop(digest, None)
            raise NotHere
        self._seats[digest] = known
        return Seat(store, name, reader_id, since)

    def knows(self, token: str) -> bool:
        """Whether this token was good when it was last looked at. Asks no study."""
        return bool(token) and _digest(token) in self._seats

    def has(self, token: str) -> bool:
        """Whether there is a seat for this token now."""
        try:
            self.seat(token)
        except NotHere:
            return False
        return True

    def _found(self, digest: str) -> tuple[str, str, int, str] | None:
        for name, store in self._open():
            for event in store.log.events("kind = 'signed_in'"):
                told = event.data
                if isinstance(told, dict) and told.get("session") == digest:
                    return name, event.reader_id, event.seq, told["card"]
        return None

    def _open(self) -> list[tuple[str, Store]]:
        found = []
        for name in self._shelf.names():
            try:
                store = self._shelf.store(name)
                if store.phase == "open":
                    found.append((name, store))
            except StudyError:  # one that is damaged does not keep out the readers of others
                continue
        return found

    # The pen ----------------------------------------------------------------------------------

    def holds(self, seat: Seat, tab: str, *, take: bool = False) -> bool:
        """Whether this tab may write: if nobody else does, or if it takes over."""
        _check_name(tab)
        key, now = (seat.study, seat.reader_id), self._clock()
        with self._lock:
            pen = self._pens.get(key)
            if pen is None or pen.tab == tab or take or now - pen.seen > LEASE_SECONDS:
                self._pens[key] = _Pen(tab, now)
                return True
        return False

    def leave(self, seat: Seat, tab: str) -> None:
        """The tab is closed or reloaded."""
        _check_name(tab)
        with self._lock:
            pen = self._pens.get((seat.study, seat.reader_id))
            if pen is not None and pen.tab == tab:
                del self._pens[(seat.study, seat.reader_id)]

    def _need_pen(self, seat: Seat, tab: str) -> None:
        if not self.holds(seat, tab):
            raise Elsewhere

    # What is shown ----------------------------------------------------------------------------

    def state(self, seat: Seat, tab: str, *, take: bool = False) -> dict[str, Any]:
        """What the page shows now. It depends on the order and the protocol, never on truth."""
        writes = self.holds(seat, tab, take=take)
        study = seat.store.design().study
        head = {
            "title": study.shown_title,
            "reader": seat.reader_id,
            "tag": _tag(seat),
            "pilot": study.pilot,
            "writes": writes,
        }
        events = seat.store.log.events(
            "reader_id = ? AND kind IN ('consented', 'display_checked')", (seat.reader_id,)
        )
        if not any(event.kind == "consented" for event in events):
            return {**head, "stage": "consent", "text": study.protocol.consent}
        if not any(event.seq > seat.since for event in events if event.kind == "display_checked"):
            return {**head, "stage": "display"}
        trial = seat.store.for_reader(seat.reader_id)
        if trial is None:
            return {**head, "stage": "finished", "text": study.protocol.finish}
        shown = _shown(seat.store, trial)
        return {**head, "stage": "trial", "text": study.protocol.instructions, "trial": shown}

    def picture(self, seat: Seat, name: str) -> bytes:
        """The file of a picture that this reader is shown now or next."""
        try:
            return seat.store.picture(seat.reader_id, name).read_bytes()
        except (StudyError, OSError):
            raise NotHere from None

    # What is kept -----------------------------------------------------------------------------

    def show(self, seat: Seat, tab: str, trial_id: str) -> Saved:
        self._need_pen(seat, tab)
        return seat.store.show(seat.reader_id, trial_id)

    def answer(
        self, seat: Seat, tab: str, trial_id: str, question: str, value: Any, request: str
    ) -> Saved:
        self._need_pen(seat, tab)
        number = _request(seat, request)
        return seat.store.answer(seat.reader_id, trial_id, question, value, number)

    def submit(
        self,
        seat: Seat,
        tab: str,
        trial_id: str,
        answers: Mapping[str, Any],
        request: str,
        client_at: str,
    ) -> tuple[Saved, str]:
        """The acknowledgement, and after practice what the pictures were if the protocol says."""
        self._need_pen(seat, tab)
        number = _request(seat, request)
        saved = seat.store.submit(seat.reader_id, trial_id, answers, number, client_at[:64])
        return saved, feedback_for(seat.store.design(), trial_id)

    def note(self, seat: Seat, tab: str, kind: str, value: Any) -> Saved:
        self._need_pen(seat, tab)
        if kind not in NOTES or len(str(value)) > LONGEST_NOTE:
            raise StudyError("This cannot be noted in a study.")
        return seat.store.note(seat.reader_id, kind, value)


def _shown(store: Store, trial: ReaderTrial) -> dict[str, Any]:
    shown = to_document(trial)
    part = store.design().study.protocol.parts[trial.part - 1]
    sql = "SELECT count(*) FROM trial WHERE reader_id = ? AND practice = 1"
    reader_id = store.log.rows("SELECT reader_id FROM trial WHERE trial_id = ?", (trial.trial_id,))
    shown["practices"] = store.log.rows(sql, reader_id[0])[0][0]
    shown["order_shown"] = part.order_shown
    for question in shown["questions"]:
        del question["positive_from"]  # for the analysis only
    return shown


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _card(store: Store, reader_id: str) -> str:
    """Which card the reader has now: a new one ends what was begun with the old one."""
    sql = "SELECT value FROM event WHERE kind = 'codes_issued' ORDER BY seq DESC LIMIT 1"
    issued = store.log.rows(sql)
    return _digest(json.loads(issued[0][0]).get(reader_id, "") if issued else "")[:16]


def _tag(seat: Seat) -> str:
    """Names the reader of this study on a computer that others use too; says nothing else."""
    study = seat.store.design().study
    return _digest(f"{study.study_id}|{study.seed}|{seat.reader_id}|tag")[:16]


def _request(seat: Seat, request: str) -> str:
    _check_name(request)
    return f"{seat.reader_id}:{request}"


def _check_name(name: str) -> None:
    if not 8 <= len(name) <= LONGEST_NAME or not name.isascii() or not name.isprintable():
        raise StudyError("The page sent something that cannot be read. Reload it.")
