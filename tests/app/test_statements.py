import pytest

from app.report.statements import Painted, ignored, placed, statements, words_of
from engine.api import Knows

KNOWS = Knows(
    findings=("no finding", "effusion", "opacity", "atelectasis", "consolidation"),
    sides=("left", "right", "both"),
    zones=("upper", "middle", "lower"),
)
FREE = Knows(free_text=True)
A = Painted("A", "moderate pleural effusion", "left", "lower")
B = Painted("B", "patchy opacity", "right", "upper")
REPORT = (
    "Moderate left pleural effusion. Patchy opacity in the right upper zone. Atelectasis at the "
    "right base. No pneumothorax. Heart size normal."
)


def rows(report, painted=(), ratio=None, knows=KNOWS):
    return [(s.mark, s.text, s.note) for s in statements(report, painted, ratio, knows)]


def test_each_statement_is_laid_beside_the_drawing():
    assert rows(REPORT, [A, B], 0.47) == [
        ("tick", "effusion, left", "drawn as A"),
        ("tick", "opacity, right, upper", "drawn as B"),
        ("open", "atelectasis, right, lower", "not drawn"),
        ("dash", "no pneumothorax", "nothing to draw"),
        ("tick", "normal heart", "ratio 0.47 fits"),
    ]


def test_only_what_is_known_and_not_drawn_is_offered_with_the_words_of_the_report():
    offers = {s.text: s.draw for s in statements(REPORT, [B], 0.47, KNOWS) if s.draw}
    assert list(offers) == ["effusion, left", "atelectasis, right, lower"]
    effusion = offers["effusion, left"]
    assert (effusion.words, effusion.side, effusion.zone) == (
        "moderate pleural effusion", "left", None,
    )  # fmt: skip


def test_a_finding_the_model_does_not_know_is_named_and_not_offered():
    (row,) = statements("Fibrosis of the left apex.", (), None, KNOWS)
    assert (row.mark, row.note, row.draw) == ("open", "not known to this model", None)
    (row,) = statements("Fibrosis of the left apex.", (), None, FREE)
    assert row.note == "not drawn" and row.draw is not None


def test_a_region_on_the_wrong_side_does_not_count_as_drawn():
    wrong = Painted("A", "effusion", "right", "lower")
    assert rows("Left effusion.", [wrong]) == [("open", "effusion, left", "A lies right lower")]


def test_both_sides_are_two_regions():
    assert rows("Bilateral effusions.", [A]) == [
        ("open", "effusion, right", "A lies left lower"),
        ("tick", "effusion, left", "drawn as A"),
    ]


def test_what_is_denied_but_drawn_is_said():
    assert rows("No effusion.", [A]) == [("open", "no effusion", "but drawn as A")]


@pytest.mark.parametrize(
    ("report", "ratio", "row"),
    [
        ("Heart size normal.", 0.57, ("open", "normal heart", "ratio 0.57 does not fit")),
        ("The heart is enlarged.", 0.57, ("tick", "enlarged heart", "ratio 0.57 fits")),
        ("Cardiomegaly.", 0.47, ("open", "cardiomegaly", "ratio 0.47 does not fit")),
        ("Heart size normal.", None, ("dash", "normal heart", "nothing to draw")),
        ("Cardiomegaly.", None, ("open", "cardiomegaly", "no heart is drawn")),
    ],
)
def test_the_size_of_the_heart_is_judged_by_the_ratio_drawn(report, ratio, row):
    assert rows(report, (), ratio) == [row]


def test_the_same_statement_is_shown_once():
    assert len(rows("Left effusion. There is a left effusion.")) == 1


def test_words_that_say_nothing_are_named_before_the_run():
    read = words_of("moderate pleural effusion with meniscus", KNOWS)
    assert read.finding == "effusion" and read.refused is None
    assert read.ignored == ("moderate", "meniscus")
    assert ignored("Left effusion with a wombat.", KNOWS) == ("wombat",)


def test_a_negated_finding_is_refused_in_a_sentence():
    refused = words_of("no effusion", KNOWS).refused
    assert refused is not None and "says what is absent" in refused


def test_what_is_negated_beside_a_finding_is_named_as_ignored():
    assert words_of("effusion, no opacity", KNOWS).ignored == ("no opacity",)


@pytest.mark.parametrize(
    ("text", "side", "zone", "answer"),
    [
        ("moderate left-sided pleural effusion", "right", None, "moderate pleural effusion right"),
        ("opacity in the right upper lobe", None, None, "opacity"),
        ("effusion at the left base", "left", "lower", "effusion left lower"),
    ],
)
def test_side_and_zone_are_written_into_the_words(text, side, zone, answer):
    assert placed(text, side, zone) == answer


def test_where_a_finding_lies_is_said_as_far_as_it_is_known():
    drawn = Painted("A", "effusion", "right", None)
    assert rows("Left effusion.", [drawn]) == [("open", "effusion, left", "A lies right")]


def test_a_word_that_looks_misspelt_is_named_with_what_it_may_mean():
    assert ignored("Left efusion with a wombat.", KNOWS) == ("efusion (effusion?)", "wombat")
    assert words_of("effusion in the lwoer zone", KNOWS).ignored == ("lwoer (lower?)",)
