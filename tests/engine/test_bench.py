import numpy as np

from engine.api import GenerateRequest, Progress, SegmentRequest
from engine.bench import anew, changed_after, chest, ellipse, jobs, peak_gib, table, timed


def test_every_job_is_a_valid_request_that_starts_with_its_verb():
    made = jobs(np.full((256, 256), 0.5, np.float32))

    verbs = {name.split()[0] for name in made}
    assert verbs == {"generate", "insert", "erase", "outpaint", "upscale", "segment"}


def test_the_drawing_has_lungs_and_a_heart_on_their_sides():
    organs = chest(64)

    columns = {label: np.flatnonzero((organs == label).any(0)).mean() for label in (1, 2, 3)}
    assert columns[2] < columns[3] < columns[1]  # the patient's right is on the image's left


def test_an_ellipse_has_the_area_of_one():
    area = ellipse(256, 0.5, 0.5, 0.25, 0.125).mean()

    assert abs(area - np.pi * 0.25 * 0.125) < 1e-3


def test_the_run_that_warms_up_is_not_counted():
    calls = []

    def work(request, on_event):
        calls.append(request)
        on_event(Progress("a", 1, 2, np.zeros((4, 4), np.float32)))

    request = SegmentRequest(image=np.zeros((32, 32), np.float32))
    row = timed("segment", lambda: request, work, repeat=3)

    assert len(calls) == 4
    assert 0 <= row["first_preview"] <= row["median"] <= row["slowest"]


def test_no_job_is_timed_with_a_seed_that_was_drawn_before():
    one, other = anew(GenerateRequest()), anew(GenerateRequest())

    seeds = [made().sampling.seed for made in (one, other, other, one)]

    assert len(set(seeds)) == 4 and min(seeds) >= 10_000


def test_a_changed_finding_is_timed_after_its_film_was_made():
    made = []
    changed = changed_after(made.append)()

    (whole,) = made
    assert whole.sampling.seed == changed.sampling.seed
    assert (whole.findings[0].text, changed.findings[0].text) == ("effusion", "consolidation")


def test_the_table_shows_figures_and_reasons():
    figures = {
        "machine": {"processor": "X", "graphics_card": None},
        "rows": [
            {"job": "erase", "median": 1.234, "slowest": 2, "processor": 2.4, "first_preview": 0.5},
            {"job": "large", "skipped": "no card"},
        ],
        "full size": {"rows": [], "table": "| the authors' way |\n"},
    }

    text = table(figures)

    assert "| erase | 1.23 | 2.00 | 2.40 | 0.50 |  |  |" in text
    assert "skipped: no card" in text
    assert text.startswith("processor: X\n")
    assert text.endswith("\n\n| the authors' way |\n")


def test_memory_is_counted_in_gib():
    peak = peak_gib()

    assert peak is None or 0.01 < peak < 100
