"""Marks against the masks of edits: distances, hits, intervals and chance, counted by hand."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from app.studies.analysis import analyse
from app.studies.analysis.data import Data
from app.studies.analysis.localised import at, distances, marks_of, outlines, share
from app.studies.design import make_design
from app.studies.exporting import COLUMNS, MARKS, _write_marks
from app.studies.methods import methods_paragraph
from app.studies.model import Reading
from app.studies.reporting import plots
from app.studies.reporting.page import report
from tests.studies.small import study

SIDE = 100
SQUARE = np.zeros((SIDE, SIDE), bool)
SQUARE[40:60, 20:50] = True  # rows 40 to 59, columns 20 to 49: 600 of 10,000 px
CHECKSUM = "a" * 64


@pytest.mark.parametrize(
    ("x", "y", "away"),
    [
        (0.305, 0.505, 0.0),
        (0.205, 0.405, 0.0),  # the first pixel of the mask
        (0.505, 0.505, 0.01),  # column 50, one beyond column 49
        (0.525, 0.625, np.hypot(3, 3) / 100),  # column 52 and row 62, from (49, 59)
        (0.0, 0.505, 0.20),
        (1.0, 1.0, np.hypot(50, 40) / 100),  # the last pixel, 99 and 99
    ],
)
def test_a_distance_is_from_the_nearest_pixel_of_the_mask(x, y, away):
    assert at(distances(SQUARE), x, y) == pytest.approx(away, abs=1e-6)


def answered(marks, protocol="turing", masked="ours", readers=3, part=None, **plan):
    """Data of a study in which every case of one source has ``SQUARE`` as its mask and every
    trial the marks that ``marks(trial, case)`` gives; None leaves the question unanswered."""
    made = study(protocol, readers=readers)
    cases = tuple(replace(c, mask=CHECKSUM if c.source == masked else "") for c in made.cases)
    fixed = replace(made.protocol.plan, bootstrap=200, **plan)
    made = replace(made, cases=cases, protocol=replace(made.protocol, plan=fixed))
    design = make_design(made)
    by_id = {case.case_id: case for case in cases}
    readings = []
    for trial in design.trials:
        for one in made.protocol.part(trial.part).questions:
            case = by_id[trial.right_case or trial.left_case]
            value = {"scale": 2, "yes_no": True}.get(one.kind)
            if one.kind == "marks":
                value = marks(trial, by_id)
            if value is not None:
                readings.append(Reading(trial.reader_id, trial.trial_id, one.name, value, "", 5.0))
            del case
    return Data(design, tuple(readings), masks={CHECKSUM: SQUARE})


def mark(x, y, **more):
    return {"x": x, "y": y, "tag": "", **more}


IN, NEAR, FAR = mark(0.3, 0.5), mark(0.515, 0.505), mark(0.9, 0.1)  # NEAR: 2 px beyond the edge


def found(data, part="turing"):
    return analyse(data)["parts"][part]["marks"]["edits"]


def ours_only(places):
    """Marks on the edited cases: ``places(reader, number)``; one FAR mark on every other case."""

    def marks(trial, cases):
        case = cases[trial.left_case]
        if case.source != "ours":
            return [FAR]
        return places(trial.reader_id, int(case.case_id.rpartition("-")[2]))

    return marks


def test_hits_marks_and_their_chance_are_as_counted_by_hand():
    """12 edited cases, 3 readers. R01 hits all; R02 the first six, with a second mark far away
    each, and sets none on the others; R03 marks far away on all."""

    def places(reader, n):
        return {"R01": [IN], "R02": [IN, FAR] if n < 6 else [], "R03": [FAR]}[reader]

    one = found(answered(ours_only(places)))["sources"]["ours"]

    assert (one["cases"], one["trials"], one["trials_without_mark"]) == (12, 36, 6)
    assert (one["marks"], one["marks_inside"], one["marks_outside"]) == (36, 18, 18)
    assert one["hit"]["value"] == pytest.approx(18 / 36)
    assert [row["hits"] for row in one["readers"]] == [12, 6, 0]
    assert one["area"] == pytest.approx(600 / 10_000)
    # Within 2 px: rectangles beside the four edges, and 5 pixels at each of the four corners.
    wide = (600 + 2 * 2 * (20 + 30) + 4 * 5) / 10_000
    near = sum(np.hypot(a, b) <= 2 for a in (1, 2) for b in (1, 2))
    wide = (600 + 2 * 2 * (20 + 30) + 4 * near) / 10_000
    assert one["area_with_tolerance"] == pytest.approx(wide)
    blind = (12 * wide + 6 * (1 - (1 - wide) ** 2) + 6 * 0 + 12 * wide) / 36
    assert one["blind"] == pytest.approx(blind)


def test_the_intervals_are_those_of_a_two_way_analysis_and_of_wilson():
    def places(reader, n):
        return [IN] if n % {"R01": 1, "R02": 2, "R03": 3}[reader] == 0 else [FAR]

    one = found(answered(ours_only(places)))["sources"]["ours"]

    hits = np.array([[n % k == 0 for n in range(12)] for k in (1, 2, 3)], dtype=float)
    means = hits.mean(axis=1)
    cov2 = np.mean([np.cov(hits[a], hits[b])[0, 1] for a, b in ((0, 1), (0, 2), (1, 2))]) / 12
    between = means.var(ddof=1)
    total = between + 3 * max(cov2, 0)
    half = stats.t.ppf(0.975, total**2 / (between**2 / 2)) * np.sqrt(total / 3)
    assert one["hit"]["value"] == pytest.approx(means.mean())
    assert one["hit"]["low"] == pytest.approx(max(0, means.mean() - half))
    assert one["hit"]["high"] == pytest.approx(min(1, means.mean() + half))
    assert one["bootstrap"]["value"] == pytest.approx(means.mean())
    wilson = stats.binomtest(6, 12).proportion_ci(method="wilson")
    assert one["readers"][1]["hit"]["low"] == pytest.approx(wilson.low)
    assert one["readers"][1]["hit"]["high"] == pytest.approx(wilson.high)


def test_where_all_trials_are_alike_the_interval_is_that_of_the_cases_not_of_the_trials():
    every = share(np.ones((5, 12)), 0.95)
    none = share(np.zeros((5, 12)), 0.95)
    wilson = stats.binomtest(0, 12).proportion_ci(method="wilson")

    assert (none.value, none.low, none.high) == pytest.approx((0, 0, wilson.high))
    assert (every.value, every.low, every.high) == pytest.approx((1, 1 - wilson.high, 1))
    assert np.isnan(share(np.array([[1.0], [0.0]]), 0.95).low)


@pytest.mark.parametrize(("tolerance", "hits"), [(0.0, 0.0), (0.019, 0.0), (0.02, 1.0)])
def test_the_tolerance_of_the_plan_decides_and_no_and_twice_as_much_are_shown_beside(
    tolerance, hits
):
    data = answered(ours_only(lambda reader, n: [NEAR]), tolerance=tolerance)
    result = found(data)
    one = result["sources"]["ours"]

    assert result["tolerance"] == tolerance
    assert one["hit"]["value"] == hits
    widths = [row["tolerance"] for row in one["tolerances"]]
    assert widths == pytest.approx([0, tolerance, 2 * tolerance])
    assert one["tolerances"][0]["hit"]["value"] == 0
    assert one["tolerances"][2]["hit"]["value"] == (tolerance >= 0.01)


def test_an_unanswered_question_is_a_trial_without_a_hit():
    data = answered(ours_only(lambda reader, n: [IN] if n < 6 else None))
    one = found(data)["sources"]["ours"]

    assert (one["trials"], one["hit"]["value"]) == (36, 0.5)


def test_repeats_catch_trials_and_practice_are_in_no_hit_rate():
    def marks(trial, cases):
        hidden = trial.repeat_of or trial.practice or trial.catch
        return [IN] if hidden and cases[trial.left_case].source == "ours" else []

    data = answered(marks)
    assert any(trial.repeat_of and trial.left_case.startswith("ours") for trial in
               data.design.trials)  # fmt: skip
    one = found(data)["sources"]["ours"]

    assert (one["trials"], one["marks"], one["hit"]["value"]) == (36, 0, 0)


def test_a_case_that_one_reader_has_not_read_is_left_out_and_counted():
    data = answered(ours_only(lambda reader, n: [IN]))
    gone = {t.trial_id for t in data.design.trials
            if t.reader_id == "R02" and t.left_case == "ours-3"}  # fmt: skip
    kept = tuple(one for one in data.readings if one.trial_id not in gone)
    one = found(replace(data, readings=kept))["sources"]["ours"]

    assert (one["cases"], one["cases_not_read_by_all"], one["trials"]) == (11, 1, 33)


def test_in_a_review_of_edits_a_mark_on_either_picture_counts_at_its_place():
    def marks(trial, cases):
        after = "left" if cases[trial.left_case].edit_of else "right"
        before = "right" if after == "left" else "left"
        number = int((trial.left_case).rpartition("-")[2])
        return [{**IN, "side": (after, before)[number % 2]}, {**FAR, "side": after}]

    data = answered(marks, "edit")
    one = found(data, "edit")["sources"]["ours"]

    assert (one["cases"], one["hit"]["value"]) == (12, 1.0)
    assert (one["marks_inside"], one["marks_outside"]) == (36, 36)
    assert {mark.edited for mark in marks_of(data)} == {"", *(f"ours-{n}" for n in range(12))}


def test_studies_without_masks_have_the_results_that_they_had():
    data = replace(answered(ours_only(lambda reader, n: [IN]), masked="nobody"), masks={})

    assert "edits" not in analyse(data)["parts"]["turing"]["marks"]


def test_every_mark_is_a_row_of_the_export_with_its_distance(tmp_path):
    data = answered(ours_only(lambda reader, n: [NEAR]))
    _write_marks(tmp_path, data)
    rows = list(csv.DictReader((tmp_path / MARKS).open(encoding="utf-8")))

    assert list(rows[0]) == [column for file, column, _ in COLUMNS if file == MARKS]
    assert len(rows) == len(data.design.trials)
    ours = [row for row in rows if row["case_id"].startswith("ours")]
    assert {(row["away"], row["hit"]) for row in ours} == {("0.020000", "true")}
    others = [row for row in rows if not row["case_id"].startswith("ours")]
    assert {(row["edited"], row["away"], row["hit"]) for row in others} == {("", "", "")}


def test_an_outline_goes_round_its_mask():
    (shape,) = outlines(SQUARE)

    assert sorted(map(tuple, shape)) == [
        (0.205, 0.405), (0.205, 0.595), (0.495, 0.405), (0.495, 0.595)
    ]  # fmt: skip
    assert plots.heat([("ours", "", [(0.5, 0.5)], 1, [shape])]).count("<polygon") == 1


def test_the_report_prints_hits_beside_what_chance_would_do():
    data = answered(ours_only(lambda reader, n: [IN] if n % 2 else [FAR]))
    results = analyse(data)
    page = report(data, results, {})
    one = results["parts"]["turing"]["marks"]["edits"]["sources"]["ours"]

    assert "Marks and the masks of the edits" in page
    assert f"<td>{100 * one['blind']:.0f} %</td>" in page
    assert "18, 18" in page and "6.0 %" in page and "up to 2.0 % of the picture" in page
    assert page.count('class="outline"') == 12
    assert "For 12 pictures a mask said where" in methods_paragraph(data, results)
