"""The report for print: figures with axes, captions and places that arithmetic gives."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from app.studies.analysis import analyse
from app.studies.analysis.agreeing import over_session
from app.studies.analysis.data import Data
from app.studies.design import make_design
from app.studies.methods import checklist, methods_paragraph
from app.studies.model import Reading
from app.studies.reporting import drawing, models, plots, sections
from app.studies.reporting.page import report
from app.studies.reporting.tables import Numbers
from app.studies.simulation import Modelled, ModelledReaders, simulated_study

ESTIMATE = {"value": 0.64, "low": 0.56, "high": 0.72}


@pytest.fixture(scope="module")
def whole():
    """A finished visual Turing test of three modelled readers, and its results."""
    study = simulated_study("turing", 3, 60, 5)
    plan = replace(study.protocol.plan, bootstrap=100)
    study = replace(study, protocol=replace(study.protocol, plan=plan))
    design, modelled = make_design(study), ModelledReaders(study, Modelled(), 5)
    readings = [
        Reading(trial.reader_id, trial.trial_id, question, value, "", 9.0)
        for trial in design.trials
        for question, value in modelled.answers(study.protocol.part(trial.part), trial).items()
    ]
    data = Data(design, tuple(readings))
    return data, analyse(data)


def numbers(kind: str, name: str, text: str) -> list[float]:
    return [float(one) for one in re.findall(rf'<{kind}[^>]* {name}="([-\d.]+)"', text)]


def test_an_estimate_stands_at_its_place_of_the_axis_with_the_ends_of_its_interval():
    drawn = plots.forest([("R01", ESTIMATE)], None, (0.4, 0.9), "right answers", percent=True)
    start, end = plots.LABEL, drawing.WIDTH - plots.NOTE

    def place(value):
        return round(start + (value - 0.4) / 0.5 * (end - start), 1)

    square = numbers("rect", "x", drawn)[0] + 4
    assert square == pytest.approx(place(0.64), abs=0.1)
    assert {place(0.56), place(0.72)} <= set(numbers("line", "x1", drawn))
    assert "64 % (56 to 72)" in drawn


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.3, 1.0, [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        (-0.9, 0.7, [-0.8, -0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6]),
        (1.0, 5.0, [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]),
        (0.0, 33.0, [0, 5, 10, 15, 20, 25, 30]),
    ],
)
def test_axes_have_round_numbers(low, high, wanted):
    assert drawing.ticks(low, high) == pytest.approx(wanted)


def test_no_word_of_a_plot_lies_outside_its_picture():
    """By the widest letters of the font, for names as long as they may be."""
    name = "a-source-with-a-very-long-name"
    told, step = "0.71 (0.60 to 0.82)", "definitely synthetic"
    curves = [(f"R{n:02d}", [(0, 0), (0.2, 0.7), (1, 1)], told) for n in range(9)]
    rows = [(name, ESTIMATE)]
    stretches = [(1 + 20 * n, 20 + 20 * n, ESTIMATE) for n in range(8)]
    drawn = [
        plots.forest(rows, ("All readers", ESTIMATE), (0, 1), "share", percent=True),
        plots.roc(curves, told),
        plots.stacked([(name, [1, 2, 3, 4, 5, 6], "12 cases, n = 6000")], [step] * 6),
        plots.stacked([(name, [1, 2], "12 cases")], ["recognisable, one clear anatomic error"] * 2),
        plots.matrix([f"R{n:02d}" for n in range(12)], [[0.31] * 12] * 12),
        plots.series(stretches, (0, 1), "right answers", True, 0.5),
        plots.heat([(name, "1200 marks in 3000 readings", [(0.5, 0.5)], 10, [])] * 4),
    ]  # fmt: skip
    for one in drawn:
        width, height = map(float, re.findall(r'viewBox="0 0 (\d+) (\d+)"', one)[0])
        for x, y, anchor, words in re.findall(
            r'<text x="([-\d.]+)" y="([-\d.]+)" text-anchor="(\w+)"[^>]*>([^<]*)', one
        ):
            room = 7.0 * len(words)
            left = float(x) - {"start": 0, "middle": room / 2, "end": room}[anchor]
            assert left >= -1 and left + room <= width + 1, words
            assert 8 <= float(y) <= height, words


def test_answers_in_a_legend_never_lie_over_each_other():
    """Of one line each word ends before the next square begins, by the widest letters."""
    for name in ("fair", "definitely synthetic", "recognisable, one clear anatomic error"):
        drawn = plots.stacked([("ours", [1] * 6, "")], [name] * 6)
        words = re.findall(r'<text x="([-\d.]+)" y="([-\d.]+)"[^>]*>\d  ([^<]*)', drawn)
        squares = re.findall(r'<rect x="([-\d.]+)" y="([-\d.]+)" width="12.0"', drawn)
        assert len(words) == len(squares) == 6
        for x, y, text in words:
            for left, top in squares:
                if abs(float(top) + 11 - float(y)) < 1 and float(left) > float(x):
                    assert float(x) + 6.4 * (len(text) + 3) < float(left)


def test_of_many_remarks_alike_a_few_are_printed_and_the_rest_counted(whole):
    data, results = whole
    remarks = [
        {"about": "duplicates", "grave": True, "sentence": f"Pair {n} is one picture."}
        for n in range(50)
    ] + [{"about": "leaks", "grave": False, "sentence": "The grain differs."}]
    page = report(
        replace(data, checks={"at": "", "remarks": remarks, "separations": []}), results, {}
    )

    assert page.count("is one picture.") == 6 and "The grain differs." in page
    assert "And 44 more about duplicates" in page


def test_short_tables_stay_on_one_page_and_long_ones_may_break():
    counted = sections.Numbers(95)
    short = counted.table("A", ("a", "b"), [("x", "0.71 (0.60 to 0.82)")] * 5)
    long = counted.table("B", ("a", "b"), [("x" * 60, "p = 0.123")] * 30)

    assert '<table class="tight">' in short and "<td class=one>0.71" in short
    assert 'class="tight long"' in long and "<td class=any>x" in long and "class=one>p" in long


def test_what_is_written_on_a_shade_is_read_on_it():
    """WCAG's contrast of 4.5 to 1, for every shade of every length of scale."""

    def light(colour):
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for count in range(2, 8):
        for two_sided in (False, True):
            for fill in drawing.shades(count, two_sided):
                pair = sorted((light(fill), light(drawing.readable(fill))))
                assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, fill


def test_the_steps_of_a_scale_have_different_colours():
    for count in (5, 6, 7):
        assert len(set(drawing.shades(count, two_sided=True))) == count
        assert len(set(drawing.shades(count, two_sided=False))) == count


def test_marks_are_densest_where_they_are():
    grid = plots._density([(0.25, 0.75)] * 3 + [(0.9, 0.1)], 4)
    row, column = divmod(int(np.argmax(grid)), plots.CELLS)

    assert column == pytest.approx(0.25 * plots.CELLS, abs=1)
    assert row == pytest.approx(0.75 * plots.CELLS, abs=1)


def test_the_mean_along_the_order_is_that_of_readers_with_their_t_interval():
    places = {
        "R01": [(1, 1.0), (2, 0.0), (25, 1.0)],
        "R02": [(3, 1.0), (21, 0.0)],
        "R03": [(20, 1.0), (40, 1.0)],
    }
    first, second = over_session(places)["stretches"]
    means = np.array([0.5, 1.0, 1.0])
    half = stats.t.ppf(0.975, 2) * means.std(ddof=1) / np.sqrt(3)

    assert (first["from"], first["to"], second["from"]) == (1, 20, 21)
    assert first["value"] == pytest.approx(means.mean())
    assert first["high"] - first["value"] == pytest.approx(half)
    assert second["value"] == pytest.approx(2 / 3)


def test_repeats_and_catch_trials_are_in_no_heat_map_and_in_no_count_of_choices(whole):
    data, results = whole
    found = results["parts"]["turing"]["marks"]
    main = {
        trial.trial_id
        for trial in data.design.trials
        if not (trial.repeat_of or trial.catch or trial.practice)
    }
    marks = sum(
        len(one.value) for one in data.readings if one.question == "marks" and one.trial_id in main
    )

    assert sum(len(one["points"]) for one in found["sources"].values()) == marks > 0
    assert sum(one["trials"] for one in found["sources"].values()) == len(main)


def test_the_leak_check_before_the_freeze_is_printed_with_its_figure(whole):
    data, results = whole
    one = {"first": "real", "second": "synthetic", "area": 0.91, "low": 0.88, "high": 0.94,
           "by": [["the mean brightness", 0.9]]}  # fmt: skip
    remarks = [{"about": "leaks", "grave": True, "sentence": "Readers may answer by that."}]
    checked = replace(data, checks={"at": "", "remarks": remarks, "separations": [one]})

    assert "0.91 (0.88 to 0.94)" in report(checked, results, {})
    assert "Readers may answer by that." in report(checked, results, {})
    assert "No check of the pictures" in report(data, results, {})


def test_figures_and_tables_are_counted_without_a_gap(whole):
    data, results = whole
    page = report(data, results, {"a.csv": "0" * 64})

    for word in ("Figure", "Table"):
        found = [int(n) for n in re.findall(rf"<b>{word} (\d+)\.</b>", page)]
        assert found == list(range(1, len(found) + 1)) and len(found) > 4
    assert page.count("<figure>") == page.count("<svg")


def test_seconds_are_no_percentages_however_quick_the_readers_are():
    stretches = [{"from": 1, "to": 20, "count": 9, "value": 0.4, "low": 0.3, "high": 0.5}]
    found = {"over_session": {"stretches": stretches, "readers": {}}}

    def axis(middle, title=""):
        drawn = sections.session(found, (0.0, 1.0), sections.Numbers(95), middle, title)
        return drawn.partition("<figcaption>")[0]

    assert "%" not in axis(None, "seconds a case")
    assert "%" in axis(0.5)


def test_the_model_stands_in_its_section_with_its_assumptions_and_in_the_methods(whole):
    data, results = whole
    page = report(data, results, {})
    one = results["parts"]["turing"]["source"]["model"]

    assert f"readers {one['reader_sd']:.2f}, pictures {one['case_sd']:.2f}" in page
    assert f"{100 * one['accuracy']['value']:.0f} % (" in page
    assert "It takes for granted" in page and "Secondary: the results above" in page
    assert "Secondary analyses were a logistic mixed model of right answers" in page


def test_odds_are_printed_against_their_reference_and_a_missing_model_says_why():
    row = {"source": "ours", "odds_ratio": {"value": 0.21, "low": 0.11, "high": 0.4}}
    model = {"kind": "odds", "reference": "hospital", "reader_sd": 1.2, "case_sd": 0.9,
             "rows": [{**row, "p": 0.004, "p_holm": 0.008}]}  # fmt: skip
    found = {"anchors": ["poor", "fair", "good"], "model": model}

    drawn = models.model(found, sections.Numbers(95))
    assert "against hospital with 95 % CI" in drawn and "proportional odds" in drawn
    assert "0.21 (0.11 to 0.40)" in drawn and "p = 0.008" in drawn
    yes = models.model({**found, "anchors": ["no", "yes"]}, sections.Numbers(95))
    assert "Logistic" in yes and "&#x27;yes&#x27;" in yes
    assert "no overlap &lt;" in models.model(
        {"model": {"note": "no overlap <"}}, sections.Numbers(95)
    )
    assert models.model({}, sections.Numbers(95)) == ""


def test_the_methods_count_who_answered_and_not_who_was_given_a_code(whole):
    data, results = whole
    design = data.design
    trials = len(design.of_reader("R01"))
    assert f"3 readers (3 independent of the development) each answered {trials} trials" in (
        methods_paragraph(data, results)
    )

    second = [trial.trial_id for trial in design.of_reader("R02")][:5]
    some = [
        one
        for one in data.readings
        if one.reader_id == "R01" or (one.reader_id == "R02" and one.trial_id in second)
    ]
    fewer = methods_paragraph(replace(data, readings=tuple(some)), results)
    assert "2 of 3 readers who were given a code (2 independent of the development)" in fewer
    assert f"answered 5 to {trials} of {trials} trials each" in fewer
    assert dict(checklist(replace(data, readings=tuple(some)), results))["Sample size"].startswith(
        "2 of 3 readers answered"
    )


def test_no_caption_ends_in_an_empty_sentence():
    steady = {"value": 9.0, "low": 9.0, "high": 9.0}
    found = {
        "over_session": {
            "stretches": [{"from": 1, "to": 20, **steady}, {"from": 21, "to": 40, **steady}],
            "readers": {"R01": {"rho": None, "p": None}},
        }
    }
    said = sections.session(found, (0.0, 10.0), Numbers(95), None, "seconds a case")
    assert "for readers as random.</figcaption>" in said


def test_a_share_of_repeats_is_printed_as_it_was_set(whole):
    data, results = whole
    study = data.design.study
    for share, said in ((0.125, "12.5 % of trials"), (0.1, "10 % of trials")):
        order = replace(study.protocol.order, repeats=share)
        other = replace(study, protocol=replace(study.protocol, order=order))
        made = replace(data, design=replace(data.design, study=other))
        assert said in methods_paragraph(made, results)
