"""``python -m tests.security.long_run KIND COUNT [FIRST]``: changed files without end.

What the tests of changed files do, one number after another and without Hypothesis, which takes
longer than most of what is tried. The log says how far it came and what was wrong.
"""

import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

Try = Callable[[int], Any]  # a number -> what came of it; raises where that is none of the outcomes


def of_pictures(place: Path) -> Try:
    del place
    from tests.security import test_changed_pictures as those
    from tests.security.changes import bounded, changed

    def tried(seed: int) -> str:
        data = changed(those.SEEDS, seed)
        if seed % 4 == 1:
            data = those._signed(changed(those.SEEDS[:5], seed), seed)
        with bounded(those.MOST):
            found = those.outcome(data)
        assert found == "opened" or those.SENTENCES.match(found), found
        return found

    return tried


def of_dicom(place: Path) -> Try:
    del place
    from engine.dicom import child, reading
    from tests.engine.dicom import test_mutations as those
    from tests.security.changes import bounded

    reading._answer = child.answer  # in this process, as in the tests

    def tried(seed: int) -> str:
        with bounded(those.MOST_BYTES):
            found = those.outcome(those.changed(those.NATIVE, seed))
        assert found == "film" or those.CLOSED.match(found), found
        return found

    return tried


def of_checkpoints(place: Path) -> Try:
    from engine.checkpoints import jailed
    from tests.engine.checkpoints.conftest import answer_here
    from tests.security import test_changed_checkpoints as those
    from tests.security.changes import changed

    jailed._answer = answer_here
    those.limit_addresses()

    def tried(seed: int) -> str:
        if seed % 4 == 1:
            return those.outcome(place, those.with_changed_part(seed))
        if seed % 4 == 2:
            return those.outcome(place, those.program(seed))
        return those.outcome(place, changed(those.SEEDS, seed))

    return tried


def of_networks(place: Path) -> Try:
    """Changed names and shapes; one in a hundred is built, which takes a second."""
    from tests.security import test_changed_checkpoints as those

    published = those.published_shapes(place.parent)
    return lambda seed: those.recognised(
        those.changed_shapes(published, seed), build=seed % 100 == 0
    )


def of_descriptions(place: Path) -> Try:
    from engine.checkpoints import jailed
    from tests.engine.checkpoints.conftest import answer_here
    from tests.security import test_changed_checkpoints as those

    jailed._answer = answer_here
    folder, told = those.one_model(place)
    return lambda seed: those.listed(folder, told, seed)


def of_projects(place: Path) -> Try:
    from tests.security import test_changed_projects as those
    from tests.security.changes import changed

    def tried(seed: int) -> str:
        if seed % 2:
            return those.outcome(place, those.rewritten(seed))
        return those.outcome(place, changed([those.WHOLE, those.BARE], seed))

    return tried


def of_recipes(place: Path) -> Try:
    from tests.security import test_changed_recipes as those
    from tests.security.changes import changed, changed_json, written

    names = sorted(those.SEEDS)

    def tried(seed: int) -> str:
        if seed % 2:
            recipe, _ = those.SEEDS[names[seed % len(names)]]
            return those.check(place, written(changed_json(recipe, seed), seed))
        return those.check(place, changed([*those.TEXTS, *those.FILES], seed))

    return tried


def of_masks(place: Path) -> Try:
    from tests.security import test_changed_masks as those
    from tests.security.changes import changed

    return lambda seed: those.outcome(place, changed(those.FILES, seed))


KINDS = {
    "pictures": of_pictures,
    "dicom": of_dicom,
    "checkpoints": of_checkpoints,
    "networks": of_networks,
    "descriptions": of_descriptions,
    "projects": of_projects,
    "recipes": of_recipes,
    "masks": of_masks,
}


GOOD = ("opened", "film", "tensors", "network", "models", "request", "planes")


def main(words: list[str]) -> int:
    kind, count, first = words[0], int(words[1]), int(words[2]) if len(words) > 2 else 0
    wrong, opened, start = 0, 0, time.process_time()
    with TemporaryDirectory() as folder:
        tried = KINDS[kind](Path(folder) / "weights")
        for seed in range(first, first + count):
            try:
                opened += tried(seed) in GOOD
            except Exception:
                wrong += 1
                _say(f"{kind}: number {seed} went wrong\n{traceback.format_exc(limit=-6)}")
            if (seed + 1) % 5000 == 0 or seed + 1 == first + count:
                spent = f"{time.process_time() - start:.0f} s"
                done = seed + 1 - first
                _say(f"{kind}: {done} tried, {opened} opened, {wrong} wrong, {spent}")
    return 1 if wrong else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
