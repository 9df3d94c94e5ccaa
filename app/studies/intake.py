"""Pictures into a draft, beside the page: files that arrive, their preparation, the checks.

One task a study at a time, each with its progress. What is added is added to the newest draft, so
a change made in the page meanwhile is kept.
"""

import math
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from app.studies.appearance import border
from app.studies.documents import sha256_of
from app.studies.errors import StudyError
from app.studies.leaks import check_pictures
from app.studies.model import Case
from app.studies.pictures import (
    MOST_CUT,
    Picture,
    Treatment,
    add_pictures,
    codes_of,
    recut,
)
from app.studies.store import OTHER_TAB, Store

MOST_FILES = 4000  # of one folder
KINDS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".csv", "")
SAVES = 20  # tries to add to a draft that others keep changing


@dataclass
class Task:
    """What is being done to the pictures of a study. ``state``: running, done or failed."""

    what: str
    state: str = "running"
    done: int = 0
    total: int = 0
    sentence: str = ""


class Intake:
    """Files on their way into studies. ``folder`` is emptied study by study as they are used."""

    def __init__(self, folder: Path, sentence: Callable[[BaseException], str] = str) -> None:
        self._folder = folder
        self._sentence = sentence
        self._tasks: dict[str, Task] = {}
        self._lock = threading.Lock()

    def arriving(self, study_id: str) -> Path:
        """Where the files of a study's folder arrive."""
        return self._folder / study_id

    def place(self, study_id: str, name: str) -> Path:
        """A path for an arriving file, by its name within the chosen folder.

        Raises ``StudyError`` for a name that leads out of it or a kind that is not read.
        """
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        wrong = (
            not parts or ".." in parts or any(":" in p or "\0" in p or p[-1:] == "." for p in parts)
        )
        if wrong or len(name) > 400 or len(parts) > 8:
            raise StudyError("The name of this file cannot be used. Rename it and add it again.")
        if Path(parts[-1]).suffix.lower() not in KINDS:
            raise StudyError(f"Files of the kind '{Path(parts[-1]).suffix}' are not read.")
        folder = self.arriving(study_id)
        if folder.is_dir() and sum(1 for _ in folder.rglob("*")) > MOST_FILES:
            raise StudyError(
                f"The folder holds more than {MOST_FILES} files. Choose a smaller one."
            )
        path = folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def forget(self, study_id: str) -> None:
        """Drop what arrived and was not used."""
        shutil.rmtree(self.arriving(study_id), ignore_errors=True)

    def task(self, study_id: str) -> dict[str, Any] | None:
        found = self._tasks.get(study_id)
        return None if found is None else asdict(found)

    def add(
        self, store: Store, load: Callable[[], Sequence[Picture]], treatment: Treatment
    ) -> None:
        """Begin to add the pictures that ``load`` gives; returns at once."""

        def work(task: Task) -> str:
            pictures = load()
            task.total = len(pictures)

            def told(done: int) -> None:
                task.done = done

            new = add_pictures(store.folder, pictures, treatment, told)
            keep_cases(store, new)
            store.record("prepared", asdict(treatment))
            check(store)
            return f"{len(new)} pictures were added and checked."

        self._start(store, "Preparing pictures", work)

    def check(self, store: Store) -> None:
        """Begin to check all pictures again; returns at once."""

        def work(task: Task) -> str:
            check(store)
            return "The pictures were checked."

        self._start(store, "Checking pictures", work)

    def equalise(self, store: Store) -> None:
        """Begin to cut the widest border off every picture of the draft; returns at once."""

        def work(task: Task) -> str:
            task.total = len(store.study().cases)

            def told(done: int) -> None:
                task.done = done

            cut = equalise(store, told)
            if not cut:
                return "No picture has a border of one tone. Nothing was changed."
            check(store)
            return f"{100 * cut:.0f} % was cut off every edge of every picture, and all checked."

        self._start(store, "Equalising borders", work)

    def _start(self, store: Store, what: str, work: Callable[[Task], str]) -> None:
        if store.phase != "draft":
            raise StudyError("The study is frozen; its pictures cannot change.")
        name = store.folder.name
        with self._lock:
            now = self._tasks.get(name)
            if now is not None and now.state == "running":
                raise StudyError("Pictures of this study are being prepared. Wait for the end.")
            task = self._tasks[name] = Task(what)

        def run() -> None:
            try:
                task.sentence = work(task)
                task.state = "done"
            except Exception as error:  # the page asks for the task and must hear of any end
                task.sentence = self._sentence(error)
                task.state = "failed"
            finally:
                self.forget(name)

        threading.Thread(target=run, daemon=True).start()


def keep_cases(store: Store, new: Sequence[Case]) -> None:
    """Add cases to the newest draft, however often others save meanwhile.

    Raises ``StudyError`` where a name or a picture is in the study already.
    """
    for _ in range(SAVES):
        seen, study = store.version, store.study()
        names = {case.case_id for case in study.cases}
        shown = {case.sha256: case.case_id for case in study.cases}
        for case in new:
            if case.case_id in names:
                raise StudyError(
                    f"The study has a case '{case.case_id}' already. Give this one its own case_id."
                )
            if case.sha256 in shown:
                raise StudyError(
                    f"The picture {case.case_id} is in the study already, as {shown[case.sha256]}."
                )
        try:
            store.save_draft(replace(study, cases=(*study.cases, *new)), seen)
        except StudyError as error:
            if str(error) != OTHER_TAB:
                raise
        else:
            return
    raise StudyError(OTHER_TAB)


def equalise(store: Store, told: Callable[[int], None] = lambda done: None) -> float:
    """Cut the widest border of one tone off every picture of the draft alike, masks too.

    Returns the share of the side that was cut off at every edge, 0 where there is no border.
    Raises ``StudyError`` where it is too wide, was done before, or others change the draft.
    """
    treatment = treatment_of(store)
    seen, study = store.version, store.study()
    if treatment is None:
        raise StudyError("The study has no pictures whose borders could be equalised.")
    if treatment.again:
        raise StudyError(
            "The borders of these pictures were equalised before; a third resampling would blur "
            "them. Take the pictures out and add them with more cut off at every edge."
        )
    widths = {case.case_id: border(codes_of(store.folder, case)) for case in study.cases}
    widest = max(widths, key=lambda name: widths[name])
    cut = math.ceil(100 * widths[widest] - 1e-9) / 100
    if cut > MOST_CUT:
        raise StudyError(
            f"The border of {widest} takes {100 * widths[widest]:.0f} % of the side, and at most a "
            "fifth can be cut off every picture for it. Crop it yourself, or take it out."
        )
    if not cut:
        return 0.0
    wanted = replace(treatment, again=cut)
    new = []
    for case in study.cases:
        new.append(recut(store.folder, case, wanted))
        told(len(new))
    store.save_draft(replace(study, cases=tuple(new)), seen)
    store.record("prepared", asdict(wanted))
    return cut


def check(store: Store) -> None:
    """Check the pictures of the newest draft and record what was found."""
    study = store.study()
    found = check_pictures(store.folder, study.cases, study.seed)
    store.record("checked", {"cases": cases_hash(study.cases), **asdict(found)})


def last_check(store: Store) -> dict[str, Any] | None:
    """What the newest check found; ``current`` tells whether it was of the pictures there now."""
    events = store.log.events("kind = 'checked'")
    if not events:
        return None
    found = events[-1].data
    return {
        **found,
        "at": events[-1].at,
        "current": found["cases"] == cases_hash(store.study().cases),
    }


def treatment_of(store: Store) -> Treatment | None:
    """How the pictures of the study were made alike; None while it has none."""
    events = store.log.events("kind = 'prepared'")
    if not events or not store.study().cases:
        return None
    return Treatment(**events[-1].data)


def cases_hash(cases: Sequence[Case]) -> str:
    """Of all that a check depends on: pictures, sources, findings, scenes and roles."""
    return sha256_of(
        [[c.sha256, c.source, c.synthetic, c.finding, c.scene, c.role, c.edit_of] for c in cases]
    )
