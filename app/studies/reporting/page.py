"""The report as one page."""

from typing import Any

from app.studies.analysis.data import Data


def report(data: Data, results: dict[str, Any], sums: dict[str, str]) -> str:
    return "<!doctype html><title>Report</title>"
