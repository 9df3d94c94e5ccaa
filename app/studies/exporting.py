"""A finished study as files that anyone can read, and the way back from them to every number."""

import csv
import hashlib
import json
import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from app.studies.analysis import analyse
from app.studies.analysis.data import Data, item_of
from app.studies.analysis.localised import marks_of
from app.studies.design import Design
from app.studies.documents import canonical, from_document, to_document
from app.studies.errors import StudyError
from app.studies.log import MIRROR, Event
from app.studies.masks import PACKED, pack, path_of, unpacked
from app.studies.methods import checklist, methods_paragraph
from app.studies.model import Reading, Study, Trial
from app.studies.monitoring import last_hash, readings_of
from app.studies.protocols import as_yaml
from app.studies.reporting.page import report
from app.studies.store import Store
from engine.files import check_room

STUDY, DESIGN, ANSWERS, RECORD = "study.yaml", "design.csv", "answers_long.csv", "record.json"
RESULTS, SUMS, IMRMC, DICTIONARY = "results.json", "SHA256SUMS", "imrmc.csv", "dictionary.csv"
MARKS = "marks.csv"
PAGE = 1_000_000  # bytes; the report's page and what does not grow with the answers
FREE = "Free some space, then make the report again."
ANSWER_COLUMNS = ("reader_id", "trial_id", "question", "value", "at", "seconds")
# What every column of every table means.
COLUMNS = (
    (DESIGN, "trial_id", "the trial: reader and position; the key of the table"),
    (DESIGN, "reader_id", "pseudonym of the reader"),
    (DESIGN, "position", "place in the reader's order, from 1, practice included"),
    (DESIGN, "session", "sitting, from 1"),
    (DESIGN, "block", "stretch between two breaks, from 1"),
    (DESIGN, "part", "part of the protocol"),
    (DESIGN, "practice", "true: answered for practice, in no analysis"),
    (DESIGN, "left", "name under which the only or left picture was shown"),
    (DESIGN, "right", "name of the right picture, empty for one picture"),
    (DESIGN, "left_case", "case that was shown on the left or alone"),
    (DESIGN, "right_case", "case that was shown on the right, empty for one picture"),
    (DESIGN, "stratum", "source and finding by which trials were spread over blocks"),
    (DESIGN, "repeat_of", "trial that showed the same before, empty for a first showing"),
    (DESIGN, "catch", "true: a trial whose answer is obvious, in no accuracy"),
    (ANSWERS, "reader_id", "pseudonym of the reader"),
    (ANSWERS, "trial_id", "trial of design.csv"),
    (ANSWERS, "question", "question of study.yaml"),
    (ANSWERS, "value", "the current answer as JSON; scales count from 1"),
    (ANSWERS, "at", "when it was saved, UTC by the server's clock"),
    (ANSWERS, "seconds", "from showing the trial to submitting it, time away left out; or empty"),
    ("cases.csv", "case_id", "the picture"),
    ("cases.csv", "source", "where it comes from"),
    ("cases.csv", "synthetic", "true or false"),
    ("cases.csv", "finding", "the finding for which it was chosen or made"),
    ("cases.csv", "scene", "pictures of the same drawing, film or patient share it"),
    ("cases.csv", "role", "main, catch or practice"),
    ("cases.csv", "edit_of", "the case before the edit, empty otherwise"),
    ("cases.csv", "sha256", "checksum of the file as shown, empty where there was none"),
    (
        "cases.csv",
        "mask",
        "file in masks.zip that is white where it was edited, without .png; or empty",
    ),
    (MARKS, "reader_id", "pseudonym of the reader"),
    (MARKS, "trial_id", "trial of design.csv; practice, repeats and catch trials are here too"),
    (MARKS, "question", "question of study.yaml"),
    (MARKS, "case_id", "the picture on which the mark was set"),
    (MARKS, "x", "place from the left, as a share of the width of what was shown"),
    (MARKS, "y", "place from the top, as a share of the height"),
    (MARKS, "tag", "the reason that the reader chose, or empty"),
    (MARKS, "edited", "case whose mask the mark is measured against, empty where there is none"),
    (MARKS, "away", "distance from that mask as a share of the side; 0 within it"),
    (MARKS, "hit", "true: within the mask or the tolerance of the plan; empty without a mask"),
    (PACKED, "(pictures)", "a PNG a mask, as its picture was framed: white is what was edited"),
    (IMRMC, "(no header)", "reader, case, modality, score; truth rows: truth, case, truth, 0 or 1"),
)


def export(store: Store, folder: Path, by: str) -> dict[str, Any]:
    """Write everything into ``folder``, which must be empty or new, and return the results.

    The study must be unblinded. The results are computed from the files just written, by the
    same function as ``analyse_export``. Remarks may name people: read them before sharing.
    """
    if store.phase != "unblinded":
        raise StudyError("Exports hold the truth. Close and unblind the study first.")
    if folder.exists() and any(folder.iterdir()):
        raise StudyError(f"The folder '{folder.name}' is not empty. Choose another one.")
    design = store.design()
    folder.parent.mkdir(parents=True, exist_ok=True)
    check_room(folder, _room_for(store, design), "this report", "Nothing was written. " + FREE)
    folder.mkdir(exist_ok=True)
    (folder / STUDY).write_text(as_yaml(design.study), "utf-8")
    _write_values(folder / DESIGN, Trial, design.trials)
    _write_values(folder / ANSWERS, Reading, readings_of(store.log))
    _write_cases(folder, design)
    pack(store.folder, (case.mask for case in design.study.cases), folder / PACKED)
    amendments = store.log.events("kind = 'amended'")
    record = {
        "algorithm": design.algorithm,
        "numpy": design.numpy,
        "sha256": design.sha256,
        "excluded": store.excluded(),
        "amendments": [{"at": e.at, "reason": e.reason, "change": e.data} for e in amendments],
        "phases": [{"at": e.at, **e.data} for e in store.log.events("kind = 'phase'")],
        "log_sha256": last_hash(store.log),
        "checks": _checks(store),
        "exported_by": by,
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False), "utf-8")
    shutil.copyfile(store.folder / MIRROR, folder / MIRROR)
    store.log.append_alone(Event("exported", value=canonical({"by": by})))
    _write_rows(folder / DICTIONARY, ("file", "column", "meaning"), COLUMNS)
    data = read_export(folder)
    results = analyse(data)
    write_imrmc(folder / IMRMC, data)
    _write_marks(folder, data)
    (folder / RESULTS).write_text(json.dumps(results, indent=1, ensure_ascii=False), "utf-8")
    (folder / "methods.md").write_text(methods_paragraph(data, results) + "\n", "utf-8")
    _write_rows(folder / "checklist.csv", ("item", "answer"), checklist(data, results))
    sums = _sums(folder)
    page = report(data, results, sums)
    (folder / "report.html").write_text(page, "utf-8")
    (folder / SUMS).write_text("".join(f"{s}  {n}\n" for n, s in _sums(folder).items()), "utf-8")
    return results


def _room_for(store: Store, design: Design) -> int:
    """About how many bytes an export has: the events, twice as much in tables and page, masks."""
    masks = {case.mask for case in design.study.cases if case.mask}
    path_in = partial(path_of, store.folder)
    return (
        3 * (store.folder / MIRROR).stat().st_size
        + sum(path.stat().st_size for path in map(path_in, masks) if path.is_file())
        + PAGE
    )


def _checks(store: Store) -> dict[str, Any]:
    """The newest check of the pictures before the freeze, without names of cases."""
    events = store.log.events("kind = 'checked'")
    if not events:
        return {}
    found = events[-1].data
    return {"at": events[-1].at, "remarks": found["remarks"], "separations": found["separations"]}


def read_export(folder: Path) -> Data:
    """The data of an export. Raises ``StudyError`` when its design lost its hash."""
    for name in (STUDY, DESIGN, ANSWERS, RECORD):
        if not (folder / name).is_file():
            raise StudyError(f"'{folder.name}' is not a whole export: it lacks {name}.")
    try:
        study = from_document(
            Study, yaml.safe_load((folder / STUDY).read_text("utf-8")), f"The file {STUDY}"
        )
        record = json.loads((folder / RECORD).read_text("utf-8"))
        trials = tuple(_trial(row) for row in _read_rows(folder / DESIGN))
        readings = tuple(_reading(row) for row in _read_rows(folder / ANSWERS))
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise StudyError(
            f"The tables of '{folder.name}' cannot be read; they were changed after the export. "
            f"Compare them with {SUMS}."
        ) from error
    design = Design(study, trials, record["algorithm"], record["numpy"])
    if design.sha256 != record["sha256"]:
        raise StudyError(
            f"{STUDY} or {DESIGN} was changed after the export: the design does not have the "
            "hash of its freeze. Compare the files with SHA256SUMS."
        )
    return Data(
        design,
        readings,
        record["excluded"],
        tuple(record["amendments"]),
        record["log_sha256"],
        record.get("checks") or {},
        unpacked(folder / PACKED, (case.mask for case in study.cases)),
    )


def analyse_export(folder: Path) -> dict[str, Any]:
    """Every number of the report, computed again from the exported tables alone."""
    return analyse(read_export(folder))


def changed_files(folder: Path) -> list[str]:
    """Files of an export that are missing or differ from its checksums."""
    lines = (folder / SUMS).read_text("utf-8").splitlines()
    wanted = {line[66:]: line[:64] for line in lines}
    found = _sums(folder)
    return [name for name, one in wanted.items() if found.get(name) != one]


def write_imrmc(path: Path, data: Data) -> None:
    """The scale that decides real or synthetic, for iMRMC: every synthetic source a modality.

    Main trials only, since the program stops at duplicates. Without such a scale nothing is
    written.
    """
    questions = [
        (part.name, one)
        for part in data.design.study.protocol.parts
        for one in part.questions
        if one.positive_from
    ]
    if not questions:
        return
    part, question = questions[0]
    trials = {trial.trial_id: trial for trial in data.design.trials}
    cases = data.cases
    modalities = sorted({c.source for c in cases.values() if c.synthetic and c.role == "main"})
    lines = [f"Study {data.design.study.study_id}, design {data.design.sha256}", "BEGIN DATA:"]
    truths: dict[str, int] = {}
    scores = []
    for reading in data.readings:
        trial = trials[reading.trial_id]
        wanted = trial.part == part and reading.question == question.name
        if not wanted or trial.practice or trial.catch or trial.repeat_of:
            continue
        case = cases[item_of(trial)]
        truths[case.case_id] = int(case.synthetic)
        for modality in [case.source] if case.synthetic else modalities:
            scores.append(f"{reading.reader_id},{case.case_id},{modality},{reading.value}")
    lines += [f"truth,{case},truth,{truth}" for case, truth in truths.items()]
    path.write_text("\n".join([*lines, *scores]) + "\n", "utf-8")


def _write_values(path: Path, kind: type, values: Iterable[Any]) -> None:
    names = [field.name for field in fields(kind)]
    rows = [[_cell(name, getattr(one, name)) for name in names] for one in values]
    _write_rows(path, names, rows)


def _write_cases(folder: Path, design: Design) -> None:
    names = [column for file, column, _ in COLUMNS if file == "cases.csv"]
    cases = design.study.cases
    rows = [[_cell(name, getattr(case, name)) for name in names] for case in cases]
    _write_rows(folder / "cases.csv", names, rows)


def _write_marks(folder: Path, data: Data) -> None:
    """Every mark in a row, where readers could set any."""
    protocol = data.design.study.protocol
    if not any(one.kind == "marks" for part in protocol.parts for one in part.questions):
        return
    names = [column for file, column, _ in COLUMNS if file == MARKS]
    rows = []
    for mark in marks_of(data):
        more = {"away": "", "hit": ""}
        if mark.away is not None:
            more = {"away": f"{mark.away:.6f}", "hit": mark.away <= protocol.plan.tolerance}
        rows.append([_cell(name, {**vars(mark), **more}[name]) for name in names])
    _write_rows(folder / MARKS, names, rows)


def _cell(name: str, value: Any) -> str:
    if name == "value":
        return canonical(to_document(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return str(value)


def _write_rows(path: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def _read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _trial(row: dict[str, str]) -> Trial:
    numbers = {name: int(row[name]) for name in ("position", "session", "block")}
    truths = {name: row[name] == "true" for name in ("practice", "catch")}
    return from_document(Trial, {**row, **numbers, **truths}, f"A row of {DESIGN}")


def _reading(row: dict[str, str]) -> Reading:
    seconds = float(row["seconds"]) if row["seconds"] else math.nan
    return Reading(**{**row, "value": json.loads(row["value"]), "seconds": seconds})


def _sums(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != SUMS)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
