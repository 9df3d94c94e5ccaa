"""A whole study in three real browsers at once, with the server killed twice while answers are on
their way: what was acknowledged is there once and in order, and the report says what an independent
computation from the keys that were pressed says."""

import csv
import json
import math
import zlib
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import mean, variance
from typing import Any

import pytest
from scipy import stats

from app.studies.exporting import export
from app.studies.replay import verify
from app.studies.shelf import Shelf
from tests.browser.reading_driver import ReaderAt
from tests.browser.test_reading import kept
from tests.studies.reading_rooms import Opened, opened
from tests.studies.served_room import Served

TRIALS, BLOCK = 60, 20
# Protocol -> scenes, and the share of repeats that makes 60 trials of them.
SHAPES = {"rating": (18, 6 / 54), "turing": (18, 6 / 54), "pair": (27, 6 / 54)}
KILLED_AT = {"turing": 25, "pair": 43}  # trials after whose answers the server is killed


@dataclass
class Person:
    """One simulated reader in a browser of its own: what was pressed, what was acknowledged."""

    reader_id: str
    at: ReaderAt
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)

    def listen(self) -> None:
        def heard(response: Any) -> None:
            if response.url.endswith("/submit") and response.status == 200:
                self.acknowledged.append(json.loads(response.request.post_data)["trial"])

        self.at.page.on("response", heard)


def drawn(most: int, *words: str) -> int:
    """0 to ``most`` - 1, the same for the same words."""
    return zlib.crc32("|".join(words).encode()) % most


def wanted(protocol: str, person: str, trial: Any, synthetic: bool) -> tuple[list[str], dict]:
    """Keys that this person presses and the answers they mean. Synthetic pictures are told apart
    a little, each reader in another measure."""
    case = trial.left_case + trial.right_case
    told = drawn(10, person, case, "told") < 4 + int(person[-1])
    if protocol == "rating":
        values = [5 - drawn(3, person, case, q) - (synthetic and told) for q in ("a", "p", "o")]
        names = ("anatomy", "pathology", "overall")
        return [str(one) for one in values], dict(zip(names, values, strict=True))
    if protocol == "turing":
        sure = 1 + drawn(3, person, case)
        value = 3 + sure if synthetic == told else 4 - sure
        return [str(value)], {"source": value}
    sure = 1 + drawn(3, person, case)
    side = "left" if synthetic == told else "right"  # here: whether the left one is synthetic
    key = 4 - sure if side == "left" else 3 + sure
    return [str(key)], {"synthetic": side, "confidence": sure}


@pytest.mark.parametrize("protocol", SHAPES)
def test_three_readers_sixty_trials_each_and_nothing_is_lost(
    browser: Any, tmp_path: Path, protocol: str
) -> None:
    scenes, repeats = SHAPES[protocol]
    shelf = Shelf(tmp_path / "studies")
    study = opened(shelf, protocol, count=scenes, readers=3, repeats=repeats, block=BLOCK)
    with Served(tmp_path) as served:
        people = [
            Person(name, ReaderAt(browser.new_context().new_page(), served.url))
            for name in study.codes
        ]
        for person in people:
            person.listen()
            person.at.begin(study.codes[person.reader_id])
        for number in range(1, TRIALS + 1):
            one_round(people, study, protocol, number, served)
        for person in people:
            person.at.says("That was the last case")
            assert person.at.faults == []
            person.at.page.context.close()

    the_log_holds_each_answer_once_in_the_stored_order(study, people)
    the_report_says_what_was_pressed(study, people, tmp_path / "export", protocol)
    assert verify(study.store.folder) == []


def one_round(
    people: list[Person], study: Opened, protocol: str, number: int, served: Served
) -> None:
    """Every reader answers one trial. At the start of a block each page is reloaded in the middle
    of its answer; at one trial the server dies with the answers on their way."""
    for person in people:
        if number in (BLOCK + 1, 2 * BLOCK + 1):
            person.at.says("Time for a break")
            person.at.press("Enter")
        person.at.at(f"Case {number} of {TRIALS}")
        person.at.case()
    for person in people:
        answer(person, study, protocol, number)
    if number != KILLED_AT.get(protocol):
        for person in people:
            person.at.press("Enter")
        return
    people[0].at.press("Enter")
    served.kill()
    for person in people[1:]:
        person.at.press("Enter")
        person.at.not_saved()
    kept(people[1].at.page, f"reading-killed-{protocol}")
    served.start()


def answer(person: Person, study: Opened, protocol: str, number: int) -> None:
    cases = {case.case_id: case for case in study.store.study().cases}
    trial = study.store.design().of_reader(person.reader_id)[number - 1]
    synthetic = cases[trial.left_case].synthetic
    keys, answers = wanted(protocol, person.reader_id, trial, synthetic)
    person.answers[trial.trial_id] = answers
    person.at.press(*keys)
    if number % BLOCK == 1:
        chosen = person.at.chosen()
        person.at.page.reload()
        person.at.case()
        assert person.at.position.startswith(f"Case {number} ")
        assert person.at.chosen() == chosen


def the_log_holds_each_answer_once_in_the_stored_order(study: Opened, people: list[Person]) -> None:
    for person in people:
        stored = [trial.trial_id for trial in study.store.design().of_reader(person.reader_id)]
        sql = "reader_id = ? AND kind = 'trial_submitted'"
        events = study.store.log.events(sql, (person.reader_id,))

        assert [event.trial_id for event in events] == stored
        assert len(stored) == TRIALS and set(person.acknowledged) <= set(stored)
        assert {event.trial_id: event.data for event in events} == person.answers
        # All but those whose acknowledgement died with the server were heard by the browser.
        assert len(set(person.acknowledged)) >= TRIALS - 1


def the_report_says_what_was_pressed(
    study: Opened, people: list[Person], folder: Path, protocol: str
) -> None:
    study.store.close_reading("PI")
    study.store.unblind("PI")
    results = export(study.store, folder, "PI")
    part = results["parts"][protocol]
    design = list(csv.DictReader((folder / "design.csv").open(encoding="utf-8")))
    sources = {
        row["case_id"]: row for row in csv.DictReader((folder / "cases.csv").open(encoding="utf-8"))
    }
    pressed = {name: answers for one in people for name, answers in one.answers.items()}
    rows = [row for row in design if not row["repeat_of"]]
    {"rating": check_rating, "turing": check_turing, "pair": check_pair}[protocol](
        part, rows, sources, pressed
    )
    text = (folder / "report.html").read_text("utf-8")
    headline = headline_of(part, protocol)
    said = f"{headline:.2f}" if protocol == "rating" else f"Readers were right in {headline:.0%}"
    assert said.replace("%", " %") in text


def headline_of(part: Any, protocol: str) -> float:
    if protocol == "rating":
        return part["anatomy"]["sources"][0]["mean"]["value"]
    return part["source" if protocol == "turing" else "synthetic"]["accuracy"]["headline"]["value"]


# The independent computation: from the keys that were pressed, in plain loops -----------------


def check_rating(part: Any, rows: list, sources: dict, pressed: dict) -> None:
    for question in ("anatomy", "pathology", "overall"):
        found = {one["source"]: one for one in part[question]["sources"]}
        for source in {row["source"] for row in sources.values()}:
            inside = [row for row in rows if sources[row["left_case"]]["source"] == source]
            table = by_reader(inside, lambda row, q=question: pressed[row["trial_id"]][q])
            values = [value for line in table for value in line]
            counts = [values.count(level) for level in range(1, 6)]
            assert found[source]["counts"] == counts
            assert_estimate(found[source]["mean"], *mean_over_readers(table, [0] * len(table[0])))


def check_turing(part: Any, rows: list, sources: dict, pressed: dict) -> None:
    def fake(row: dict) -> bool:
        return sources[row["left_case"]]["synthetic"] == "true"

    def right(row: dict) -> int:
        return int((pressed[row["trial_id"]]["source"] >= 4) == fake(row))

    found = part["source"]
    check_shares(found, rows, right, lambda row: sources[row["left_case"]]["source"])
    for line in found["readers"]:
        mine = [row for row in rows if row["reader_id"] == line["reader"]]
        scores = {
            kind: [pressed[row["trial_id"]]["source"] for row in mine if fake(row) is kind]
            for kind in (True, False)
        }
        wins = [(a > b) + (a == b) / 2 for a, b in product(scores[True], scores[False])]
        assert line["area"]["value"] == pytest.approx(mean(wins), abs=1e-12)
        sensitivity = mean(score >= 4 for score in scores[True])
        assert line["sensitivity"]["value"] == pytest.approx(sensitivity, abs=1e-12)
    areas = [line["area"]["value"] for line in found["readers"]]
    assert found["area"]["value"] == pytest.approx(mean(areas), abs=1e-12)


def check_pair(part: Any, rows: list, sources: dict, pressed: dict) -> None:
    def right(row: dict) -> int:
        chosen = row[f"{pressed[row['trial_id']]['synthetic']}_case"]
        return int(sources[chosen]["synthetic"] == "true")

    def stratum(row: dict) -> str:
        return "".join(sorted(sources[row[side]]["source"] for side in ("left_case", "right_case")))

    check_shares(part["synthetic"], rows, right, stratum)
    for line in part["synthetic"]["readers"]:
        mine = [row for row in rows if row["reader_id"] == line["reader"]]
        left = mean(pressed[row["trial_id"]]["synthetic"] == "left" for row in mine)
        assert line["chose_left"]["value"] == pytest.approx(left, abs=1e-12)


def check_shares(found: Any, rows: list, right: Any, stratum: Any) -> None:
    """Accuracy per reader with its exact interval, and the headline over readers and cases."""
    for line in found["readers"]:
        hits = [right(row) for row in rows if row["reader_id"] == line["reader"]]
        exact = stats.binomtest(sum(hits), len(hits)).proportion_ci(method="exact")
        assert_estimate(line["accuracy"], mean(hits), exact.low, exact.high)
    first = min(row["reader_id"] for row in rows)
    items = sorted(item(row) for row in rows if row["reader_id"] == first)
    strata = {item(row): stratum(row) for row in rows}
    table = by_reader(rows, right)
    headline = mean_over_readers(table, [strata[one] for one in items])
    assert_estimate(found["accuracy"]["headline"], *headline)


def item(row: dict) -> tuple[str, ...]:
    return tuple(sorted(name for name in (row["left_case"], row["right_case"]) if name))


def by_reader(rows: list, value: Any) -> list[list[float]]:
    """One line a reader, one column an item, the items sorted."""
    readers = sorted({row["reader_id"] for row in rows})
    lines = [
        sorted((item(row), value(row)) for row in rows if row["reader_id"] == one)
        for one in readers
    ]
    return [[number for _, number in line] for line in lines]


def covariance(one: list[float], two: list[float]) -> float:
    a, b = mean(one), mean(two)
    return sum((x - a) * (y - b) for x, y in zip(one, two, strict=True)) / (len(one) - 1)


def mean_over_readers(table: list[list[float]], strata: list) -> tuple[float, float, float]:
    """Mean and 95 % interval after Obuchowski and Rockette with Hillis' degrees of freedom, written
    out: readers random, cases random within strata."""
    readers, count = len(table), len(strata)
    means = [mean(line) for line in table]
    between = variance(means)
    shared = []
    for i, j in product(range(readers), repeat=2):
        if i == j:
            continue
        total = 0.0
        for name in set(strata):
            inside = [n for n, one in enumerate(strata) if one == name]
            a, b = ([table[k][n] for n in inside] for k in (i, j))
            total += (len(inside) / count) ** 2 * covariance(a, b) / len(inside)
        shared.append(total)
    whole = between + readers * max(mean(shared), 0.0)
    degrees = whole**2 / (between**2 / (readers - 1))
    half = float(stats.t.ppf(0.975, degrees)) * math.sqrt(whole / readers)
    return mean(means), mean(means) - half, mean(means) + half


def assert_estimate(found: Any, value: float, low: float, high: float) -> None:
    numbers = (found["value"], found["low"], found["high"])
    assert numbers == pytest.approx((value, low, high), abs=1e-9)
