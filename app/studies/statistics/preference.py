"""Strengths from paired choices: Bradley-Terry, ties after Davidson, circular choices."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from app.studies.errors import StudyError

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Strengths:
    """Natural logarithms of strengths, sum zero, and Davidson's tie parameter (0: no ties)."""

    log: tuple[float, ...]
    tie: float

    def win(self, first: int, second: int) -> float:
        """Probability that ``first`` is chosen over ``second`` when one of them is chosen."""
        return float(1 / (1 + np.exp(self.log[second] - self.log[first])))


def bradley_terry(wins: Numbers, ties: Numbers | None = None) -> Strengths:
    """Maximum likelihood of the Bradley-Terry model (1952, Biometrika 39:324), with ties by
    Davidson (1970, J Am Stat Assoc 65:317).

    ``wins`` (K, K): how often row was chosen over column; ``ties`` (K, K) symmetric. Without ties
    by Hunter's MM steps (2004, Ann Stat 32:384). Raises ``StudyError`` when the choices do not
    connect all (Ford 1957): then no finite strengths exist.
    """
    tied = np.zeros_like(wins) if ties is None else ties
    if not _connected(wins + tied / 2):
        raise StudyError(
            "Strengths cannot be estimated: one source was always, or never, preferred to others. "
            "Read the table of wins instead."
        )
    if not tied.any():
        return Strengths(tuple(_steps(wins).tolist()), 0.0)
    return _davidson(wins, tied)


def _steps(wins: Numbers) -> Numbers:
    games = wins + wins.T
    strength = np.ones(len(wins))
    for _ in range(10_000):
        shared = games / (strength[:, None] + strength[None])
        new = wins.sum(axis=1) / shared.sum(axis=1)
        new /= np.exp(np.log(new).mean())
        moved = np.abs(np.log(new / strength)).max()
        strength = new
        if moved < 1e-12:
            break
    return np.log(strength)


def _davidson(wins: Numbers, ties: Numbers) -> Strengths:
    count = len(wins)

    def loss(values: Numbers) -> float:
        log = values[:count] - values[:count].mean()
        both = (log[:, None] + log[None]) / 2 + values[count]
        total = np.logaddexp(np.logaddexp(log[:, None], log[None]), both)
        off = ~np.eye(count, dtype=bool)
        won = (wins * (log[:, None] - total))[off].sum()
        return float(-won - (ties * (both - total))[off].sum() / 2)

    found = optimize.minimize(loss, np.zeros(count + 1), method="BFGS", options={"gtol": 1e-8})
    log = found.x[:count] - found.x[:count].mean()
    return Strengths(tuple(log.tolist()), float(np.exp(found.x[count])))


def _connected(beats: Numbers) -> bool:
    """Whether from each one can reach each other along choices."""
    reach = (beats > 0) | np.eye(len(beats), dtype=bool)
    for _ in range(len(beats)):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    return bool(reach.all())


def circular_triads(wins: Numbers) -> int:
    """Triples in which the majorities go round (Kendall, Babington Smith 1940, Biometrika 31).

    With one choice a pair this is K(K-1)(2K-1)/12 minus half the sum of squared scores. Pairs
    without a majority break no triple.
    """
    beats = wins > wins.T
    count = len(wins)
    found = 0
    for a in range(count):
        for b in range(count):
            for c in range(count):
                found += bool(a < b and a < c and beats[a, b] and beats[b, c] and beats[c, a])
    return found
