"""Marks against the masks of edits, in the report: found, missed, and what chance would find."""

from html import escape
from typing import Any

from app.studies.reporting import plots
from app.studies.reporting.tables import Numbers


def localisation(found: dict[str, Any], numbers: Numbers) -> str:
    """Heading and tables for a question of marks whose pictures have masks; else nothing."""
    edits = found.get("edits")
    if not edits:
        return ""
    tolerance = edits["tolerance"]
    sources = sorted(edits["sources"].items(), key=lambda one: (one[1]["synthetic"], one[0]))
    dropped = sum(one["cases_not_read_by_all"] for _, one in sources)
    left = f" {dropped} pictures that not every reader has read are left out." if dropped else ""
    if edits["review_of_edits"]:
        left += (
            " A mark on either picture counts, since both show the same place; marks outside are "
            "changes beyond the one in question."
        )
    parts = [
        "<h3>Marks and the masks of the edits</h3>",
        f"<p>A hit is a trial with a mark within the mask of the edit, or up to "
        f"{_percent(tolerance, 1)} of the picture's side outside of it. No mark is no hit.{left}"
        "</p>",
        _found(sources, numbers),
        _widths(sources, numbers),
        _readers(sources, numbers),
    ]
    return "".join(parts)


def _found(sources: list[tuple[str, dict[str, Any]]], numbers: Numbers) -> str:
    rows = [
        (
            name,
            f"{one['cases']}, {one['trials']}",
            _told(one["hit"]),
            _told(one["bootstrap"]),
            _percent(one["blind"]),
            f"{one['marks_inside']}, {one['marks_outside']}",
        )
        for name, one in sources
    ]
    caption = (
        f"Trials with a mark on the edit, with {numbers.percent} % CI for readers and pictures as "
        "random (Obuchowski-Rockette; Wilson's over pictures where all trials are alike) and by "
        "two-way bootstrap. Blind: what the same numbers of marks would hit, each set anywhere in "
        "the picture at random. Readers do not look everywhere alike, so a hit rate a little above "
        "it shows little"
    )
    head = ("source", "pictures, trials", "hit", "two-way bootstrap", "blind", "marks in, out")
    return numbers.table(caption, head, rows)


def _widths(sources: list[tuple[str, dict[str, Any]]], numbers: Numbers) -> str:
    rows = [
        (name, _percent(at["tolerance"], 1), _told(at["hit"]), _percent(at["area"], 1))
        for name, one in sources
        for at in one["tolerances"]
    ]
    caption = (
        "How far the result hangs on the tolerance: without one, with that of the plan, and with "
        "twice as much. Area: what of the picture counts, which is how often one mark set "
        "anywhere at random would hit"
    )
    head = ("source", "tolerance, of the side", "hit", "area")
    return numbers.table(caption, head, rows)


def _readers(sources: list[tuple[str, dict[str, Any]]], numbers: Numbers) -> str:
    rows = [
        (row["reader"], name, f"{row['hits']} of {row['trials']}", _told(row["hit"]))
        for name, one in sources
        for row in one["readers"]
    ]
    caption = f"Hits of each reader with {numbers.percent} % CI (Wilson)"
    return numbers.table(caption, ("reader", "source", "hits", "share"), rows)


def _told(one: dict[str, Any]) -> str:
    return "" if one["value"] is None else escape(plots.told(one, percent=True))


def _percent(share: float | None, digits: int = 0) -> str:
    return "" if share is None else f"{100 * share:.{digits}f} %"
