"""A known word that a misspelt one is likely to mean: for a hint, never read in its place."""

from functools import cache

from engine.vocabulary import FINDINGS, NOTHING

SHORTEST = 4  # letters; shorter words resemble too many others
LONG = 8  # letters, from which two slips may lie in a word
PLACES = "left right both bilateral upper middle lower zone lobe lung heart"
MORE = "pleural cardiac enlarged edema oedema effusions infiltrate opacities nodules masses"


def meant(word: str) -> str | None:
    """The word of our tables that lies nearest to ``word``, at most a slip or two away; or None.

    A slip is a letter too many, missing, wrong, or two neighbours swapped.
    """
    word = word.lower()
    if len(word) < SHORTEST or word in _known():
        return None
    allowed = 1 if len(word) < LONG else 2
    found = min(((_slips(word, known), known) for known in _known()), default=None)
    return found[1] if found is not None and found[0] <= allowed else None


def hinted(word: str) -> str:
    """``word`` for a sentence, with what it may mean: "efusion (effusion?)"."""
    near = meant(word)
    return word if near is None else f"{word} ({near}?)"


@cache
def _known() -> frozenset[str]:
    words = " ".join((*(f for f in FINDINGS if f != NOTHING), PLACES, MORE)).split()
    return frozenset(word for word in words if len(word) >= SHORTEST)


def _slips(one: str, other: str) -> int:
    """Optimal string alignment distance."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        longer = [i]
        for j, b in enumerate(other, 1):
            best = min(row[j] + 1, longer[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, before[j - 2] + 1)
            longer.append(best)
        before, row = row, longer
    return row[-1]
