"""What the report says of one question: figures with their captions, tables, sentences."""

import math
from collections.abc import Callable
from html import escape
from typing import Any

from app.studies.reporting import plots
from app.studies.reporting.tables import Numbers


def decision(found: dict[str, Any], numbers: Numbers) -> str:
    one = found["accuracy"]
    ci = f"{numbers.percent} % CI"
    middle = (0.5, 0.5 - one["margin"], 0.5 + one["margin"])
    rows = [(row["reader"], row["accuracy"]) for row in found["readers"]]
    ends = [row["accuracy"]["low"] for row in found["readers"]] + [0.3, one["headline"]["low"]]
    low = max(0.0, math.floor(10 * min(ends)) / 10)
    drawn = plots.forest(
        rows, ("All readers", one["headline"]), (low, 1.0), "right answers", middle, percent=True
    )
    caption = (
        f"Share of right answers with {ci}: exact (Clopper-Pearson) for each reader, for all "
        f"readers {one['method']} (Hillis' degrees of freedom, {one['degrees'] or 0:.1f}). Dashed: "
        f"guessing; band: the margin of {100 * one['margin']:g} points fixed at the freeze."
    )
    parts = [
        _counted(found),
        numbers.figure(drawn, caption),
        f"<p>Two-way bootstrap of readers and cases: {plots.told(one['bootstrap'], percent=True)}. "
        "An interval that counts every answer as independent would be "
        f"{plots.told(one['pooled_not_for_inference'], percent=True)}; it is too narrow (design "
        f"effect {one['design_effect']:.1f}) and is used nowhere.</p>",
    ]
    parts += _turing(found, numbers) if found["kind"] == "turing" else _sides(found, numbers)
    return "".join([*parts, agreement(found, numbers), session(found, (0.0, 1.0), numbers, 0.5)])


def _counted(found: dict[str, Any]) -> str:
    dropped = found["cases_not_read_by_all"]
    left = (
        f" {dropped} more are left out of the comparisons, since not every reader has read them."
        if dropped
        else " Every reader has read every one."
    )
    what = "pairs" if found["kind"] in ("forced_choice", "preference") else "cases"
    return f"<p>{found['reader_count']} readers, {found['case_count']} {what}.{left}</p>"


def _sides(found: dict[str, Any], numbers: Numbers) -> list[str]:
    rows = [
        (r["reader"], plots.told(r["chose_left"], percent=True), p_of(r["chose_left_p"]))
        for r in found["readers"]
    ]
    caption = (
        f"How often each reader chose the left picture ({numbers.percent} % CI, exact); sides are "
        "balanced, so 50 % is expected. Exact binomial test"
    )
    return [numbers.table(caption, ("reader", "chose the left picture", "p"), rows)]


def _turing(found: dict[str, Any], numbers: Numbers) -> list[str]:
    ci = f"{numbers.percent} % CI"
    curves = [(row["reader"], row["curve"], plots.told(row["area"], 2)) for row in found["readers"]]
    bars = [
        (row["source"], row["counts"], f"{row['cases']} cases, n = {sum(row['counts'])}")
        for row in found["sources"]
    ]
    rows = [
        (
            row["reader"],
            plots.told(row["sensitivity"], percent=True),
            plots.told(row["specificity"], percent=True),
            _signed(f"{row['d_prime']:.2f}"),
            _signed(f"{row['criterion']:.2f}"),
            plots.told(row["area"]),
            p_of(row["p"]),
        )
        for row in found["readers"]
    ]
    return [
        numbers.figure(
            plots.roc(curves, plots.told(found["area"])),
            f"ROC curves from the {len(found['anchors'])}-step scale. Thin: readers, areas with "
            f"DeLong's {ci}; thick: mean of their heights, mean area by Obuchowski-Rockette with "
            "readers and cases random. Dashed: guessing.",
        ),
        numbers.table(
            f"Readers, with {ci}. Sensitivity: synthetic called synthetic; specificity: real "
            "called real (exact intervals). d' and criterion with the log-linear correction; a "
            "criterion below 0 says synthetic readily. p: exact binomial test of the accuracy "
            "against 50 %, not adjusted",
            ("reader", "sensitivity", "specificity", "d'", "criterion", "area", "p"),
            rows,
        ),
        numbers.figure(
            plots.stacked(bars, found["anchors"], two_sided=True),
            "Answers by source, in % of first showings of all readers; n: answers.",
        ),
        *_by_source(found, numbers),
    ]


def _by_source(found: dict[str, Any], numbers: Numbers) -> list[str]:
    ci = f"{numbers.percent} % CI"
    sources = [
        (
            row["source"],
            "synthetic" if row["synthetic"] else "real",
            str(row["cases"]),
            plots.told(row["called_synthetic"], percent=True),
            plots.told(row["fooling_rate"], percent=True) if row["synthetic"] else "",
            plots.told(row["area"]) if row["synthetic"] else "",
        )
        for row in found["sources"]
    ]
    compared = [
        (
            f"{row['first']} \u2212 {row['second']}",
            plots.told(row["difference"]),
            f"F(1, {row['degrees'] or math.inf:.1f}) = {row['f']:.2f}",
            p_of(row["p"]),
            p_of(row["p_holm"]),
        )
        for row in found["comparisons"]
    ]
    return [
        numbers.table(
            f"Sources, with {ci} for readers and cases as random. Fooling rate: synthetic called "
            "real; area: against all real cases",
            ("source", "is", "cases", "called synthetic", "fooling rate", "area"),
            sources,
        ),
        numbers.table(
            f"Synthetic sources compared by their mean areas ({ci}; Obuchowski-Rockette, readers "
            "and cases random; p adjusted by Holm for their number)",
            ("difference of areas", "estimate", "test", "p", "p (Holm)"),
            compared,
        ),
    ]


def rating(found: dict[str, Any], numbers: Numbers) -> str:
    ci = f"{numbers.percent} % CI"
    two = len(found["anchors"]) == 2
    bars = [
        (row["source"], row["counts"], f"median {row['median']:g}, n = {sum(row['counts'])}")
        for row in found["sources"]
    ]
    rows = [
        (
            row["source"],
            "synthetic" if row["synthetic"] else "real",
            str(row["cases"]),
            plots.told(row["mean"]),
            plots.told(row["bootstrap"]),
        )
        for row in found["sources"]
    ]
    differences = [
        (
            f"{row['first']} \u2212 {row['second']}",
            plots.told(row["difference"]),
            "paired" if row["paired"] else "unpaired",
            _signed(f"{row['cliffs_delta']:.2f}"),
            p_of(row["p"]),
            p_of(row["p_holm"]),
            "shown" if row["equivalent"] else "not shown",
        )
        for row in found["differences"]
    ]
    span = (0.0, 1.0) if two else (1.0, float(len(found["anchors"])))
    return "".join(
        [
            _counted(found),
            numbers.figure(
                plots.stacked(bars, found["anchors"]),
                "Answers by source, in % of first showings of all readers, real films first; n: "
                "answers.",
            ),
            numbers.table(
                f"Means with {ci}, readers and cases random (Obuchowski-Rockette), and by two-way "
                "bootstrap",
                ("source", "is", "cases", "mean", "two-way bootstrap"),
                rows,
            ),
            numbers.table(
                f"Differences of means ({ci}, readers and cases random). p: Wilcoxon's signed-rank "
                "test where sources show the same scenes, else Mann-Whitney, over the means of "
                "cases; adjusted by Holm. Equivalence: two one-sided tests within the margin",
                ("difference", "estimate", "cases", "Cliff's delta", "p", "p (Holm)", "equivalent"),
                differences,
            ),
            agreement(found, numbers),
            session(found, span, numbers, None),
        ]
    )


def preference(found: dict[str, Any], numbers: Numbers) -> str:
    ci = f"{numbers.percent} % CI"
    parts = [_counted(found)]
    if found["strengths"]:
        rows = [
            (row["source"], {"value": row["log"], "low": row["low"], "high": row["high"]})
            for row in sorted(found["strengths"], key=lambda row: -row["log"])
        ]
        ends = [one for _, row in rows for one in row.values() if one is not None]
        span = (math.floor(5 * min([*ends, -0.2])) / 5, math.ceil(5 * max([*ends, 0.2])) / 5)
        drawn = plots.forest(
            rows, None, span, "strength of preference, natural logarithm", (0.0, 0.0, 0.0)
        )
        caption = (
            f"Bradley-Terry strengths (ties after Davidson) with {ci} from a bootstrap of readers "
            "and pairs; the sources' strengths add up to 0. One unit more: preferred in 73 % of "
            "decided pairs."
        )
        lost = found["bootstrap_draws_without_finite_strengths"]
        if lost:
            caption += f" {lost} of {found['bootstrap_draws']} draws had no finite strengths."
        parts.append(numbers.figure(drawn, caption))
        told = [
            (row["first"], row["second"], plots.told(row["preferred"], percent=True))
            for row in found["differences"]
        ]
        caption = f"How often the first is preferred to the second in decided pairs, with {ci}"
        parts.append(numbers.table(caption, ("first", "second", "first preferred"), told))
    else:
        parts.append(f"<p>{escape(found['note'])}</p>")
    wins = [
        (name, *(f"{one:g}" if n != k else "" for k, one in enumerate(row)))
        for n, (name, row) in enumerate(zip(found["sources"], found["wins"], strict=True))
    ]
    caption = "How often the source of the row was chosen over that of the column; ties left out"
    parts.append(numbers.table(caption, ("preferred to", *found["sources"]), wins))
    left = plots.told(found["chose_left"], percent=True)
    parts.append(
        f"<p>Circular triads: {found['circular_triads']}. The left picture was chosen in {left} of "
        f"decided trials ({p_of(found['chose_left_p'])}, exact binomial test).</p>"
    )
    return "".join(parts)


def marks(found: dict[str, Any], numbers: Numbers) -> str:
    sources = sorted(found["sources"].items(), key=lambda item: (item[1]["synthetic"], item[0]))
    edits = found.get("edits", {"sources": {}})["sources"]
    panels = [
        (name, f"{len(one['points'])} marks in {one['trials']} readings", one["points"],
         one["trials"], edits.get(name, {}).get("outlines", []))
        for name, one in sources
    ]  # fmt: skip
    if not any(points for _, _, points, _, _ in panels):
        return "<p>Nothing was marked.</p>"
    caption = (
        "Where readers set marks: density of marks a reading, smoothed, all panels on one scale. "
        "A square is the picture as shown; pictures are not aligned to each other."
    )
    if edits:
        caption += " Outlines: the masks of the edits of all pictures of the source."
    tags = sorted({tag for _, one in sources for tag in one["tags"]})
    rows = [
        (tag or "no reason given", *(_share(one["tags"].get(tag, 0), one) for _, one in sources))
        for tag in tags
    ]
    head = ("reason", *(name for name, _ in sources))
    return numbers.figure(plots.heat(panels), caption) + numbers.table(
        "Reasons of the marks: number, and share of the marks of the source", head, rows
    )


def _share(count: int, one: dict[str, Any]) -> str:
    return f"{count} ({100 * count / max(1, len(one['points'])):.0f} %)"


def agreement(found: dict[str, Any], numbers: Numbers) -> str:
    one = found["agreement"]
    if "note" in one:
        return f"<p>{escape(one['note'])}</p>"
    alpha, icc = one["krippendorff_ordinal"], one["intraclass"]
    words = plots.told(alpha) if alpha["value"] is not None else "not defined"
    more = [f"ICC(2,1) {icc['icc2']:.2f}" if icc["icc2"] is not None else ""]
    more.append(f"ICC(2,k) {icc['icc2k']:.2f}" if icc.get("icc2k") is not None else "")
    if one.get("fleiss_binary") is not None:
        more.append(f"Fleiss' kappa of the decision {one['fleiss_binary']:.2f}")
    rows = [
        (
            row["reader"],
            str(row["count"]),
            plots.told(row["equal"], percent=True),
            number(row["kappa_quadratic"]),
        )
        for row in found["repeats"]
    ]
    caption = (
        "Quadratically weighted kappa of every two readers. Krippendorff's alpha (ordinal) of "
        f"all: {words}, bootstrap of cases. {', '.join(word for word in more if word)}."
    )
    return (
        "<h3>Agreement</h3>"
        + numbers.figure(plots.matrix(one["readers"], one["kappa_quadratic"]), caption)
        + numbers.table(
            "Readers with themselves: pictures shown twice, the same answer with "
            f"{numbers.percent} % CI (Wilson), weighted kappa",
            ("reader", "repeats", "same answer", "weighted kappa"),
            rows,
        )
    )


def session(
    found: dict[str, Any],
    span: tuple[float, float],
    numbers: Numbers,
    middle: float | None,
    title: str = "",
) -> str:
    over = found["over_session"]
    stretches = over.get("stretches", [])
    if not stretches:
        return ""
    percent = not title and span == (0.0, 1.0)
    rhos = [one["rho"] for one in over["readers"].values() if one["rho"] is not None]
    said = "Spearman's correlation with the place: "
    said += ", ".join(
        f"{reader} {number(one['rho'])} ({p_of(one['p'])})"
        for reader, one in over["readers"].items()
        if one["rho"] is not None
    )
    usual = "right answers" if middle is not None else "yes" if percent else "mean rating"
    caption = (
        "Along the order of trials: mean of the readers' means in stretches of twenty places, with "
        f"95 % t intervals for readers as random.{f' {said}.' if rhos else ''}"
    )
    drawn = plots.series(
        [(one["from"], one["to"], one) for one in stretches], span, title or usual, percent, middle
    )
    return "<h3>Along the order of trials</h3>" + numbers.figure(drawn, caption)


def choice(found: dict[str, Any], numbers: Numbers) -> str:
    whole = sum(found["counts"].values())
    rows = [
        (name, str(count), f"{100 * count / max(1, whole):.0f} %")
        for name, count in found["counts"].items()
    ]
    return numbers.table("Answers, first showings", ("answer", "times", "share"), rows)


def number(value: float | None, digits: int = 2) -> str:
    return "" if value is None else _signed(f"{value:.{digits}f}")


def p_of(value: float | None) -> str:
    if value is None:
        return ""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _signed(word: str) -> str:
    return word.replace("-", "\u2212")


SECTIONS: dict[str, Callable[[dict[str, Any], Numbers], str]] = {
    "turing": decision,
    "forced_choice": decision,
    "rating": rating,
    "preference": preference,
    "marks": marks,
    "choice": choice,
}
