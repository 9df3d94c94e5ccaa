"""Words that a stranger made to keep a pattern busy take no longer than others."""

import importlib
import pkgutil
import re
import time

import pytest

import app
import engine
from app.document.masks import label_in
from app.models.sets import named_file
from engine.api import Knows
from engine.errors import EngineError
from engine.reports.parser import read_report
from engine.words import read_words

LONGEST = 10_000  # letters of a report
SOON = 3  # seconds of processor time; a pattern that goes back over its steps takes hours
PIECES = [
    "a", " ", "9", "-", ".", ",", "\t", "\n", "_", "/..", "<", "(", "[", "no ", "left ", "and ",
    "no evidence of ", "small to moderate ", "left and right ", "mild, ", "1.", "a.b",
    "\xe9", "\u202e",
    "effusion ", "lung lung ", "without with ", "0,5 ", "//", "xpacket ", "\0", "\U0001f600",
]  # fmt: skip
ENDS = ["", "!", "x", "\n", "effusion"]


def patterns() -> dict[str, re.Pattern[str]]:
    """Every compiled pattern that a module of ours holds, by its name."""
    found = {}
    for package in (app, engine):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if info.name.endswith("__main__") or ".training" in info.name:
                continue
            module = importlib.import_module(info.name)
            for name, value in vars(module).items():
                each = value if isinstance(value, list | tuple | set) else [value]
                for number, one in enumerate(each):
                    if isinstance(one, re.Pattern) and isinstance(one.pattern, str):
                        found[f"{info.name}.{name}.{number}"] = one
    return found


def hostile(size: int) -> list[str]:
    return [(piece * size)[:size] + end for piece in PIECES for end in ENDS]


def test_no_pattern_of_ours_can_be_kept_busy():
    """All of them, also those that are written after this test."""
    found = patterns()
    assert len(found) > 10

    slow = []
    for name, pattern in found.items():
        for text in hostile(LONGEST // 5)[::2]:
            start = time.process_time()
            pattern.fullmatch(text)
            for _ in zip(range(3), pattern.finditer(text), strict=False):
                pass
            if time.process_time() - start > SOON:
                slow.append((name, text[:20]))
                break

    assert slow == []


@pytest.mark.parametrize("piece", PIECES)
def test_a_report_made_to_keep_the_reader_busy_is_read_soon(piece):
    for end in ENDS[:2]:
        text = (piece * LONGEST)[:LONGEST] + end
        start = time.process_time()

        read_report(text)

        assert time.process_time() - start < 4 * SOON


def test_words_of_findings_and_names_of_files_are_read_soon():
    for text in hostile(LONGEST // 4):
        start = time.process_time()
        label_in(text)
        try:
            read_words(text[:2000], Knows())
            named_file(text)
        except EngineError as error:
            assert str(error)

        assert time.process_time() - start < SOON
