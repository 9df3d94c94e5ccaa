"""What the investigator's pages show of a study, as documents for their script.

A page of its own without Gradio, like the Models page. Of a study that runs, nothing here knows
what is true: the monitor is ``Store.progress`` and ``watching``.
"""

import math
import os
import shutil
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from app.studies import protocols
from app.studies.design import make_design
from app.studies.documents import to_document
from app.studies.errors import StudyError
from app.studies.intake import last_check, treatment_of
from app.studies.masks import MASKS, mask_of
from app.studies.model import FINDING, Case, Part, Question, Reader, Study, Trial
from app.studies.monitoring import last_hash
from app.studies.ordering import generator
from app.studies.store import Store
from app.studies.watching import watched

HTML = Path(__file__).parent.parent / "static" / "studies.html"
EXPORTS = "exports"
PREVIEWED = 12  # trials that count as having looked
SECONDS_A_QUESTION = 8.0  # for the length of a session before anyone has read
MEASURED = {
    "accuracy": "share of right answers, Obuchowski-Rockette, readers and cases random",
    "rating": "difference of mean ratings, Obuchowski-Rockette, readers and cases random",
    "preference": "strengths of preference, Bradley-Terry, bootstrap of readers and pairs",
}


def overview(store: Store) -> dict[str, Any]:
    """Everything of a study but its answers."""
    study = store.study()
    phase = store.phase
    log = store.log
    drafts = log.events("kind = 'draft'")
    return {
        "id": store.folder.name,
        "version": store.version,
        "phase": phase,
        "pilot": study.pilot,
        "saved_at": drafts[-1].at,
        "study": {
            "title": study.title,
            "shown_title": study.shown_title,
            "seed": study.seed,
            "ethics": study.ethics,
            "selection": study.selection,
            "protocol": to_document(study.protocol),
            "readers": to_document(study.readers),
        },
        "yaml": protocols.as_yaml(study.protocol),
        "pictures": pictures_said(store, study),
        "size": size_said(study),
        "codes": codes_said(store),
        "previewed": previewed(store),
        "pilots": [event.data["study"] for event in log.events("kind = 'pilot_begun'")],
        "frozen": frozen_said(store) if phase != "draft" else None,
        "before": before_freeze(store, study),
        "amendments": [
            {"at": e.at, "reason": e.reason, "change": e.data}
            for e in log.events("kind = 'amended'")
        ],
        "excluded": store.excluded(),
        "phases": [{"at": e.at, **e.data} for e in log.events("kind = 'phase'")],
        "backups": backups_of(store),
        "exports": exports_of(store),
        "last_hash": last_hash(log),
    }


def pictures_said(store: Store, study: Study) -> dict[str, Any]:
    """The table of sources, every case, and what the newest check found."""
    sources = sorted({(case.synthetic, case.source) for case in study.cases})
    treatment = treatment_of(store)
    return {
        "sources": [source_said(study, name, synthetic) for synthetic, name in sources],
        "cases": [
            {
                "case_id": case.case_id,
                "source": case.source,
                "synthetic": case.synthetic,
                "finding": case.finding,
                "scene": case.scene,
                "role": case.role,
                "sha256": case.sha256,
                "masked": bool(case.mask),
            }
            for case in study.cases
        ],
        "treatment": None if treatment is None else asdict(treatment),
        "check": last_check(store),
    }


def source_said(study: Study, name: str, synthetic: bool) -> dict[str, Any]:
    ours = [case for case in study.cases if case.source == name and case.synthetic == synthetic]
    main = [case for case in ours if case.role == "main"]
    found = Counter(case.finding for case in main).most_common()
    return {
        "source": name,
        "synthetic": synthetic,
        "main": len(main),
        "practice": sum(case.role == "practice" for case in ours),
        "catch": sum(case.role == "catch" for case in ours),
        "masked": sum(bool(case.mask) for case in ours),
        "findings": ", ".join(f"{finding} {count}" for finding, count in found) or "none",
        "before": sizes_said(ours),
    }


def sizes_said(cases: list[Case]) -> str:
    """What the originals were, for the column that says what was made of them."""
    kinds = sorted({str(case.origin.get("made from", "")) for case in cases} - {""})
    own = [case.origin.get("original") for case in cases]  # studies of before have none, or a word
    facts = [a if isinstance(a, dict) else c.origin for a, c in zip(own, cases, strict=True)]
    sizes = sorted({(one.get("width"), one.get("height")) for one in facts} - {(None, None)})
    said = f"{sizes[0][0]} x {sizes[0][1]}" if len(sizes) == 1 else "several sizes" * bool(sizes)
    return ", ".join(word for word in (*kinds, said) if word)


def codes_said(store: Store) -> dict[str, Any]:
    issued = store.log.events("kind = 'codes_issued'")
    return {
        "issued_at": issued[-1].at if issued else "",
        "readers": sorted(store.hashes()),
    }


def previewed(store: Store) -> int:
    """How many trials were looked at as a reader would see them, of the newest draft's pictures."""
    events = store.log.events("kind = 'previewed'")
    return max((int(event.data["trials"]) for event in events), default=0)


def size_said(study: Study) -> dict[str, Any]:
    """Trials a reader and sessions, or why no design can be made yet."""
    try:
        one = make_design(one_reader(study))
    except StudyError as error:
        return {"fault": str(error)}
    trials = [trial for trial in one.trials if not trial.practice]
    order = study.protocol.order
    asked = [
        sum(question.required for question in study.protocol.part(trial.part).questions)
        for trial in trials
    ]
    return {
        "fault": "",
        "readers": len(study.readers),
        "trials": len(trials),
        "practice": len(one.trials) - len(trials),
        "repeats": sum(bool(trial.repeat_of) for trial in trials),
        "catch": sum(trial.catch for trial in trials),
        "cases": len({trial_item(trial) for trial in main_of(study, trials)}),
        "sessions": math.ceil(len(trials) / order.session),
        "minutes": round(sum(asked) * SECONDS_A_QUESTION / 60),
    }


def main_of(study: Study, trials: list[Trial]) -> list[Trial]:
    """Main trials of the part that the plan names."""
    part = study.protocol.plan.part
    return [t for t in trials if t.part == part and not (t.repeat_of or t.catch)]


def trial_item(trial: Trial) -> tuple[str, ...]:
    return tuple(sorted((trial.left_case, trial.right_case)))


def one_reader(study: Study) -> Study:
    """The study with its first reader, or a stand-in: what a design says of all of them."""
    return replace(study, readers=study.readers[:1] or (Reader("R01"),))


def frozen_said(store: Store) -> dict[str, Any]:
    design = store.design()
    plan, order = design.study.protocol.plan, design.study.protocol.order
    event = store.log.events("kind = 'frozen'")[0]
    first = design.of_reader(design.study.readers[0].reader_id)
    rating = plan.measure == "rating"
    margin = f"{plan.margin:g} points" if rating else f"{100 * plan.margin:g} points of 100"
    readers = "reader" if len(design.study.readers) == 1 else "readers"
    marked = any(q.kind == "marks" for part in design.study.protocol.parts for q in part.questions)
    beyond = f"within its mask or {100 * plan.tolerance:g} % of the side beyond"
    return {
        "at": event.at,
        "sha256": design.sha256,
        "rows": [
            ["Order", f"{len(first)} trials for each of {len(design.study.readers)} {readers}, "
             f"stored, seed {design.study.seed}, PCG64"],
            ["Main result", f"{MEASURED[plan.measure]}: question '{plan.question}'"],
            ["Margin for equivalence", margin],
            ["Left out by rule", f"readers who fail {plan.catch_failures} catch trials"],
            *([["Marks on an edit", beyond]] if marked else []),
            ["Repeats", f"{100 * order.repeats:.3g} %, a scene {order.gap} trials apart at least"],
            ["Confidence", f"{100 * plan.confidence:g} %"],
        ],
    }  # fmt: skip


def before_freeze(store: Store, study: Study) -> list[dict[str, str]]:
    """The list to go through: ``state`` is good, warn, bad (freezing is refused) or open."""
    rows = []

    def say(state: str, sentence: str, step: str = "") -> None:
        rows.append({"state": state, "sentence": sentence, "step": step})

    missing = sum(not case.sha256 for case in study.cases)
    if not study.cases:
        say("bad", "There are no pictures.", "pictures")
    elif missing:
        say("bad", f"{missing} cases have no picture. Add them or take them out.", "pictures")
    if not study.readers:
        say("bad", "There is no reader.", "readers")
    size = size_said(study)
    if study.cases and size["fault"]:
        say("bad", size["fault"], "pictures")
    elif study.cases:
        say("good", f"{size['trials']} trials a reader; sides and sources are spread evenly.")
    if study.readers and len(study.readers) < 5:
        said = f"{len(study.readers)} readers: the interval for them as random is wide. "
        say("warn", said + "Five or more are advised.", "size")
    rows += check_said(store)
    looked = previewed(store)
    if looked:
        say("good", f"Previewed as a reader, {looked} trials.")
    else:
        say("open", "Not yet previewed as a reader.", "preview")
    if not study.pilot:
        piloted = bool(store.log.events("kind = 'pilot_begun'"))
        said = "A pilot was begun, kept apart." if piloted else "No pilot was read."
        say("good" if piloted else "open", said, "preview")
    if study.ethics:
        say("good", f"Ethics: {study.ethics}")
    else:
        say("open", "No ethics reference is given; the report will say so.", "protocol")
    if not study.selection:
        say("open", "How the pictures were selected is not written down.", "pictures")
    return rows


def check_said(store: Store) -> list[dict[str, str]]:
    """The checks of the pictures in the list before the freeze."""
    if not store.study().cases:
        return []
    found = last_check(store)
    if found is None or not found["current"]:
        said = "The pictures were not checked since they were last changed."
        return [{"state": "warn", "sentence": said, "step": "pictures"}]
    grave = [one for one in found["remarks"] if one["grave"]]
    if not grave:
        return [{"state": "good", "sentence": "The checks of the pictures found nothing grave.",
                 "step": "pictures"}]  # fmt: skip
    return [{"state": "warn", "sentence": one["sentence"], "step": "pictures"} for one in grave]


def refuse_unready(store: Store) -> None:
    """Raise ``StudyError`` for what would make a frozen study that nobody can read."""
    study = store.study()
    wrong = [one for one in before_freeze(store, study) if one["state"] == "bad"]
    if wrong:
        raise StudyError(wrong[0]["sentence"])
    for case in study.cases:
        if not (store.folder / "pictures" / f"{case.sha256}.png").is_file():
            raise StudyError(f"The picture of {case.case_id} is gone from the disk. Add it again.")
        if case.mask:
            mask_of(store.folder, case.mask)  # a sentence where it is gone or was changed


def share_pictures(store: Store, other: Store) -> None:
    """Give another study the pictures and masks of this one: a second name of the file where the
    disk can."""
    for case in store.study().cases:
        for folder, sha256 in (("pictures", case.sha256), (MASKS, case.mask)):
            path, new = (one.folder / folder / f"{sha256}.png" for one in (store, other))
            if not sha256 or new.exists():
                continue
            new.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, new)
            except OSError:
                shutil.copyfile(path, new)


def monitor(store: Store) -> dict[str, Any]:
    """Work done and its quality; no accuracy, and nothing from which it could be computed."""
    study = store.study()
    seen = watched(store.log, study)
    rows = []
    for one in store.progress():
        row = asdict(one)
        row["median_seconds"] = None if math.isnan(one.median_seconds) else one.median_seconds
        rows.append({**row, **seen["readers"][one.reader_id]})
    events = store.log.rows("SELECT count(*) FROM event")[0][0]
    checked = store.log.events("kind = 'verified'")
    return {
        "phase": store.phase,
        "done": sum(row["done"] for row in rows),
        "count": sum(row["count"] for row in rows),
        "median": seen["median"],
        "middle_half": seen["middle_half"],
        "events": events,
        "verified": {"at": checked[-1].at, **checked[-1].data} if checked else None,
        "backups": backups_of(store),
        "limit": study.protocol.plan.catch_failures,
        "readers": rows,
    }


def preview(store: Store, reader_id: str) -> dict[str, Any]:
    """The trials of one reader as they would be frozen now, with what the reader is shown.

    For the investigator, who may know the truth; it is not in here all the same, so that the
    preview can be shown to anyone.
    """
    study = store.study()
    if store.phase == "draft":
        trials = make_design(one_reader(study)).trials
    else:
        trials = store.design().of_reader(reader_id or study.readers[0].reader_id)
    cases = {case.case_id: case for case in study.cases}
    return {
        "title": study.shown_title,
        "instructions": study.protocol.instructions,
        "consent": study.protocol.consent,
        "finish": study.protocol.finish,
        "parts": {part.name: part_said(part) for part in study.protocol.parts},
        "trials": [
            {
                "number": trial.position,
                "part": trial.part,
                "practice": trial.practice,
                "session": trial.session,
                "finding": finding_said(cases[trial.right_case or trial.left_case].finding),
                "pictures": [
                    cases[one].sha256 for one in (trial.left_case, trial.right_case) if one
                ],
            }
            for trial in trials
        ],
        "enough": PREVIEWED,
    }


def finding_said(finding: str) -> str:
    """The finding as a question names it, by the rule of ``Question.asked``."""
    return Question("q", "text", FINDING).asked(finding)


def part_said(part: Part) -> dict[str, Any]:
    return {"kind": part.kind, "before": part.before, "questions": to_document(part.questions)}


def backups_of(store: Store) -> list[dict[str, Any]]:
    folder = store.folder / "backups"
    files = sorted(folder.glob("study-*.sqlite"), reverse=True) if folder.is_dir() else []
    return [
        {"name": one.name, "bytes": one.stat().st_size, "at": one.stat().st_mtime} for one in files
    ]


def exports_of(store: Store) -> list[str]:
    """Finished exports, the newest first. One that was broken off has no checksums and is none."""
    folder = store.folder / EXPORTS
    found = sorted(folder.glob("report-*"), reverse=True) if folder.is_dir() else []
    return [one.name for one in found if (one / "SHA256SUMS").is_file()]


def new_seed() -> int:
    """A seed for a new study, below a million so that it can be read out."""
    import secrets

    return int(generator(secrets.randbits(60)).integers(1_000_000))
