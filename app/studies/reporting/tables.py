"""Tables and numbered captions of a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

TIGHT = 100  # letters that fit beside each other on paper
ESTIMATE = 22  # letters of the longest one
UNBROKEN = 24  # letters of a word that keeps its line
LONG = 12  # rows of a table that is not kept on one page


@dataclass
class Numbers:
    """Counts figures and tables through the report, so that a text can cite them."""

    percent: int
    figures: int = 0
    tables: int = 0

    def figure(self, drawn: str, caption: str) -> str:
        self.figures += 1
        words = f"<b>Figure {self.figures}.</b> {escape(caption)}"
        return f"<figure>{drawn}<figcaption>{words}</figcaption></figure>"

    def table(self, caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """A table, or one word where it has no row."""
        if not rows:
            return f"<p>{escape(caption)}: none.</p>"
        self.tables += 1
        kind = _kind_of([head, *rows])
        words = f"<caption><b>Table {self.tables}.</b> {escape(caption)}</caption>"
        top = "".join(f"<th scope=col{_set(one)}>{escape(one)}</th>" for one in head)
        lines = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
        return f"<table{kind}>{words}<thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def _cell(words: str) -> str:
    return f"<td{_set(str(words))}>{escape(str(words))}</td>"


def _set(words: str) -> str:
    """How a cell is set: an estimate or a p on one line, a long name broken anywhere."""
    if words.startswith("p ") or ("(" in words and len(words) <= ESTIMATE):
        return " class=one"
    longest = max((len(word) for word in words.split()), default=0)
    return " class=any" if longest > UNBROKEN else ""


def _kind_of(rows: Sequence[Sequence[str]]) -> str:
    """How a table is set: ``tight`` ones need no break within a cell, ``long`` ones may go over
    the end of a page."""
    widest = [max(len(str(one)) for one in column) for column in zip(*rows, strict=True)]
    kinds = ["tight"] * (sum(widest) + 2 * len(widest) <= TIGHT) + ["long"] * (len(rows) > LONG)
    return f' class="{" ".join(kinds)}"' if kinds else ""
