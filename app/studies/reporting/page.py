"""The report: one page that loads nothing, prints, and shows how every number was come by."""

import json
import math
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from app.studies.analysis.data import Data
from app.studies.methods import checklist, methods_paragraph
from app.studies.reporting import plots

STYLE = Path(__file__).parent / "report.css"


def report(data: Data, results: dict[str, Any], sums: dict[str, str]) -> str:
    """The page as text. ``sums`` are checksums of the files beside it."""
    study = data.design.study
    body = [
        f"<h1>{escape(study.title)}</h1>",
        _badges(data, results),
        f"<section><h2>Main result</h2>{_headline(results)}</section>",
    ]
    for part in study.protocol.parts:
        for question in part.questions:
            found = results["parts"][part.name].get(question.name)
            if found and found["kind"] in SECTIONS:
                title = (
                    f"{question.asked('the finding in question')} ({part.name}, {question.name})"
                )
                body.append(f"<section><h2>{escape(title)}</h2>{SECTIONS[found['kind']](found)}")
                body.append("</section>")
    body += [
        f"<section><h2>Quality of the readings</h2>{_quality(results)}</section>",
        f"<section><h2>Methods</h2><p>{escape(methods_paragraph(data, results))}</p></section>",
        "<section><h2>Checklist</h2>",
        _table(("item", "answer"), checklist(data, results)),
        "</section>",
        f"<section><h2>Deviations</h2>{_deviations(results)}</section>",
        f"<section><h2>Checksums</h2>{_table(('file', 'SHA-256'), list(sums.items()))}</section>",
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
        f"{len(results['readers'])} readers. Design frozen {results['design_sha256']}, deviations: "
        f"{deviations}. Every number here is in results.json and comes again from the tables with "
        "<code>python -m app.studies analyse</code> and the name of the folder.</p>"
    )


def _headline(results: dict[str, Any]) -> str:
    plan = results["plan"]
    found = results["parts"][plan["part"]][plan["question"]]
    percent = round(100 * plan["confidence"])
    if found["kind"] in ("turing", "forced_choice"):
        one = found["accuracy"]
        said = "shown" if one["indistinguishable"] else "not shown"
        low, high = (f"{100 * one['equivalence_interval'][end]:.0f}" for end in ("low", "high"))
        return (
            f"<p class=main>Readers were right in {_percent(one['headline'], percent)}.</p>"
            f"<p>50 % is guessing. Indistinguishable within {100 * one['margin']:.0f} points: "
            f"{said} (the interval for this question is {low} to {high} %). A result that does not "
            "differ from guessing is not, by itself, evidence of realism.</p>"
        )
    if found["kind"] == "rating":
        rows = [
            (
                f"{one['first']} minus {one['second']}",
                plots.told(one["difference"]),
                _p(one["p_holm"]),
                "shown" if one["equivalent"] else "not shown",
            )
            for one in found["differences"]
        ]
        head = ("difference of means", f"{percent} % interval", "p (Holm)", "equivalence")
        return _table(head, rows) + f"<p>Margin of equivalence: {plan['margin']:g} points.</p>"
    if not found["strengths"]:
        return f"<p>{escape(found['note'])}</p>"
    ranked = sorted(found["strengths"], key=lambda row: -row["log"])
    words = ", ".join(row["source"] for row in ranked)
    return (
        f"<p class=main>From most to least preferred: {escape(words)}.</p><p>Intervals below.</p>"
    )


def _percent(one: dict[str, Any], percent: int) -> str:
    low, high = (f"{100 * one[end]:.0f}" for end in ("low", "high"))
    return f"{100 * one['value']:.0f} % ({percent} % CI {low} to {high})"


def _decision(found: dict[str, Any]) -> str:
    one = found["accuracy"]
    middle = (0.5, 0.5 - one["margin"], 0.5 + one["margin"])
    rows = [(row["reader"], row["accuracy"]) for row in found["readers"]]
    ends = [row["accuracy"]["low"] for row in found["readers"]] + [0.3]
    parts = [
        f"<p>{found['reader_count']} readers, {found['case_count']} cases. ",
        f"{escape(one['method'])}. Two-way bootstrap: {plots.told(one['bootstrap'])}. A pooled ",
        "interval, which counts every answer as independent, would be ",
        f"{plots.told(one['pooled_not_for_inference'])} and is wrong.</p>",
        plots.forest(
            rows, ("All", one["headline"]), (max(0.0, math.floor(10 * min(ends)) / 10), 1.0), middle
        ),
    ]
    if found["kind"] == "turing":
        parts += _turing(found)
    else:
        rows = [
            (r["reader"], plots.told(r["chose_left"]), _p(r["chose_left_p"]))
            for r in found["readers"]
        ]
        parts.append(_table(("reader", "chose the left picture", "p"), rows))
    return "".join([*parts, _agreement(found), _session(found, (0.0, 1.0))])


def _turing(found: dict[str, Any]) -> list[str]:
    head = ("reader", "sensitivity", "specificity", "d'", "criterion", "area")
    rows = [
        (
            row["reader"],
            plots.told(row["sensitivity"]),
            plots.told(row["specificity"]),
            f"{row['d_prime']:.2f}",
            f"{row['criterion']:.2f}",
            plots.told(row["area"]),
        )
        for row in found["readers"]
    ]
    sources = [
        (row["source"], str(row["cases"]), plots.told(row["called_synthetic"]), _area(row))
        for row in found["sources"]
    ]
    compared = [
        (
            f"{row['first']} minus {row['second']}",
            plots.told(row["difference"]),
            f"F {row['f']:.2f}, df {row['degrees'] or 0:.1f}",
            _p(row["p_holm"]),
        )
        for row in found["comparisons"]
    ]
    return [
        f"<h3>ROC, mean area {plots.told(found['area'])}</h3>",
        plots.roc([row["curve"] for row in found["readers"]]),
        _table(head, rows),
        "<h3>By source</h3>",
        _table(("source", "cases", "called synthetic", "area"), sources),
        _table(("difference of areas", "interval", "test", "p (Holm)"), compared),
    ]


def _area(row: dict[str, Any]) -> str:
    return plots.told(row["area"]) if row["synthetic"] else ""


def _rating(found: dict[str, Any]) -> str:
    bars = [(row["source"], row["counts"], f"median {row['median']:g}") for row in found["sources"]]
    rows = [
        (row["source"], str(row["cases"]), plots.told(row["mean"]), plots.told(row["bootstrap"]))
        for row in found["sources"]
    ]
    differences = [
        (
            f"{row['first']} minus {row['second']}",
            plots.told(row["difference"]),
            f"{row['cliffs_delta']:.2f}",
            _p(row["p_holm"]),
        )
        for row in found["differences"]
    ]
    span = (0.0, 1.0) if len(found["anchors"]) == 2 else (1.0, float(len(found["anchors"])))
    return "".join(
        [
            plots.stacked(bars, found["anchors"]),
            _table(("source", "cases", "mean", "two-way bootstrap"), rows),
            _table(("difference", "interval", "Cliff's delta", "p (Holm)"), differences),
            _agreement(found),
            _session(found, span),
        ]
    )


def _preference(found: dict[str, Any]) -> str:
    parts = []
    if found["strengths"]:
        rows = [
            (row["source"], {"value": row["log"], "low": row["low"], "high": row["high"]})
            for row in found["strengths"]
        ]
        numbers = [one for _, row in rows for one in row.values() if one is not None]
        span = (min(numbers) - 0.2, max(numbers) + 0.2)
        parts += ["<h3>Strengths (natural logarithm, sum 0)</h3>", plots.forest(rows, None, span)]
    else:
        parts.append(f"<p>{escape(found['note'])}</p>")
    rows = [
        (name, *(f"{one:g}" for one in row))
        for name, row in zip(found["sources"], found["wins"], strict=True)
    ]
    parts.append(_table(("preferred to", *found["sources"]), rows))
    left = plots.told(found["chose_left"])
    parts.append(
        f"<p>Circular triads: {found['circular_triads']}. The left picture was chosen in {left} of "
        f"decided trials ({_p(found['chose_left_p'])}).</p>"
    )
    return "".join(parts)


def _marks(found: dict[str, Any]) -> str:
    parts = []
    for source, one in sorted(found["sources"].items()):
        tags = sorted(one["tags"].items(), key=lambda tag: -tag[1])
        rows = [(tag or "no reason given", str(count)) for tag, count in tags]
        parts += [
            f"<h3>{escape(source)}: {len(one['points'])} marks</h3>",
            plots.places(one["points"]),
            _table(("reason", "marks"), rows),
        ]
    return "".join(parts)


def _agreement(found: dict[str, Any]) -> str:
    one = found["agreement"]
    if "note" in one:
        return f"<p>{escape(one['note'])}</p>"
    alpha = one["krippendorff_ordinal"]
    words = plots.told(alpha) if alpha["value"] is not None else "not defined"
    icc = one["intraclass"]["icc2"]
    more = f", ICC(2,1) {icc:.2f}" if icc is not None else ""
    rows = [
        (
            row["reader"],
            str(row["count"]),
            plots.told(row["equal"]),
            _number(row["kappa_quadratic"]),
        )
        for row in found["repeats"]
    ]
    return (
        f"<h3>Agreement: Krippendorff's alpha (ordinal) {words}{more}</h3>"
        f"{plots.matrix(one['readers'], one['kappa_quadratic'])}"
        "<p>Quadratically weighted kappa of every two readers.</p>"
        f"{_table(('reader', 'repeats', 'same answer', 'weighted kappa'), rows)}"
    )


def _session(found: dict[str, Any], span: tuple[float, float]) -> str:
    stretches = found["over_session"].get("stretches", [])
    points = [(f"from {one['from']}", one["mean"]) for one in stretches]
    return "<h3>Over the session</h3>" + plots.series(points, span) if points else ""


def _quality(results: dict[str, Any]) -> str:
    head = ("reader", "trials", "median s", "under 2 s", "catch failed", "commonest answer")
    rows = [
        (
            row["reader"],
            str(row["trials"]),
            _number(row["median_seconds"], 1),
            str(row["too_fast"]),
            str(row["catch_failures"]),
            _number(row["commonest_answer"]),
        )
        for row in results["quality"]
    ]
    return _table(head, rows)


def _deviations(results: dict[str, Any]) -> str:
    changes = [
        (one["at"], one["reason"], json.dumps(one["change"], ensure_ascii=False))
        for one in results["deviations"]
    ]
    out = list(results["readers_left_out"].items())
    return (
        f"<h3>Amendments after the freeze</h3>{_table(('at', 'reason', 'change'), changes)}"
        f"<h3>Readers left out</h3>{_table(('reader', 'because'), out)}"
    )


def _number(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "<p>None.</p>"
    top = "".join(f"<th scope=col>{escape(one)}</th>" for one in head)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(str(one))}</td>" for one in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


SECTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "turing": _decision,
    "forced_choice": _decision,
    "rating": _rating,
    "preference": _preference,
    "marks": _marks,
}
