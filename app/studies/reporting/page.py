"""The report: one page that loads nothing, prints, and shows how every number was come by."""

import json
from collections import Counter
from html import escape
from pathlib import Path
from typing import Any

from app.studies.analysis.data import Data
from app.studies.methods import checklist, methods_paragraph
from app.studies.reporting import plots
from app.studies.reporting.localisation import localisation
from app.studies.reporting.models import model
from app.studies.reporting.sections import SECTIONS, number, p_of, session
from app.studies.reporting.tables import Numbers

MOST_REMARKS = 6  # of one kind that are printed
STYLE = Path(__file__).parent / "report.css"


def report(data: Data, results: dict[str, Any], sums: dict[str, str]) -> str:
    """The page as text. ``sums`` are checksums of the files beside it."""
    study = data.design.study
    numbers = Numbers(round(100 * results["plan"]["confidence"]))
    body = [
        f"<h1>{escape(study.title)}</h1>",
        _badges(data, results),
        f"<section><h2>Main result</h2>{_headline(results, numbers)}</section>",
        f"<section><h2>Readers and pictures</h2>{_material(data, numbers)}</section>",
    ]
    for part in study.protocol.parts:
        for question in part.questions:
            found = results["parts"][part.name].get(question.name)
            if found and found["kind"] in SECTIONS:
                asked = question.asked("the finding in question")
                title = f"{asked} ({part.name}, {question.name})"
                body.append(f"<section><h2>{escape(title)}</h2>")
                body.append(SECTIONS[found["kind"]](found, numbers))
                body.append(f"{localisation(found, numbers)}{model(found, numbers)}</section>")
    body += [
        f"<section><h2>Quality of the readings</h2>{_quality(results, numbers)}</section>",
        f"<section><h2>Methods</h2><p>{escape(methods_paragraph(data, results))}</p></section>",
        "<section><h2>Checklist</h2>",
        numbers.table(
            "What checklists for imaging AI and for agreement studies ask",
            ("item", "answer"),
            checklist(data, results),
        ),
        "</section>",
        f"<section><h2>Deviations</h2>{_deviations(data, results, numbers)}</section>",
        "<section class=sums><h2>Checksums</h2>",
        numbers.table("Files of this export", ("file", "SHA-256"), list(sums.items())),
        "</section>",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src '
        "'unsafe-inline'\">"
        f"<title>{escape(study.title)}</title><style>{STYLE.read_text('utf-8')}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _badges(data: Data, results: dict[str, Any]) -> str:
    pilot = "<strong>Pilot: not to be merged with a study.</strong> " if results["pilot"] else ""
    deviations = len(results["deviations"]) or "none"
    return (
        f"<p>{pilot}Research only, not for diagnosis. Protocol {escape(results['protocol'])}, "
        f"{len(results['readers'])} readers.</p><p class=small>Design frozen "
        f"<code>{results['design_sha256']}</code>, deviations: "
        f"{deviations}. Every number here is in results.json and comes again from the tables with "
        "<code>python -m app.studies analyse</code> and the name of the folder.</p>"
    )


def _headline(results: dict[str, Any], numbers: Numbers) -> str:
    plan = results["plan"]
    found = results["parts"][plan["part"]][plan["question"]]
    if found["kind"] in ("turing", "forced_choice"):
        one = found["accuracy"]
        said = "shown" if one["indistinguishable"] else "not shown"
        low, high = (f"{100 * one['equivalence_interval'][end]:.0f}" for end in ("low", "high"))
        wide = round(100 * (2 * plan["confidence"] - 1))
        return (
            f"<p class=main>Readers were right in {_percent(one['headline'], numbers.percent)}.</p>"
            f"<p>50 % is guessing. Indistinguishable within {100 * one['margin']:.0f} points: "
            f"{said} (two one-sided tests: the {wide} % interval is {low} to {high} %). A result "
            "that does not differ from guessing is not, by itself, evidence of realism.</p>"
        )
    if found["kind"] == "rating":
        rows = [
            (
                f"{one['first']} \u2212 {one['second']}",
                plots.told(one["difference"]),
                p_of(one["p_holm"]),
                "shown" if one["equivalent"] else "not shown",
            )
            for one in found["differences"]
        ]
        caption = (
            f"Differences of mean ratings with {numbers.percent} % CI, readers and cases random; "
            f"margin of equivalence {plan['margin']:g} points, fixed at the freeze"
        )
        return numbers.table(caption, ("difference", "estimate", "p (Holm)", "equivalence"), rows)
    if not found["strengths"]:
        return f"<p>{escape(found['note'])}</p>"
    ranked = sorted(found["strengths"], key=lambda row: -row["log"])
    words = ", ".join(row["source"] for row in ranked)
    return (
        f"<p class=main>From most to least preferred: {escape(words)}.</p>"
        "<p>An order of estimates; the intervals below say what of it is certain.</p>"
    )


def _percent(one: dict[str, Any], percent: int) -> str:
    low, high = (f"{100 * one[end]:.0f}" for end in ("low", "high"))
    return f"{100 * one['value']:.0f} % ({percent} % CI {low} to {high})"


def _material(data: Data, numbers: Numbers) -> str:
    study = data.design.study
    out = data.left_out()
    people = [
        (
            one.reader_id,
            one.years or "not given",
            one.specialty or "not given",
            "yes" if one.independent else "no",
            "left out" if one.reader_id in out else "yes",
        )
        for one in study.readers
    ]
    cases = Counter((c.synthetic, c.source, c.role) for c in study.cases)
    finds = Counter((c.synthetic, c.source, c.role, c.finding) for c in study.cases)
    pictures = [
        (
            source,
            "synthetic" if synthetic else "real",
            role,
            str(count),
            ", ".join(
                f"{key[3]} {n}"
                for key, n in sorted(finds.items())
                if key[:3] == (synthetic, source, role)
            ),
        )
        for (synthetic, source, role), count in sorted(cases.items())
    ]
    head = ("reader", "years of reading", "specialty", "independent", "counted")
    return (
        numbers.table("Readers", head, people)
        + numbers.table("Pictures", ("source", "is", "role", "pictures", "findings"), pictures)
        + _checked(data, numbers)
    )


def _checked(data: Data, numbers: Numbers) -> str:
    """What the checks of the pictures found before the freeze; printed whatever it was."""
    if not data.checks:
        return "<p>No check of the pictures for leaks was recorded before the freeze.</p>"
    rows = [
        (f"{one['first']}, {one['second']}", plots.told({**one, "value": one["area"]}),
         ", ".join(name for name, _ in one["by"]) or "nothing by itself")
        for one in data.checks["separations"]
    ]  # fmt: skip
    caption = (
        "How well a program that sees no anatomy told the sources apart before the freeze: area "
        "under the curve with 95 % CI; 0.5 is not at all"
    )
    said = [f"<li>{escape(one)}</li>" for one in _remarks(data.checks["remarks"])]
    listed = f"<ul>{''.join(said)}</ul>" if said else ""
    return numbers.table(caption, ("sources", "area", "by"), rows) + listed


def _remarks(remarks: list[dict[str, Any]]) -> list[str]:
    """The sentences of a check; of many alike the first few, and how many more there are."""
    found = []
    counts = Counter(one["about"] for one in remarks)
    told: Counter[str] = Counter()
    for one in remarks:
        about = one["about"]
        told[about] += 1
        if told[about] <= MOST_REMARKS:
            found.append(one["sentence"])
        if told[about] == counts[about] > MOST_REMARKS:
            more = counts[about] - MOST_REMARKS
            found.append(f"And {more} more about {about}; all of them are in record.json.")
    return found


def _quality(results: dict[str, Any], numbers: Numbers) -> str:
    head = ("reader", "trials", "median s", "under 2 s", "catch failed", "commonest answer")
    rows = [
        (
            row["reader"],
            str(row["trials"]),
            number(row["median_seconds"], 1),
            str(row["too_fast"]),
            str(row["catch_failures"]),
            number(row["commonest_answer"]),
        )
        for row in results["quality"]
    ]
    caption = (
        "Trials submitted (practice, repeats and catch trials included), median time of a case "
        "without time away, and the share of the commonest answer to the main question"
    )
    pace = results["pace"].get("stretches", [])
    drawn = ""
    if pace:
        top = max(one["high"] or one["value"] for one in pace)
        found = {"over_session": results["pace"]}
        drawn = session(found, (0.0, max(1.0, 1.1 * top)), numbers, None, "seconds a case")
    return numbers.table(caption, head, rows) + drawn


def _deviations(data: Data, results: dict[str, Any], numbers: Numbers) -> str:
    changes = [
        (
            one["at"],
            one["reason"],
            one["change"].get("what") or json.dumps(one["change"], ensure_ascii=False),
        )
        for one in results["deviations"]
    ]
    out = list(results["readers_left_out"].items())
    return numbers.table(
        "Amendments after the freeze", ("at", "reason", "change"), changes
    ) + numbers.table("Readers left out", ("reader", "because"), out)
