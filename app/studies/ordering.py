"""Orders with promises: spacing of scenes, balanced sides, Williams squares. All from a seed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.studies.errors import StudyError

ATTEMPTS = 200
ALGORITHM = "numpy.random.PCG64 seeded by SeedSequence([seed, reader, part, purpose])"


def generator(*words: int) -> np.random.Generator:
    """The generator for one purpose; the same words give the same draws."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(list(words))))


@dataclass(frozen=True)
class Item:
    """What takes one place in an order: ``scenes`` must stay ``gap`` places apart."""

    key: str
    stratum: str
    scenes: frozenset[str]


def williams_square(conditions: int) -> list[list[int]]:
    """Rows of orders in which every condition follows every other equally often.

    ``conditions`` rows for an even number, twice as many for an odd one (Williams 1949).
    """
    first = [0]
    for n in range(1, conditions):
        first.append((n + 1) // 2 if n % 2 else conditions - n // 2)
    rows = [[(one + shift) % conditions for one in first] for shift in range(conditions)]
    return rows if conditions % 2 == 0 else rows + [row[::-1] for row in rows]


def balanced_sides(strata: Sequence[str], rng: np.random.Generator, flipped: bool) -> list[bool]:
    """For every item whether its first picture is on the left.

    Exactly half are (one more or less when the number is odd), and half within every stratum up
    to one. ``flipped`` gives the opposite of every side, for the next reader.
    """
    shuffled = [int(n) for n in rng.permutation(len(strata))]
    order = sorted(shuffled, key=lambda n: strata[n])
    side = bool(rng.integers(2))
    sides = [False] * len(strata)
    for n in order:
        sides[n] = side != flipped
        side = not side
    return sides


def spread_keys(
    strata: Sequence[str], block: int, rng: np.random.Generator, blocks_first: Sequence[int] = ()
) -> np.ndarray:
    """A key in [0, 1) per item; sorted by it, every block holds its share of each stratum.

    The share is jittered, so that counting does not tell a reader what is left in a block.
    ``blocks_first`` ranks items that must come before others whatever their stratum.
    """
    keys = np.empty(len(strata))
    blocks = max(1, round(len(strata) / block))
    for stratum in sorted(set(strata)):
        members = [n for n, one in enumerate(strata) if one == stratum]
        rng.shuffle(members)
        for rank, n in enumerate(members):
            due = (rank + rng.uniform(-0.5, 1.5)) / len(members)
            number = min(blocks - 1, max(0, int(due * blocks)))
            keys[n] = (number + rng.random()) / blocks
    if len(blocks_first):
        ranks = np.asarray(blocks_first, dtype=float)
        keys = (ranks + keys) / (ranks.max() + 1)
    return keys


def spaced(
    items: Sequence[Item], keys: np.ndarray, gap: int, last: Mapping[str, int], start: int
) -> list[int] | None:
    """Indices of ``items`` near the order of ``keys`` with every scene ``gap`` places apart.

    ``last`` gives the position of a scene in what was read before, ``start`` the position of the
    first place. None when this greedy pass fails; another draw of keys may succeed.
    """
    left = Counter(scene for item in items for scene in item.scenes)
    seen = dict(last)
    waiting = sorted(range(len(items)), key=lambda n: keys[n])
    order: list[int] = []
    end = start + len(items) - 1
    for place in range(start, end + 1):
        ready = [
            n
            for n in waiting
            if all(place - seen.get(scene, place - gap) >= gap for scene in items[n].scenes)
        ]
        if not ready:
            return None
        deadlines = {n: _deadline(items[n], left, end, gap) for n in ready}
        urgent = _urgent(items, deadlines, left, place)
        chosen = ready[0] if urgent is None else urgent
        if deadlines[chosen] < place:
            return None
        order.append(chosen)
        waiting.remove(chosen)
        for scene in items[chosen].scenes:
            seen[scene] = place
            left[scene] -= 1
    return order


def _deadline(item: Item, left: Mapping[str, int], end: int, gap: int) -> int:
    """The last place at which the item leaves room for what its scenes still have to show."""
    return end - (max(left[scene] for scene in item.scenes) - 1) * gap


def _urgent(
    items: Sequence[Item], deadlines: Mapping[int, int], left: Mapping[str, int], place: int
) -> int | None:
    """The item with the earliest deadline if waiting any longer would miss one, else None.

    Only scenes that come again press; one item stands for each of them.
    """
    first: dict[frozenset[str], int] = {}
    for n in deadlines:
        if max(left[scene] for scene in items[n].scenes) > 1:
            first.setdefault(items[n].scenes, n)
    pressing = sorted(first.values(), key=lambda n: deadlines[n])
    late = any(deadlines[n] <= place + rank for rank, n in enumerate(pressing))
    return pressing[0] if late else None


def order_items(
    items: Sequence[Item],
    gap: int,
    block: int,
    rng: np.random.Generator,
    last: Mapping[str, int],
    start: int,
    ranks: Sequence[int] = (),
) -> list[int]:
    """The order of ``items``: strata spread over blocks, scenes ``gap`` apart.

    Raises ``StudyError`` when the gap cannot be kept; it is never shortened in silence.
    """
    for _ in range(ATTEMPTS):
        keys = spread_keys([item.stratum for item in items], block, rng, ranks)
        order = spaced(items, keys, gap, last, start)
        if order is not None:
            return order
    most = Counter(scene for item in items for scene in item.scenes).most_common(1)[0][1]
    raise StudyError(
        f"The design cannot be made: pictures of the same scene must be {gap} trials apart, and "
        f"one scene comes {most} times within {len(items)} trials. "
        "Add scenes, show fewer repeats, or set a smaller gap in the protocol."
    )
