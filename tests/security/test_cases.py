"""Every one of the 60 cases is proved by a test that pytest finds."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.security.cases import CASES

TESTS = Path(__file__).parents[1]


def claims() -> Iterator[tuple[int, str]]:
    """Each number in a ``case`` marker on a test, its class or its module, with the test's name."""
    for path in sorted(TESTS.rglob("test_*.py")):
        module = ast.parse(path.read_text("utf-8"))
        for_all = [
            number
            for node in module.body
            if isinstance(node, ast.Assign) and _is_pytestmark(node)
            for number in _numbers(node.value)
        ]
        for owner, test in _tests(module):
            marked = [*owner.decorator_list, *test.decorator_list] if owner else test.decorator_list
            for number in (*for_all, *(n for mark in marked for n in _numbers(mark))):
                yield number, f"{path.relative_to(TESTS)}::{test.name}"


def _is_pytestmark(node: ast.Assign) -> bool:
    return any(isinstance(name, ast.Name) and name.id == "pytestmark" for name in node.targets)


def _tests(module: ast.Module) -> Iterator[tuple[ast.ClassDef | None, ast.FunctionDef]]:
    for node in module.body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            inside = [n for n in node.body if isinstance(n, ast.FunctionDef)]
            yield from ((node, test) for test in inside if test.name.startswith("test_"))
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield None, node


def _numbers(mark: ast.AST) -> list[int]:
    """The numbers of every ``pytest.mark.case(...)`` in an expression."""
    return [
        argument.value
        for call in ast.walk(mark)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.case"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, int)
    ]


def test_there_are_sixty_cases():
    assert sorted(CASES) == list(range(1, 61))


def test_every_case_is_proved_by_a_test():
    proved = {number for number, _ in claims()}

    assert [f"{n} {CASES[n]}" for n in CASES if n not in proved] == []


def test_every_claim_is_of_a_case_that_exists():
    assert [claim for claim in claims() if claim[0] not in CASES] == []
