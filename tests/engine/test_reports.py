"""The report parser against sentences whose meaning was decided by hand, and against any text."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.reports.parser import Mention, read_report
from engine.reports.sentences import LONGEST, sentences
from engine.vocabulary import FINDINGS, PARTS

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


def test_the_table_holds_enough_of_every_kind():
    count = {kind: sum(row[0] == kind for row in ROWS) for kind in {row[0] for row in ROWS}}
    denied = sum(cell.startswith("- ") or "; - " in cell for _, _, cell in ROWS)
    doubted = sum(cell.startswith("? ") or "; ? " in cell for _, _, cell in ROWS)

    assert len(ROWS) >= 200 and all(len(row) == 3 for row in ROWS)
    assert denied >= 50 and doubted >= 30
    assert count["place"] >= 20 and count["heading"] >= 10
    assert count["pseudo"] >= 10 and count["unlisted"] >= 10


def test_every_finding_of_the_tables_is_met_in_a_sentence():
    met = {one.finding for _, _, cell in ROWS for one in expected(cell)}
    parts = {finding for finding, _, _ in PARTS.values()}

    assert {*FINDINGS, *parts} - met == set()


@pytest.mark.parametrize(("sentence", "said"), [
    ("There is a left  pleural\n effusion.", "pleural\n effusion"),
    ("Œdème? Pulmonary œdema.", "Pulmonary œdema"),
    ("The heart is mildly enlarged.", "heart is mildly enlarged"),
    ("👍👍 Left effusion", "effusion"),
])  # fmt: skip
def test_a_mention_knows_where_it_was_written(sentence, said):
    mentions = read_report(sentence).mentions

    assert [sentence[slice(*m.words)] for m in mentions] == [said]


def test_headings_that_were_passed_over_are_told_once():
    report = read_report("HISTORY: x.\nCOMPARISON: y.\nHISTORY: z.\nFINDINGS: Effusion.")

    assert report.passed_over == ("history", "comparison")


@pytest.mark.parametrize(
    "way", [str.upper, str.lower, str.title, lambda s: s.replace(" ", "  \t ")]
)
@pytest.mark.parametrize(
    ("kind", "sentence", "meaning"), [row for row in ROWS if "\\n" not in row[1]]
)
def test_case_and_blanks_change_nothing(kind, sentence, meaning, way):
    assert without_words(way(sentence.replace("\\t", "\t"))) == expected(meaning)


SPOKEN = """
no not without or and nor , . ; : ? left right effusion edema heart enlarged lungs clear possible
versus history of prior the is small large indication: findings: 1. r l / - é normal cannot
exclude 🫁 unchanged resolved but with lower upper mass atelectasis
"""
SPEECH = st.text(max_size=400) | st.lists(
    st.sampled_from(["\n", "\n\n", *SPOKEN.split()]), max_size=120
).map(" ".join)


@given(SPEECH)
@settings(max_examples=150, deadline=None, database=None, derandomize=True)
def test_any_text_gives_mentions_that_lie_in_it_in_order(text):
    mentions = read_report(text).mentions

    ends = [m.words for m in mentions]
    assert all(0 <= begin < end <= len(text) for begin, end in ends)
    assert [begin for begin, _ in ends] == sorted(begin for begin, _ in ends)
    assert {m.finding for m in mentions} <= {*FINDINGS, *(part[0] for part in PARTS.values())}


@given(SPEECH)
@settings(max_examples=100, deadline=None, database=None, derandomize=True)
def test_a_second_report_after_an_empty_line_changes_nothing_in_the_first(text):
    first = read_report(text + ".\n\nFINDINGS: ").mentions

    assert read_report(text + ".\n\nFINDINGS: No fracture.").mentions[: len(first)] == first


LONG = 100_000  # characters
HARD = [
    "no effusion or ",
    "left ",
    "(",
    "a",
    " ",
    "\n",
    "?",
    "no ",
    "heart is ",
    "not significantly ",
    "the right upper and left lower effusion, ",
    "history: ",
    "effusion ",
    "possible, ",
    "🫁",
    "é",
    "no acute active significant ",
    "and",
    "1. ",
    "vs. ",
    "heart size and mediastinum and ",
]


@pytest.mark.parametrize("piece", HARD)
def test_the_work_grows_no_faster_than_the_text(piece):
    """Counted, not timed: characters of sentences never add up to more than the text."""
    text = (piece * LONG)[:LONG]

    found, _ = sentences(text)

    assert sum(len(s.text) for s in found) <= LONG
    assert max((len(s.text) for s in found), default=0) <= LONGEST
    assert all(0 <= a < b <= LONG for a, b in (m.words for m in read_report(text).mentions))
