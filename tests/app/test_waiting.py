from dataclasses import dataclass

import pytest

from app.runs.waiting import IN_ALL, PER_SESSION, Waiting
from engine.errors import InvalidRequest


@dataclass(frozen=True)
class Run:
    owner: str
    name: str


def queue(*names):
    """Runs named "a1" belong to "a"."""
    waiting = Waiting()
    for name in names:
        waiting.put(Run(name[0], name))
    return waiting


def taken(waiting):
    return [waiting.take().name for _ in range(len(waiting))]


def test_sessions_take_turns_and_each_keeps_its_own_order():
    waiting = queue("a1", "a2", "a3", "b1", "c1", "c2")
    told = [run.name for run in waiting.in_order()]
    assert told == ["a1", "b1", "c1", "a2", "c2", "a3"]
    assert taken(waiting) == told


def test_who_was_just_served_stands_last():
    waiting = queue("a1", "a2", "b1")
    assert waiting.take().name == "a1"
    waiting.put(Run("c", "c1"))
    assert taken(waiting) == ["b1", "a2", "c1"]


def test_a_run_that_is_taken_out_leaves_the_others_in_order():
    waiting = queue("a1", "b1", "a2")
    waiting.remove(Run("a", "a1"))
    assert taken(waiting) == ["a2", "b1"]
    waiting = queue("a1")
    waiting.remove(Run("a", "a1"))
    assert len(waiting) == 0 and waiting.in_order() == []


def test_one_session_cannot_fill_the_queue_of_all():
    waiting = queue(*(f"a{n}" for n in range(PER_SESSION)))
    with pytest.raises(InvalidRequest, match="runs are waiting already"):
        waiting.put(Run("a", "over"))
    waiting.put(Run("b", "b1"))


def test_all_sessions_together_are_bounded():
    waiting = Waiting()
    for n in range(IN_ALL):
        waiting.put(Run(f"user{n}", "run"))
    with pytest.raises(InvalidRequest, match="of all users"):
        waiting.put(Run("one more", "run"))
