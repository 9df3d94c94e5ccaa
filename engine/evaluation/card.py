"""The model card: what the models are, what was measured, and what they cannot do.

Figures come from the results of one evaluation and from nowhere else; what that run did not
measure is said to be so. Sheets are linked where they lie in ``cards`` beside the card, and
``eyes.md``, written by whoever looked at them, is taken in as it stands.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.evaluation.card_text import (
    ABOUT,
    CANNOT,
    DATA,
    FINDINGS_NOTE,
    HOW,
    LICENCE,
    PURPOSE,
    SHEETS,
    TASKS,
)

CARD, EYES, SHEETS_FOLDER = "MODEL_CARD.md", "eyes.md", "cards"
NOT_MEASURED = "Not measured in this run."
TELLS_APART = 0.8  # two-sample accuracy from which a film is said to be told from a real one
WEAK = 0.5  # share of hits below which an offered finding is called weak
Results = Mapping[str, Any]


def write_card(results: Results, folder: Path) -> Path:
    """Write the card into ``folder`` from the results of an evaluation; returns its path."""
    parts = [
        f"# The models of {_name(results)}",
        PURPOSE,
        _run(results),
        _models(results),
        "## What it is for, and what not\n\n" + ABOUT,
        "## Films it was trained on\n\n" + DATA,
        "## Gates\n\n" + _gates(results),
        "## Measured",
        "### The reader of organs\n\n" + _segmenter(results),
        "### Is the drawing obeyed?\n\n" + _obedience(results),
        "### Do findings appear?\n\n" + _findings(results),
        "### Do the films look real?\n\n" + _realism(results),
        "### Are they copies?\n\n" + _copies(results),
        "### What the codec keeps\n\n" + _codec(results),
        "### Upscaling\n\n" + _upscaling(results),
        "### Time\n\n" + _sampling(results),
        _sheets(folder),
        _eyes(folder),
        "## What it cannot do\n\n" + "\n".join(f"- {limit}" for limit in limits(results)),
        "## How it was measured\n\n" + HOW,
        "## Licence\n\n" + LICENCE,
    ]
    path = folder / CARD
    path.write_text("\n\n".join(part for part in parts if part) + "\n", "utf-8")
    return path


def limits(results: Results) -> list[str]:
    """What the models cannot do: what is known of them anyway, and what the figures say."""
    said: list[str] = list(CANNOT)
    missed = [g for g in results.get("gates") or () if g.get("holds") is False]
    for gate in missed:
        said.append(f"A gate of the project is missed: {gate['gate']} is {_value(gate)}, "
                    f"and must be {gate.get('must', 'better')}.")  # fmt: skip
    findings = results.get("findings") or {}
    absent = [name for name, f in findings.items() if not f.get("offered")]
    if absent:
        said.append(
            f"Not offered, because they do not appear reliably when asked for: {_list(absent)}."
        )
    weak = [n for n, f in findings.items() if f.get("offered") and (f.get("rate") or 0) < WEAK]
    if weak:
        said.append(
            f"Offered, but seen by the judging network in fewer than half of the films: "
            f"{_list(weak)}."
        )
    accuracy = ((results.get("realism") or {}).get("two_sample") or {}).get("generated")
    if accuracy is not None and accuracy >= TELLS_APART:
        said.append(
            f"A small network tells drawn films from real ones in {accuracy:.0%} of cases "
            "(50% would be guessing)."
        )
    return said


def _name(results: Results) -> str:
    return str(results.get("name") or "XReal Studio")


def _run(results: Results) -> str:
    facts = [f"Written by `{results.get('command') or 'python -m engine evaluate'}`"]
    if results.get("date"):
        facts.append(f"on {results['date']}")
    if results.get("device"):
        facts.append(f"({results['device']})")
    if results.get("minutes") is not None:
        facts.append(f"(the last run of it took {_round(results['minutes'], 0)} minutes)")
    if results.get("seed") is not None:
        facts.append(f"with seed {results['seed']}")
    quick = (
        " This was a **quick** run with few films: its figures only show that the command works."
        if results.get("quick")
        else ""
    )
    return " ".join(facts) + "." + quick


def _models(results: Results) -> str:
    models: Mapping[str, Any] = results.get("models") or {}
    if not models:
        return NOT_MEASURED
    rows = []
    for name, model in models.items():
        training = model.get("training") or {}
        seen = training.get("films") or training.get("maps")
        size = f"{model['bytes'] / 1e6:.1f} MB" if model.get("bytes") else ""
        minutes = _round(training.get("minutes"), 0, "")
        digest = str(model.get("sha256") or "")[:12]
        licence = str(model.get("licence") or "")
        rows.append([name, TASKS.get(name, ""), size, f"{seen or ''}", minutes, digest, licence])
    head = ["model", "what it does", "size", "films", "minutes of training", "SHA-256", "licence"]
    return _table(head, rows)


def _gates(results: Results) -> str:
    gates: Sequence[Mapping[str, Any]] = results.get("gates") or ()
    if not gates:
        return NOT_MEASURED
    holds = {True: "holds", False: "**missed**", None: "not measured"}
    rows = [
        [g["gate"], g.get("must", ""), _value(g), holds[g.get("holds")], g.get("detail", "")]
        for g in gates
    ]
    return _table(["gate", "must be", "is", "", "how"], rows)


def _segmenter(results: Results) -> str:
    found = results.get("segmenter") or {}
    if not found.get("dice"):
        return NOT_MEASURED
    dice = found["dice"]
    return (
        f"Dice against human masks of {found.get('films', '?')} held-out films: "
        + ", ".join(f"{organ} {_round(value, 3)}" for organ, value in dice.items())
        + ". It judges obedience below, so its own error is part of those figures."
    )


def _obedience(results: Results) -> str:
    ways = results.get("obedience") or {}
    if not ways:
        return NOT_MEASURED
    names = {"map": "map given to the network", "controller": "anatomy controller (XReal's way)"}
    rows = []
    for way, kinds in ways.items():
        for kind, f in kinds.items():
            dice, low = f.get("dice") or {}, f.get("dice_10th") or {}
            organs = [
                f"{_round(dice.get(o), 3)} ({_round(low.get(o), 3)})"
                for o in ("left lung", "right lung", "heart")
            ]
            ratio = [_round(f.get(k), 3) for k in ("ratio_r", "ratio_slope", "ratio_error")]
            label = f"{names.get(way, way)}, {kind}"
            rows.append([label, f"{f.get('maps', '')}", *organs, *ratio])
    head = ["way", "maps", "left lung", "right lung", "heart", "ratio: r", "slope", "mean error"]
    return (
        "Dice between the drawn map and the map read from the film, mean and (in brackets) the "
        "worst tenth's upper bound; and how heart width over chest width, drawn, is found "
        f"again.\n\n{_table(head, rows)}\n\n{_better_way(ways)}".rstrip()
    )


def _better_way(ways: Mapping[str, Any]) -> str:
    """Which way of obeying is better on healthy maps, where both were measured."""
    both = [(ways.get(way) or {}).get("healthy") for way in ("map", "controller")]
    if not all(f and f.get("dice") for f in both):
        return ""
    by_map, by_controller = (sum(f["dice"].values()) / len(f["dice"]) for f in both if f)
    better = "the map given to the network" if by_map >= by_controller else "the controller"
    return (
        f"Mean Dice of the three organs on the same healthy maps: {by_map:.3f} with the map given "
        f"to the network, {by_controller:.3f} through the controller. Better is {better}."
    )


def _findings(results: Results) -> str:
    findings = results.get("findings") or {}
    if not findings:
        return NOT_MEASURED
    rows = []
    for name, f in findings.items():
        low, high = f.get("interval") or (None, None)
        hits = f"{f['hits']} of {f['of']}" if f.get("of") is not None else ""
        rows.append(
            [
                name,
                "yes" if f.get("offered") else "no",
                hits,
                f"{_percent(f.get('rate'))} ({_percent(low)} to {_percent(high)})",
                _percent(f.get("without")),
                _round(f.get("auc_real"), 2),
                _round(f.get("mean_change"), 2),
            ]
        )
    head = ["finding", "offered", "hits", "rate (95% interval)", "rate without",
            "AUC of the judge", "change of its score"]  # fmt: skip
    return f"{FINDINGS_NOTE}\n\n{_table(head, rows)}"


def _realism(results: Results) -> str:
    found = results.get("realism") or {}
    if not found:
        return NOT_MEASURED
    rows = []
    for key, label, digits in (
        ("two_sample", "a fresh network tells them from real films (accuracy)", 3),
        ("frechet", "Fréchet distance to real films", 2),
        ("kid_x1000", "kernel distance (KID) x 1000", 1),
    ):
        values = found.get(key) or {}
        kinds = ("generated", "reconstructed", "real")
        rows.append([label, *(_round(values.get(kind), digits) for kind in kinds)])
    table = _table(["", "drawn films", "real films through the codec", "other real films"], rows)
    others = ", ".join(
        f"{name} {_round(found.get(name), 3)}"
        for name in ("precision", "recall", "density", "coverage")
    )
    where = f" Space of features: {found['space']}." if found.get("space") else ""
    films = f" {found['n']} films a set." if found.get("n") else ""
    return (
        f"{table}\n\nOf the drawn films: {others}.{where}{films} An accuracy of 0.5 is guessing; "
        "distances are to be read beside those of other real films."
    )


def _copies(results: Results) -> str:
    found = results.get("copies") or {}
    if not found:
        return NOT_MEASURED
    ratios = ", ".join(f"{name} {_round(v, 2)}" for name, v in (found.get("ratio") or {}).items())
    pairs = found.get("pairs_above_0.9")
    return (
        "Distance of drawn films to their nearest training film, over the same for real held-out "
        f"films (well below 1 would mean copying): {ratios or 'not measured'}. Highest structural "
        f"similarity (SSIM) of a drawn film with a training film: "
        f"{_round(found.get('max_ssim'), 3)}; pairs above 0.9: "
        f"{'not measured' if pairs is None else pairs}."
    )


def _codec(results: Results) -> str:
    found = results.get("codec") or {}
    names = {
        "linear": "encoder alone",
        "fidelity": "fidelity decoder (keeps)",
        "texture": "texture decoder (invents grain)",
    }
    rows = [
        [label, *(_round((found.get(key) or {}).get(m), d) for m, d in MEASURES)]
        for key, label in names.items()
        if found.get(key)
    ]
    if not rows:
        return NOT_MEASURED
    films = f" {found['films']} held-out films at 256 px." if found.get("films") else ""
    return f"{_table(['', 'PSNR, dB', 'SSIM', 'MSE'], rows)}\n\nMeans of{films or ' the films.'}"


MEASURES = (("psnr", 2), ("ssim", 3), ("mse", 5))


def _upscaling(results: Results) -> str:
    found = results.get("upscaling") or {}
    rows = [
        [name, *(_round(f.get(m), d) for m, d in MEASURES)]
        for name, f in found.items()
        if isinstance(f, Mapping)
    ]
    if not rows:
        return NOT_MEASURED
    table = _table(["256 to 1024 px", "PSNR, dB", "SSIM", "MSE"], rows)
    return f"{table}\n\nDetail that is invented costs PSNR: a blurred film is closer on average."


def _sampling(results: Results) -> str:
    found = results.get("sampling") or {}
    seconds = found.get("seconds") or {}
    if not seconds:
        return NOT_MEASURED
    rows = [[str(name), _round(value, 1)] for name, value in seconds.items()]
    steps = f" with {found['steps']} steps" if found.get("steps") else ""
    return f"Seconds{steps} on this run's device.\n\n{_table(['what', 'seconds'], rows)}"


def _sheets(folder: Path) -> str:
    there = [
        f"![{name}]({SHEETS_FOLDER}/{name}.jpg)\n\n*{caption}*"
        for name, caption in SHEETS.items()
        if (folder / SHEETS_FOLDER / f"{name}.jpg").is_file()
    ]
    if not there:
        return ""
    return "## Sheets\n\nNothing on them was chosen.\n\n" + "\n\n".join(there)


def _eyes(folder: Path) -> str:
    path = folder / EYES
    if not path.is_file():
        return ""
    return "## What the sheets show that is still wrong\n\n" + path.read_text("utf-8").strip()


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(c).replace("|", "/") for c in r) + " |" for r in lines)


def _value(gate: Mapping[str, Any]) -> str:
    value = gate.get("value")
    if isinstance(value, str):
        return value
    return _round(value, 3)


def _round(value: Any, digits: int, otherwise: str = "not measured") -> str:
    return otherwise if value is None else f"{value:.{digits}f}"


def _percent(share: float | None) -> str:
    return "not measured" if share is None else f"{share:.0%}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
