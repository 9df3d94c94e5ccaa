from dataclasses import replace

import pytest

from engine.api import Knows
from engine.errors import InvalidRequest
from engine.reports.spelling import meant
from engine.words import (
    Mention,
    Reading,
    canonical,
    check_words,
    read_words,
    report_words,
)

KNOWS = Knows(
    findings=(
        "atelectasis", "cardiomegaly", "consolidation", "edema", "effusion", "infiltration",
        "opacity", "mass", "nodule", "pleural thickening", "pneumonia", "pneumothorax",
        "no finding",
    ),
    sides=("left", "right", "both"),
    zones=("upper", "middle", "lower"),
    views=("pa view", "ap view"),
)  # fmt: skip

SENTENCES = [
    ("effusion", "effusion"),
    ("Pleural effusion", "effusion"),
    ("left pleural effusion", "effusion left"),
    ("small effusion at the left base", "effusion left lower"),
    ("effusion left lower, cardiomegaly, ap view", "effusion left lower, cardiomegaly, ap view"),
    ("pleural fluid on the right", "effusion right"),
    ("bilateral effusions", "effusion both"),
    ("Blunting of the left costophrenic angle", "effusion left lower"),
    ("Cardiomegaly", "cardiomegaly"),
    ("The heart is enlarged.", "cardiomegaly"),
    ("Heart size is mildly enlarged", "cardiomegaly"),
    ("enlarged cardiac silhouette on the left", "cardiomegaly"),
    ("right pneumothorax", "pneumothorax right"),
    ("left apical pneumothorax", "pneumothorax left upper"),
    ("pneumothoraces on both sides", "pneumothorax both"),
    ("RLL pneumonia", "pneumonia right lower"),
    ("RUL nodule and LLL atelectasis", "nodule right upper, atelectasis left lower"),
    ("effusion and consolidation in the left lower lobe",
     "effusion left lower, consolidation left lower"),
    ("bilateral effusions and cardiomegaly", "effusion both, cardiomegaly"),
    ("left effusion and right pneumothorax", "effusion left, pneumothorax right"),
    ("hazy opacification of the right mid zone", "opacity right middle"),
    ("infiltrate in the lingula", "infiltration left middle"),
    ("airspace disease, right base", "consolidation right lower"),
    ("bibasilar atelectasis", "atelectasis both lower"),
    ("left collapse", "atelectasis left"),
    ("pulmonary oedema, portable", "edema, ap view"),
    ("vascular congestion", "edema"),
    ("lung mass, PA view", "mass, pa view"),
    ("massive effusion", "effusion"),
    ("pleural thickening, right", "pleural thickening right"),
    ("No pneumothorax.", ""),
    ("No focal consolidation, pleural effusion, or pneumothorax.", ""),
    ("No effusion, the heart is enlarged", "cardiomegaly"),
    ("No effusion but a left pneumothorax", "pneumothorax left"),
    ("Nodule right upper. No effusion. Cardiomegaly.", "nodule right upper, cardiomegaly"),
    ("cardiomegaly without edema", "cardiomegaly"),
    ("negative for pneumonia", ""),
    ("The heart is not enlarged", ""),
    ("Pneumothorax is not seen; left effusion.", "effusion left"),
    ("pneumothorax: none", ""),
    ("Lungs are clear.", "no finding"),
    ("No acute cardiopulmonary abnormality", "no finding"),
    ("no finding", "no finding"),
    ("normal chest", "no finding"),
    ("AP film. Unremarkable apart from a left nodule.", "nodule left, ap view"),
    ("", ""),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "prompt"), SENTENCES)
def test_a_sentence_becomes_the_words_of_the_model(sentence, prompt):
    assert canonical(read_words(sentence, KNOWS)) == prompt


def test_what_is_denied_is_kept_apart():
    reading = read_words("No effusion or pneumothorax. Left nodule.", KNOWS)

    assert reading.negated == ("effusion", "pneumothorax")
    assert reading.findings == (Mention("nodule", "left"),)


def test_a_finding_that_the_model_lacks_becomes_its_nearest_word():
    few = Knows(findings=("Pleural effusion", "Opacity"))

    reading = read_words("infiltrates, fluid", few)

    assert [m.finding for m in reading.findings] == ["Opacity", "Pleural effusion"]


def test_places_that_the_model_does_not_know_are_left_out():
    assert canonical(read_words("left lower effusion", Knows(findings=("effusion",)))) == "effusion"


def test_words_that_nobody_knows_are_reported():
    reading = read_words("hernia and a left effusion near the zeppelin", KNOWS)

    assert reading.unknown == ("hernia", "near", "zeppelin")
    assert reading.findings == (Mention("effusion", "left"),)


def test_a_region_fills_in_only_what_the_words_leave_open():
    reading = read_words("right effusion, cardiomegaly", KNOWS).located("left", "lower")

    assert canonical(reading) == "effusion right lower, cardiomegaly"
    assert Reading().located("left", "lower") == Reading()


def test_unknown_words_of_a_finding_are_refused_with_the_known_ones():
    with pytest.raises(InvalidRequest, match=r"does not know 'zeppelin'. It knows: .*effusion"):
        check_words("zeppelin", KNOWS)


def test_a_denied_finding_cannot_be_painted():
    with pytest.raises(InvalidRequest, match="leave the words empty"):
        check_words("no effusion", KNOWS)


def test_a_model_that_reads_free_text_takes_any_words():
    assert check_words("zeppelin", Knows(free_text=True)).findings == ()


FEW = Knows(
    findings=("effusion", "consolidation", "no finding"),
    sides=("left", "right", "both"),
    zones=("upper", "middle", "lower"),
    views=("ap",),
)


def test_a_finding_that_the_model_cannot_draw_is_told_in_a_note_by_its_own_name():
    words, notes = report_words("Left effusion, hiatal hernia.", FEW, "M")

    assert words == "effusion left"
    assert notes == ("The model 'M' cannot draw: hiatal hernia. That was left out.",)


def test_what_is_drawn_in_place_of_a_finding_is_told():
    words, notes = report_words("RLL pneumonia.", FEW, "M")

    assert words == "consolidation right lower"
    assert notes == ("'pneumonia' is drawn as 'consolidation', the nearest that 'M' knows.",)


def test_an_uncertain_finding_is_drawn_and_told():
    words, notes = report_words("Possible left effusion.", FEW, "M")

    assert words == "effusion left"
    assert notes == ("Uncertain in the words, drawn all the same: effusion.",)


def test_a_finding_that_is_certain_elsewhere_is_not_called_uncertain():
    assert read_words("Possible effusion. Left effusion.", FEW).uncertain == ()


def test_what_is_past_or_denied_is_not_drawn():
    words, notes = report_words("History of consolidation. No effusion.", FEW, "M")

    assert words == ""
    assert notes == ("Of the past, therefore not drawn: consolidation.",)


def test_headings_that_tell_nothing_of_the_film_are_named():
    words, notes = report_words("INDICATION: effusion? FINDINGS: Consolidation.", FEW, "M")

    assert words == "consolidation"
    assert notes == ("Not read, because it does not say what is on the film: indication.",)


def test_sizes_are_said_not_to_be_obeyed():
    assert report_words("Large effusion.", FEW, "M")[1] == (
        "Sizes are not obeyed: large. Paint the finding instead.",
    )


def test_the_size_of_what_is_painted_is_in_the_paint():
    report = "Large effusion. Small consolidation."

    assert report_words(report, FEW, "M", painted={"effusion", "consolidation"})[1] == ()
    assert report_words(report, FEW, "M", painted={"effusion"})[1] == (
        "Sizes are not obeyed: small. Paint the finding instead.",
    )


@pytest.mark.parametrize("view", ["PA view", "Lateral view"])
def test_a_view_that_the_model_does_not_draw_is_told(view):
    words, notes = report_words(f"{view}. Effusion.", FEW, "M")

    assert words == "effusion"
    assert notes == (f"The model 'M' does not know these words: {view.lower()}.",)


def test_places_that_the_model_does_not_know_are_told():
    notes = report_words("left lower effusion", Knows(findings=("effusion",)), "M")[1]

    assert notes == ("The model 'M' does not know these words: left, lower.",)


def test_a_report_in_another_language_names_a_few_of_its_words_only():
    report = " ".join(f"wort{letter}" for letter in "abcdefghijklmnopqrst")

    words, notes = report_words(report, FEW, "M")

    assert words == ""
    assert notes[0].startswith("Nothing in the report is known to 'M'")
    assert notes[1].endswith("wortl and 8 more.")


def test_the_same_finding_with_a_place_takes_the_place_of_the_one_without():
    assert canonical(read_words("Left effusion. IMPRESSION: Effusion.", FEW)) == "effusion left"


def test_ordinary_words_of_a_report_are_not_called_unknown():
    report = "As compared with the prior study there is a small layering left pleural effusion."

    assert read_words(report, FEW).unknown == ()


def test_a_finding_box_that_asks_for_one_unknown_finding_among_known_ones_is_refused():
    with pytest.raises(InvalidRequest, match=r"does not know 'hernia' in .* It knows: effusion"):
        check_words("effusion and hernia", FEW)


def test_a_finding_of_the_past_cannot_be_painted():
    with pytest.raises(InvalidRequest, match="tells of the past"):
        check_words("history of effusion", FEW)


def test_a_model_that_reads_free_text_gets_the_report_as_it_is():
    assert report_words("Zeppelin.", Knows(free_text=True), "M") == ("Zeppelin.", ())


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("efusion", "effusion"),  # a letter missing
        ("opacitty", "opacity"),  # one too many
        ("plueral", "pleural"),  # two swapped
        ("pnuemothorx", "pneumothorax"),  # two slips in a long word
        ("letf", "left"),
        ("wombat", None),
        ("moderate", None),
        ("port", None),
        ("effusion", None),  # nothing to mend
    ],
)
def test_a_misspelt_word_has_one_that_it_may_mean(word, right):
    assert meant(word) == right


def test_a_misspelt_finding_is_refused_with_what_was_meant_and_never_drawn_unasked():
    with pytest.raises(InvalidRequest, match="Did you mean 'left effusion'"):
        check_words("letf efusion", KNOWS)
    assert read_words("efusion", KNOWS).findings == ()
    with pytest.raises(InvalidRequest) as refused:
        check_words("zeppelin", replace(KNOWS, findings=("no finding", "effusion")))
    assert "Did you mean" not in str(refused.value)
    assert str(refused.value).endswith("It knows: effusion.")


def test_a_short_word_resembles_too_many_others_for_a_hint():
    assert meant("mas") is None and meant("masss") == "mass"
