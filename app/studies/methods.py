"""The methods paragraph and the reporting checklist, filled in from the study itself."""

from typing import Any

from app.studies.analysis.data import Data

MEASURES = {
    "accuracy": "the share of right answers",
    "rating": "the mean rating by source",
    "preference": "the strength of preference by source",
}
MODELS = {
    "accuracy": "a logistic mixed model of right answers",
    "odds": "proportional-odds models of ratings by source",
}
KINDS = {"single": "one picture", "pair": "two pictures side by side", "edit": "before and after"}


def methods_paragraph(data: Data, results: dict[str, Any]) -> str:
    """A paragraph for a manuscript: what was done, in whole sentences, nothing that was not."""
    study = data.design.study
    order, plan = study.protocol.order, study.protocol.plan
    main = [case for case in study.cases if case.role == "main"]
    sources = {case.source: 0 for case in main}
    for case in main:
        sources[case.source] += 1
    shown = ", ".join(f"{count} from {source}" for source, count in sorted(sources.items()))
    first = study.protocol.parts[0]
    words = [
        f"{_who_answered(data)}, {KINDS[first.kind]} at a time, in an order drawn for each "
        f"reader and stored before the first answer (seed {study.seed}, PCG64).",
        f"The pictures were {shown}. {study.selection}".strip(),
        f"Pictures of one scene were at least {order.gap} trials apart; "
        f"{100 * order.repeats:.3g} % of trials were shown again for agreement of readers with "
        "themselves and count in nothing else.",
        "Sources were not told, file names and metadata held nothing of them, and no accuracy was "
        "computed before the study was closed.",
        f"The design was frozen with SHA-256 {data.design.sha256}; deviations: "
        f"{len(data.amendments) or 'none'}.",
        f"The main result, fixed at the freeze, is {MEASURES[plan.measure]} ('{plan.question}') "
        f"with a {100 * plan.confidence:.0f} % interval for readers and cases as random "
        "(Obuchowski-Rockette with the degrees of freedom of Hillis)"
        if plan.measure != "preference"
        else f"The main result, fixed at the freeze, is {MEASURES[plan.measure]} "
        "(Bradley-Terry, bootstrap over readers and pairs)",
    ]
    margin = (
        "" if plan.measure == "preference" else f"; the margin of equivalence was {plan.margin:g}"
    )
    words[-1] += f"{margin}."
    fitted = {
        one["model"]["kind"]
        for part in results["parts"].values()
        for one in part.values()
        if "note" not in one.get("model", {"note": ""})
    }
    if fitted:
        named = [MODELS[kind] for kind in sorted(fitted)]
        words.append(
            f"Secondary analyses were {' and '.join(named)}, with readers and pictures as crossed "
            "random effects, fitted by Laplace's approximation."
        )
    located = any("edits" in one for part in results["parts"].values() for one in part.values())
    if located:
        masked = sum(bool(case.mask) for case in main)
        words.append(
            f"For {masked} pictures a mask said where they had been edited; it went through the "
            "framing of its picture and was shown to nobody. A trial was a hit when a mark lay "
            f"within the mask or up to {100 * plan.tolerance:g} % of the picture's side outside of "
            "it, a tolerance fixed at the freeze; hit rates are given for readers and pictures as "
            "random, beside what the same numbers of marks at random places would hit."
        )
    out = results["readers_left_out"]
    words.append(f"Readers left out: {len(out) or 'none'}.")
    if study.pilot:
        words.insert(0, "This is a pilot; its answers belong to no other study.")
    return " ".join(words)


def _who_answered(data: Data) -> str:
    """Readers who answered, and their trials: who never came is not said to have read."""
    invited = data.design.study.readers
    trials = len(data.design.of_reader(invited[0].reader_id))
    submitted: dict[str, set[str]] = {}
    for one in data.readings:
        submitted.setdefault(one.reader_id, set()).add(one.trial_id)
    came = [reader for reader in invited if reader.reader_id in submitted]
    independent = sum(reader.independent for reader in came)
    of_them = f"({independent} independent of the development)"
    counts = [len(submitted[reader.reader_id]) for reader in came]
    least, most = (min(counts), max(counts)) if counts else (0, 0)
    if least == trials:
        each = f"each answered {trials} trials"
    else:
        answered = str(most) if least == most else f"{least} to {most}"
        each = f"answered {answered} of {trials} trials each"
    if len(came) == len(invited):
        return f"{len(came)} readers {of_them} {each}"
    return f"{len(came)} of {len(invited)} readers who were given a code {of_them} {each}"


def checklist(data: Data, results: dict[str, Any]) -> list[tuple[str, str]]:
    """What checklists for imaging AI and for agreement studies ask, with what is known here."""
    study = data.design.study
    came = len({one.reader_id for one in data.readings})
    people = [
        f"{r.reader_id}: {r.years or 'years not given'}, {r.specialty or 'not given'}"
        for r in study.readers
    ]
    unknown = "not recorded: fill in"
    return [
        ("Ethics or its waiver", study.ethics or "none given"),
        ("Sources of the pictures", ", ".join(sorted({case.source for case in study.cases}))),
        ("How pictures were selected", study.selection or unknown),
        ("Readers, experience", "; ".join(people)),
        (
            "Readers independent of the developers",
            "; ".join(f"{r.reader_id}: {'yes' if r.independent else 'no'}" for r in study.readers),
        ),
        ("Instructions to readers", study.protocol.instructions),
        ("Blinding", "sources hidden by construction; truth given out after unblinding only"),
        ("Order of trials", f"drawn per reader, seed {study.seed}, stored at the freeze"),
        ("Training", f"{sum(case.role == 'practice' for case in study.cases)} practice pictures"),
        ("Display", "sizes and scale noted with the answers; not calibrated by this program"),
        (
            "Sample size",
            f"{came} of {len(study.readers)} readers answered, "
            f"{sum(case.role == 'main' for case in study.cases)} pictures",
        ),
        ("Agreement between and within readers", "in the results"),
        ("Margin and plan fixed in advance", f"yes, design {data.design.sha256}"),
        ("Deviations from the plan", str(len(data.amendments) or "none")),
        ("Readers left out", str(results["readers_left_out"] or "none")),
        ("Memorised training pictures searched for", unknown),
    ]
