"""The report parser against sentences whose meaning was decided by hand, and against any text."""

import re
from pathlib import Path

import pytest

from engine.reports.parser import Mention, read_report

TABLE = Path(__file__).with_name("report_sentences.tsv")
SIGNS = {"-": "absent", "?": "uncertain", "<": "past"}
ROWS = [
    line.split("\t")
    for line in TABLE.read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def expected(cell: str) -> list[Mention]:
    """ "? effusion left lower {small}" as a value; "none" is no mention at all."""
    return [] if cell == "none" else [mention(one.strip()) for one in cell.split(";")]


def mention(text: str) -> Mention:
    form = re.fullmatch(
        r"([-?<]?) ?([a-z ]+?)(?: (left|right|both))?(?: (upper|middle|lower))?(?: \{([a-z ]+)\})?",
        text,
    )
    assert form is not None, text
    sign, finding, side, zone, degree = form.groups()
    return Mention(finding, side, zone, SIGNS.get(sign, "present"), degree)  # type: ignore[arg-type]


def without_words(report: str) -> list[Mention]:
    return [
        Mention(m.finding, m.side, m.zone, m.certainty, m.degree)
        for m in read_report(report).mentions
    ]


@pytest.mark.parametrize(("kind", "sentence", "meaning"), ROWS)
def test_a_sentence_is_read_as_it_was_meant(kind, sentence, meaning):
    assert without_words(sentence.replace("\\n", "\n").replace("\\t", "\t")) == expected(meaning)
