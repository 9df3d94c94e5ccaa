"""A whole study with modelled readers; its figures are computed again here, from the text copy."""

import csv
import json
import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from app.studies.errors import StudyError
from app.studies.exporting import analyse_export, changed_files, export
from app.studies.simulation import (
    Modelled,
    ModelledReaders,
    coverage,
    simulate,
    simulated_study,
)
from app.studies.store import open_store
from tests.studies.small import opened, read_all

TRIALS = {"turing": 60, "rating": 60, "pair": 60, "preference": 30, "edit": 24, "two-phase": 24}
PROTOCOLS = list(TRIALS)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Every protocol simulated once with three readers; folder and answer."""
    found = {}
    for name in PROTOCOLS:
        folder = tmp_path_factory.mktemp(name)
        study = simulated_study(name, 3, TRIALS[name], 5)
        quick = replace(study.protocol, plan=replace(study.protocol.plan, bootstrap=100))
        answer = simulate(replace(study, protocol=quick), folder, Modelled(), 5)
        found[name] = folder, answer
    return found


@pytest.fixture(autouse=True, scope="module")
def quick_disk_for_all():
    """As in conftest, for the studies that are made once for this file."""
    from app.studies import log

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "SYNCHRONOUS", "OFF")
        patch.setattr(log.os, "fsync", lambda _: None)
        yield


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_answer_is_there_once_and_the_figures_come_again_from_the_export(done, name):
    folder, answer = done[name]
    trials = TRIALS[name] * (2 if name == "two-phase" else 1)

    assert answer["trials"] == {"R01": trials, "R02": trials, "R03": trials}
    assert answer["acknowledged"] == 3 * trials
    assert answer["faults"] == []
    assert answer["same_from_export"]
    assert analyse_export(folder / "export") == answer["results"]
    assert changed_files(folder / "export") == []


def from_text_copy(folder: Path, part: str, question: str):
    """First showings of main cases, straight from events.jsonl: {reader: {case or pair: value}}."""
    events = [json.loads(line) for line in (folder / "study/events.jsonl").open()]
    frozen = next(json.loads(e["value"]) for e in events if e["kind"] == "frozen")["design"]
    cases = {case["case_id"]: case for case in frozen["study"]["cases"]}
    answers = {
        e["trial_id"]: json.loads(e["value"])[question]
        for e in events
        if e["kind"] == "trial_submitted" and question in json.loads(e["value"])
    }
    found = defaultdict(dict)
    for trial in frozen["trials"]:
        if trial["part"] == part and not trial["repeat_of"] and not trial["catch"]:
            place = (trial["left_case"], trial["right_case"])
            found[trial["reader_id"]][place] = answers[trial["trial_id"]]
    return found, cases


def test_accuracy_and_its_interval_equal_an_independent_computation(done):
    """A two-way analysis of variance within sources, by sums of squares."""
    folder, answer = done["turing"]
    found, cases = from_text_copy(folder, "turing", "source")
    result = answer["results"]["parts"]["turing"]["source"]
    names = sorted(place[0] for place in found["R01"])
    right = np.array(
        [
            [(found[r][name, ""] >= 4) == cases[name]["synthetic"] for name in names]
            for r in ("R01", "R02", "R03")
        ],
        dtype=float,
    )
    sources = np.array([cases[name]["source"] for name in names])
    means = right.mean(axis=1)
    cov2 = 0.0
    for source in set(sources):
        y = right[:, sources == source]
        pairs = [np.cov(y[a], y[b])[0, 1] for a, b in ((0, 1), (0, 2), (1, 2))]
        cov2 += (y.shape[1] / len(names)) ** 2 * np.mean(pairs) / y.shape[1]
    total = means.var(ddof=1) + 3 * max(cov2, 0)
    degrees = total**2 / (means.var(ddof=1) ** 2 / 2)
    half = stats.t.ppf(0.975, degrees) * np.sqrt(total / 3)

    headline = result["accuracy"]["headline"]
    assert headline["value"] == pytest.approx(right.mean())
    assert headline["low"] == pytest.approx(right.mean() - half)
    assert headline["high"] == pytest.approx(right.mean() + half)
    for row, mine in zip(result["readers"], right, strict=True):
        exact = stats.binomtest(int(mine.sum()), len(mine)).proportion_ci(method="exact")
        assert row["accuracy"]["low"] == pytest.approx(exact.low)
        assert row["accuracy"]["high"] == pytest.approx(exact.high)


def test_areas_equal_counting_pairs(done):
    folder, answer = done["turing"]
    found, cases = from_text_copy(folder, "turing", "source")
    for row in answer["results"]["parts"]["turing"]["source"]["readers"]:
        mine = found[row["reader"]]
        fake = [v for (name, _), v in mine.items() if cases[name]["synthetic"]]
        real = [v for (name, _), v in mine.items() if not cases[name]["synthetic"]]
        wins = sum((f > r) + (f == r) / 2 for f in fake for r in real)
        assert row["area"]["value"] == pytest.approx(wins / len(fake) / len(real))


def test_mean_ratings_and_their_counts_equal_plain_counting(done):
    folder, answer = done["rating"]
    found, cases = from_text_copy(folder, "rating", "anatomy")
    for row in answer["results"]["parts"]["rating"]["anatomy"]["sources"]:
        values = [
            value
            for reader in found.values()
            for (name, _), value in reader.items()
            if cases[name]["source"] == row["source"]
        ]
        assert row["mean"]["value"] == pytest.approx(np.mean(values))
        assert row["counts"] == [values.count(level) for level in range(1, 6)]


def test_right_choices_of_pairs_and_sides_equal_plain_counting(done):
    folder, answer = done["pair"]
    found, cases = from_text_copy(folder, "pair", "synthetic")
    for row in answer["results"]["parts"]["pair"]["synthetic"]["readers"]:
        mine = found[row["reader"]]
        right = [cases[place[value == "right"]]["synthetic"] for place, value in mine.items()]
        assert row["accuracy"]["value"] == pytest.approx(np.mean(right))
        left = np.mean([value == "left" for value in mine.values()])
        assert row["chose_left"]["value"] == pytest.approx(left)


def test_wins_of_models_equal_plain_counting(done):
    folder, answer = done["preference"]
    found, cases = from_text_copy(folder, "preference", "better")
    result = answer["results"]["parts"]["preference"]["better"]
    wins = defaultdict(int)
    for reader in found.values():
        for place, value in reader.items():
            if value != "tie":
                chosen, other = place if value == "left" else place[::-1]
                wins[cases[chosen]["source"], cases[other]["source"]] += 1
    names = result["sources"]

    assert result["wins"] == [[wins.get((a, b), 0) for b in names] for a in names]


@pytest.mark.parametrize(("name", "part"), [("turing", "turing"), ("edit", "edit")])
def test_hits_on_edits_equal_measuring_every_mark_against_its_mask_in_plain_loops(done, name, part):
    """From the text copy and the mask files of the study: the nearest white pixel by trying all."""
    folder, answer = done[name]
    found, cases = from_text_copy(folder, part, "marks")
    edits = answer["results"]["parts"][part]["marks"]["edits"]
    assert set(edits["sources"]) == {"model-a", "model-b"}
    for source, result in edits["sources"].items():
        cells, inside, outside = [], 0, 0
        for reader in found:
            for (left, right), marks in found[reader].items():
                masked = [one for one in (right, left) if one and cases[one].get("mask")]
                if not masked or cases[masked[0]]["source"] != source:
                    continue
                path = folder / "study/masks" / f"{cases[masked[0]]['mask']}.png"
                white = np.argwhere(np.array(Image.open(path)) > 127)
                side = 128
                aways = []
                for mark in marks:
                    place = [min(int(mark[k] * side), side - 1) for k in ("y", "x")]
                    aways.append(np.sqrt(((white - place) ** 2).sum(axis=1).min()) / side)
                near = [away <= 0.02 for away in aways]
                cells.append(any(near))
                inside, outside = inside + sum(near), outside + len(near) - sum(near)
        assert result["hit"]["value"] == pytest.approx(np.mean(cells))
        assert (result["marks_inside"], result["marks_outside"]) == (inside, outside)
        assert 0.3 < result["hit"]["value"] < 0.9 and result["blind"] < 0.15


def test_the_hand_off_for_imrmc_has_one_score_a_reader_case_and_modality(done):
    folder, _ = done["turing"]
    head, begin, *rows = (folder / "export/imrmc.csv").read_text().splitlines()
    cells = [row.split(",") for row in rows]
    truths = {c[1]: c[3] for c in cells if c[0] == "truth"}
    scores = [c for c in cells if c[0] != "truth"]

    assert begin == "BEGIN DATA:" and "design" in head
    assert len({tuple(c[:3]) for c in scores}) == len(scores)
    assert {c[1] for c in scores} == set(truths)
    assert {c[2] for c in scores} == {"model-a", "model-b"}
    assert all(truths[c[1]] == ("1" if c[1].startswith("model") else "0") for c in scores)


def test_every_column_of_every_table_is_in_the_dictionary(done):
    folder, _ = done["turing"]
    with (folder / "export/dictionary.csv").open(newline="") as file:
        told = {(row["file"], row["column"]) for row in csv.DictReader(file)}
    for name in ("design.csv", "answers_long.csv", "cases.csv"):
        with (folder / "export" / name).open(newline="") as file:
            assert {(name, column) for column in next(csv.reader(file))} <= told


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_report_needs_nothing_else_and_tells_what_was_frozen(done, name):
    folder, answer = done[name]
    page = (folder / "export/report.html").read_text("utf-8")

    assert answer["design_sha256"] in page
    assert not re.search(r"<script|<link|<img|<iframe|url\(|@import|src=|href=", page)
    assert "default-src 'none'" in page
    assert page.count("<svg") == page.count("</svg>") > 0
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def test_the_report_says_the_headline_and_not_more(done):
    folder, answer = done["turing"]
    page = (folder / "export/report.html").read_text("utf-8")
    one = answer["results"]["parts"]["turing"]["source"]["accuracy"]
    low, high = (f"{100 * one['headline'][end]:.0f}" for end in ("low", "high"))

    assert f"{100 * one['headline']['value']:.0f} % (95 % CI {low} to {high})" in page
    assert ("within 10 points: shown" in page) == one["indistinguishable"]
    assert "compliant" not in page


def test_an_export_that_was_edited_is_told(done, tmp_path):
    folder, _ = done["pair"]
    for path in (folder / "export").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    answers = tmp_path / "answers_long.csv"
    answers.write_text(answers.read_text().replace("left", "right", 1))
    assert changed_files(tmp_path) == ["answers_long.csv"]

    design = tmp_path / "design.csv"
    design.write_text(design.read_text().replace("model-a-0", "model-a-1", 1))
    with pytest.raises(StudyError, match="hash of its freeze"):
        analyse_export(tmp_path)


def test_nothing_is_exported_before_the_study_is_unblinded(tmp_path):
    store = opened(tmp_path / "study")
    read_all(store, "R01")
    store.close_reading("PI")

    with pytest.raises(StudyError, match="unblind"):
        export(store, tmp_path / "export", "PI")
    assert not (tmp_path / "export").exists()


def test_a_reader_who_fails_the_catch_trials_is_left_out_by_the_rule_and_named(tmp_path):
    study = simulated_study("turing", 3, 60, 5)
    store = opened(tmp_path / "study", study)
    modelled = ModelledReaders(study, Modelled(), 5)
    trials = {trial.trial_id: trial for trial in store.design().trials}
    part = study.protocol.parts[0]
    for reader in ("R01", "R02", "R03"):
        while shown := store.for_reader(reader):
            trial = trials[shown.trial_id]
            answers = modelled.answers(part, trial)
            if reader == "R02" and trial.catch:
                answers["source"] = 7 - answers["source"]
            store.submit(reader, trial.trial_id, answers, trial.trial_id)
    assert {row.reader_id: row.catch_failures for row in store.progress()}["R02"] == 2
    store.exclude_reader("R03", "left the hospital")
    store.close_reading("PI")
    store.unblind("PI")

    results = export(store, tmp_path / "export", "PI")

    assert results["readers"] == ["R01"]
    assert "failed 2 catch trials" in results["readers_left_out"]["R02"]
    assert results["readers_left_out"]["R03"] == "left the hospital"
    assert "left the hospital" in (tmp_path / "export/report.html").read_text("utf-8")


def test_the_answers_of_a_study_are_in_the_log_in_the_stored_order(done):
    folder, _ = done["turing"]
    store = open_store(folder / "study")
    for reader in ("R01", "R02", "R03"):
        told = store.log.events("kind = 'trial_submitted' AND reader_id = ?", (reader,))
        stored = [trial.trial_id for trial in store.design().of_reader(reader)]
        assert [event.trial_id for event in told] == stored


def test_the_same_seed_gives_the_same_figures(tmp_path):
    answers = [
        simulate(simulated_study("pair", 2, 16, 3), tmp_path / str(n), Modelled(), 3)
        for n in range(2)
    ]
    for answer in answers:
        answer["results"].pop("log_sha256")  # holds the times
        answer["results"].pop("quality")
        answer["results"].pop("pace")

    assert answers[0] == answers[1]


@pytest.mark.parametrize("trials", [15, 1001])
def test_sizes_that_make_no_study_are_refused(trials):
    with pytest.raises(StudyError, match="16 to 1000 trials"):
        simulated_study("turing", 3, trials, 0)


def test_the_true_accuracy_of_modelled_readers_is_the_mean_over_many():
    model = Modelled(0.5, 0.5, 1.0)
    rng = np.random.default_rng(0)
    spread = rng.normal(0, np.hypot(0.5, 1.0), 400_000)

    assert model.true_accuracy() == pytest.approx(
        (1 / (1 + np.exp(-0.5 - spread))).mean(), abs=2e-3
    )
    assert Modelled(0.0).true_accuracy() == pytest.approx(0.5)


def test_the_headline_s_interval_holds_the_truth_where_the_pooled_one_does_not():
    """Six readers, sixty cases; 300 studies tell 93 % from 68 % many times over."""
    found = coverage(6, 60, Modelled(0.5, 0.5, 1.0), 300, 4, draws=200)["coverage"]

    assert 0.90 <= found["obuchowski_rockette"] <= 0.98
    assert 0.90 <= found["bootstrap"] <= 0.99
    assert found["pooled"] < 0.8
