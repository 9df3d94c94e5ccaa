"""The secondary models of the report: what they say and what they take for granted."""

from html import escape
from typing import Any

from app.studies.reporting import plots
from app.studies.reporting.sections import p_of
from app.studies.reporting.tables import Numbers

ASSUMED = (
    "It takes for granted that readers and pictures differ independently and normally on the logit "
    "scale{more}; it is fitted by Laplace's approximation, its intervals are Wald's and, with few "
    "readers, too narrow. Secondary: the results above rest on none of this."
)


def model(found: dict[str, Any], numbers: Numbers) -> str:
    """Heading, table and assumptions of the model of one question; nothing where it has none."""
    one = found.get("model")
    if one is None:
        return ""
    if "note" in one:
        said = f"<p>{escape(one['note'])}</p>"
    elif one["kind"] == "odds":
        said = _odds(found, one, numbers)
    else:
        said = _accuracy(one, numbers)
    return f"<h3>Mixed model (secondary)</h3>{said}"


def _odds(found: dict[str, Any], one: dict[str, Any], numbers: Numbers) -> str:
    two = len(found["anchors"]) == 2
    name = "Logistic mixed model" if two else "Ordinal model (proportional odds)"
    answer = f"'{found['anchors'][1]}'" if two else "a higher answer"
    rows = [
        (row["source"], plots.told(row["odds_ratio"]), p_of(row["p"]), p_of(row["p_holm"]))
        for row in one["rows"]
    ]
    caption = (
        f"{name} with readers and pictures as crossed random effects: odds of {answer} against "
        f"{one['reference']} with {numbers.percent} % CI; 1 is no difference. p: Wald's test, "
        "adjusted by Holm"
    )
    steps = "" if two else "at every step of the scale and "
    more = f", and that a source changes the odds alike {steps}for every reader"
    drawn = numbers.table(caption, ("source", "odds ratio", "p", "p (Holm)"), rows)
    return drawn + _spread(one) + f"<p>{ASSUMED.format(more=more)}</p>"


def _accuracy(one: dict[str, Any], numbers: Numbers) -> str:
    share = plots.told(one["accuracy"], percent=True)
    said = (
        "<p>Logistic mixed model of right answers with readers and pictures as crossed random "
        f"effects: mean share over readers and pictures like these {share} ({numbers.percent} % CI "
        "at the estimated standard deviations; 50 % is guessing).</p>"
    )
    more = ", all sources together, so that differences between sources count as ones of pictures"
    planned = "<p>The page <i>Size</i> takes these for the plan of a further study.</p>"
    return said + _spread(one) + planned + f"<p>{ASSUMED.format(more=more)}</p>"


def _spread(one: dict[str, Any]) -> str:
    return (
        f"<p>Standard deviations on the logit scale: readers {one['reader_sd']:.2f}, pictures "
        f"{one['case_sd']:.2f}.</p>"
    )
