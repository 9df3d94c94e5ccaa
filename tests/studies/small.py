"""Small studies for the tests: cases without pictures, and readers that answer by rule."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.studies import protocols
from app.studies.model import Case, Question, Reader, Study
from app.studies.store import Store, create

SOURCES = (("hospital", False), ("ours", True), ("theirs", True))


def cases(scenes: int, protocol: str = "turing") -> tuple[Case, ...]:
    """``scenes`` films and two synthetic pictures of each; two findings in turn."""
    found = []
    for n in range(scenes):
        finding = ("effusion", "opacity")[n % 2]
        for source, synthetic in SOURCES:
            edited = f"hospital-{n}" if protocol == "edit" and synthetic else ""
            scene = f"scene-{n}" if protocol != "edit" else ""
            found.append(Case(f"{source}-{n}", source, synthetic, finding, scene, edit_of=edited))
    return tuple(found)


def study(
    protocol: str = "turing", scenes: int = 12, readers: int = 3, gap: int = 8, seed: int = 7
) -> Study:
    shipped = protocols.shipped(protocol)
    quick = replace(shipped, order=replace(shipped.order, gap=gap))
    people = tuple(Reader(f"R{n + 1:02d}") for n in range(readers))
    return Study("small", "A small study", seed, quick, cases(scenes, protocol), people)


def opened(folder: Path, made: Study | None = None) -> Store:
    """A store that is open for reading."""
    store = create(folder, made or study())
    store.freeze()
    store.open_reading()
    return store


def plain_answer(question: Question) -> Any:
    """An answer that every kind of question takes."""
    first = question.anchors[0] if question.anchors else ""
    return {
        "scale": 1,
        "choice": first,
        "yes_no": True,
        "tags": [],
        "marks": [],
        "text": "nothing",
        "side": "left",
    }[question.kind]


def read_all(
    store: Store, reader_id: str, answer: Callable[[Question], Any] = plain_answer
) -> list[str]:
    """Answer every open trial of a reader; returns the trials in the order they were shown."""
    order = []
    while shown := store.for_reader(reader_id):
        answers = {one.name: answer(one) for one in shown.questions if one.required}
        store.show(reader_id, shown.trial_id)
        store.submit(reader_id, shown.trial_id, answers, f"request-{shown.trial_id}")
        order.append(shown.trial_id)
    return order
