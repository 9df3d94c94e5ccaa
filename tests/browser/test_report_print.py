"""The report on paper: nothing is wider than the page, and what belongs together stays together."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.studies.analysis import analyse
from app.studies.analysis.data import Data
from app.studies.design import make_design
from app.studies.model import Reader, Reading
from app.studies.reporting.page import report
from app.studies.simulation import Modelled, ModelledReaders, simulated_study

PAPER = 658  # CSS px: 210 mm less margins of 18 mm
TALL = 978  # CSS px of an A4 page less its margins, 297 - 18 - 20 mm
LONG = "a-source-whose-name-is-as-long-as-the-program-allows-it-to-be-12"
CHECKSUM = "b" * 64


def reported(protocol: str, folder: Path) -> Path:
    """The report of a modelled study with long names, masks, remarks and amendments."""
    study = simulated_study(protocol, 6, 60, 5)
    plan = replace(study.protocol.plan, bootstrap=100)
    cases = tuple(
        replace(case, mask=CHECKSUM if case.synthetic else "",
                source=LONG if case.source == "model-b" else case.source)
        for case in study.cases
    )  # fmt: skip
    people = tuple(replace(one, specialty="thoracic imaging") for one in study.readers)
    assert all(isinstance(one, Reader) for one in people)
    study = replace(study, protocol=replace(study.protocol, plan=plan), cases=cases, readers=people)
    design, modelled = make_design(study), ModelledReaders(study, Modelled(), 5)
    readings = tuple(
        Reading(trial.reader_id, trial.trial_id, question, value, "", 9.0)
        for trial in design.trials
        for question, value in modelled.answers(study.protocol.part(trial.part), trial).items()
    )
    mask = np.zeros((64, 64), bool)
    mask[20:40, 30:50] = True
    remark = {"about": "leaks", "grave": True, "sentence": "Readers may answer by that. " * 4}
    apart = {"first": "real", "second": LONG, "area": 0.9, "low": 0.8, "high": 1.0,
             "by": [["the sharpness at the finest scale", 0.9]]}  # fmt: skip
    data = Data(
        design,
        readings,
        amendments=({"at": "2026-11-25", "reason": "It broke", "change": {"what": "A screen"}},),
        checks={"at": "", "remarks": [remark], "separations": [apart]},
        masks={CHECKSUM: mask},
    )
    path = folder / f"{protocol}.html"
    path.write_text(report(data, analyse(data), {"answers_long.csv": "0" * 64}), "utf-8")
    return path


@pytest.mark.parametrize("protocol", ["turing", "edit", "preference"])
def test_nothing_of_a_report_is_cut_off_by_the_edge_of_the_paper(
    page: Any, tmp_path: Path, protocol: str
) -> None:
    page.set_viewport_size({"width": PAPER, "height": TALL})
    page.emulate_media(media="print")
    page.goto(reported(protocol, tmp_path).as_uri())

    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PAPER
    out = page.evaluate(
        """() => [...document.querySelectorAll("table, figure, svg, p, li, h2, td, th")]
            .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5)
            .map((one) => one.textContent.slice(0, 80))"""
    )
    assert out == []
    assert page.locator("table").count() > 6


def test_on_paper_headings_stay_with_what_follows_and_tables_and_figures_are_not_torn(
    page: Any, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": PAPER, "height": TALL})
    page.emulate_media(media="print")
    page.goto(reported("edit", tmp_path).as_uri())

    def styles(what: str, name: str) -> set[str]:
        return set(
            page.evaluate(
                """([what, name]) => [...document.querySelectorAll(what)]
                .map((one) => getComputedStyle(one)[name])""",
                [what, name],
            )
        )

    assert styles("h2, h3, caption", "breakAfter") == {"avoid"}
    assert styles("figure, tr, table:not(.long)", "breakInside") == {"avoid"}
    assert styles("table.long", "breakInside") == {"auto"}
    # A short table that held on to what follows would leave half a page empty.
    assert styles("table:not(.long) tr:last-child", "breakAfter") == {"auto"}
    tall = page.evaluate(
        """() => [...document.querySelectorAll("figure, table:not(.long)")]
            .map((one) => one.getBoundingClientRect().height)"""
    )
    assert len(tall) > 15 and max(tall) < TALL  # each fits on a page

    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert pdf.startswith(b"%PDF")
    assert 8 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 18
