"""What a study of a size can show, by simulated studies that are analysed as the real one will be.

Decisions (real or synthetic, one of two): right with probability expit(skill + reader + case).
Ratings: five steps, a normal variable with reader, case and rest, cut. The spreads are
assumptions that the page names; a pilot tells better ones.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from app.studies.analysis.rated import difference
from app.studies.errors import StudyError
from app.studies.ordering import generator
from app.studies.simulation import Modelled
from app.studies.statistics.planning import plan_of
from app.studies.statistics.proportions import Estimate, clopper_pearson, equivalent
from app.studies.statistics.readers_and_cases import mean_share_in_strata

Numbers = NDArray[np.float64]
STUDIES = 300
ACCURACIES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
DIFFERENCES = (0.0, 0.25, 0.5, 0.75, 1.0)
MOST_READERS, MOST_CASES = 100, 2000
POWER = 0.8
FAR = 60  # readers up to which a size is searched


@dataclass(frozen=True)
class Spread:
    """Standard deviations of readers and cases: on the logit scale, or in points of a rating.

    ``rest`` is what remains within one reader and case, of ratings only.
    """

    readers: float = 0.5
    cases: float = 1.0
    rest: float = 0.7


def power_of(
    readers: int, cases: int, margin: float, spread: Spread, measure: str = "accuracy"
) -> dict[str, Any]:
    """Intervals to expect, and how often a study of this size would show what, by true value.

    ``measure`` as in the plan of a protocol; a preference is planned as a decision between two.
    The same arguments give the same answer. Raises ``StudyError`` for sizes outside its range.
    """
    if not 2 <= readers <= MOST_READERS or not 8 <= cases <= MOST_CASES:
        raise StudyError(
            f"Sizes are planned for 2 to {MOST_READERS} readers and 8 to {MOST_CASES} pictures."
        )
    if not (0 <= spread.readers <= 3 and 0 <= spread.cases <= 3 and 0 < spread.rest <= 3):
        raise StudyError("Spreads lie between 0 and 3.")
    if measure == "rating":
        return _of_ratings(readers, cases, margin, spread)
    return _of_decisions(readers, cases, margin, spread)


def told(
    power: dict[str, Any], readers: int, cases: int, margin: float, spread: Spread
) -> list[str]:
    """What a study of this size can and cannot show, in sentences; the limits come first."""
    rows = power["rows"]
    share = power["unit"] == "share"
    scale, unit = (100, " %") if share else (1, " points")
    low, high = (f"{scale * rows[0][end]:.{0 if share else 1}f}" for end in ("low", "high"))
    size = f"{100 * margin:g} points" if share else f"{margin:g} points"
    found = []
    if rows[0]["equivalent"] >= POWER:
        found.append(
            f"Enough to call the sources indistinguishable within {size}, if they are: "
            f"{100 * rows[0]['equivalent']:.0f} of 100 such studies would show it."
        )
    else:
        wanted = readers_for_equivalence(cases, margin, spread) if share else None
        enough = f" About {wanted} readers would do with these pictures." if wanted else (
            " Even 60 readers would not do with these pictures: more pictures are needed."
            if share else ""
        )  # fmt: skip
        found.append(
            f"Not enough to call the sources indistinguishable within {size}: only "
            f"{100 * rows[0]['equivalent']:.0f} of 100 such studies would show it even if nobody "
            f"could tell them apart.{enough}"
        )
    seen = [row["true"] for row in rows[1:] if row["differs"] >= POWER]
    what = "an accuracy" if share else "a difference of means"
    if seen:
        other = "guessing" if share else "none"
        found.append(
            f"Enough to tell {what} of {scale * seen[0]:g}{unit} or more from {other}: 80 of 100 "
            "such studies would."
        )
    else:
        found.append(f"Not enough to tell {what} of {scale * rows[-1]['true']:g}{unit} from none.")
    nothing = "If readers only guess" if share else "If there is no difference"
    found.append(f"{nothing}, expect an interval of {low} to {high}{unit}.")
    if power["design_effect"]:
        worth = readers * cases / power["design_effect"]
        found.append(
            f"{readers * cases} answers count like about {worth:.0f} independent ones, because the "
            "same readers answer to the same pictures. A result that does not differ from guessing "
            "is never, by itself, evidence of realism."
        )
    if readers < 5:
        found.append(
            "With fewer than five readers the interval is very wide and its 95 % are not quite "
            "kept: plan five or more."
        )
    return found


def readers_for_equivalence(cases: int, margin: float, spread: Spread) -> int | None:
    """The fewest readers with which 80 of 100 studies show equivalence when nobody can tell."""
    low, high = 2, FAR
    if _equivalent_share(high, cases, margin, spread) < POWER:
        return None
    while low < high:
        middle = (low + high) // 2
        if _equivalent_share(middle, cases, margin, spread) >= POWER:
            high = middle
        else:
            low = middle + 1
    return high


def _equivalent_share(readers: int, cases: int, margin: float, spread: Spread) -> float:
    found = []
    for study in range(STUDIES // 2):
        right = _decided(readers, cases, 0.0, spread, generator(readers, cases, 50, study))
        one = mean_share_in_strata(right, np.resize([0, 1], cases), 0.9).estimate
        found.append(equivalent(one.low, one.high, 0.5, margin))
    return float(np.mean(found))


def _decided(
    readers: int, cases: int, skill: float, spread: Spread, rng: np.random.Generator
) -> Numbers:
    logit = skill + rng.normal(0, spread.readers, (readers, 1))
    logit = logit + rng.normal(0, spread.cases, (1, cases))
    return (rng.random((readers, cases)) < special.expit(logit)).astype(float)


def _of_decisions(readers: int, cases: int, margin: float, spread: Spread) -> dict[str, Any]:
    strata = np.resize([0, 1], cases)
    rows = []
    effect = 0.0
    for n, wanted in enumerate(ACCURACIES):
        skill = _skill(wanted, spread)
        found, bands, pooled = [], [], []
        for study in range(STUDIES):
            right = _decided(readers, cases, skill, spread, generator(readers, cases, n, study))
            found.append(mean_share_in_strata(right, strata).estimate)
            bands.append(mean_share_in_strata(right, strata, 0.9).estimate)
            pooled.append(clopper_pearson(int(right.sum()), right.size))
        if wanted == 0.5:
            effect = (_width(found) / _width(pooled)) ** 2
        rows.append(_row(wanted, found, bands, 0.5, margin))
    return {
        "unit": "share",
        "studies": STUDIES,
        "rows": rows,
        "design_effect": effect,
        "plan": plan_of(readers, cases, margin),
    }


def _of_ratings(readers: int, cases: int, margin: float, spread: Spread) -> dict[str, Any]:
    half = max(2, cases // 2)
    rows = []
    for n, wanted in enumerate(DIFFERENCES):
        found, bands = [], []
        for study in range(STUDIES):
            rng = generator(readers, cases, 100 + n, study)
            who = rng.normal(0, spread.readers, (readers, 1))
            real = _rated(3.5 + wanted / 2 + who, half, spread, rng)
            made = _rated(3.5 - wanted / 2 + who, half, spread, rng)
            found.append(difference(real, made, False, 0.95).estimate)
            bands.append(difference(real, made, False, 0.9).estimate)
        rows.append(_row(wanted, found, bands, 0.0, margin))
    return {"unit": "points", "studies": STUDIES, "rows": rows, "design_effect": None, "plan": None}


def _rated(centre: Numbers, cases: int, spread: Spread, rng: np.random.Generator) -> Numbers:
    shape = (len(centre), cases)
    plain = centre + rng.normal(0, spread.cases, (1, cases)) + rng.normal(0, spread.rest, shape)
    return np.clip(np.round(plain), 1, 5)


def _row(
    true: float, found: list[Estimate], bands: list[Estimate], centre: float, margin: float
) -> dict[str, Any]:
    told = [not one.low <= centre <= one.high for one in found]
    same = [equivalent(one.low, one.high, centre, margin) for one in bands]
    return {
        "true": true,
        "low": float(np.median([one.low for one in found])),
        "high": float(np.median([one.high for one in found])),
        "differs": float(np.mean(told)),
        "equivalent": float(np.mean(same)),
    }


def _width(found: list[Estimate]) -> float:
    return float(np.mean([one.high - one.low for one in found]))


def _skill(accuracy: float, spread: Spread) -> float:
    """The skill at which readers are right that often, over readers and cases."""

    def gap(skill: float) -> float:
        return Modelled(skill, spread.readers, spread.cases).true_accuracy() - accuracy

    return float(optimize.brentq(gap, -1.0, 40.0))  # type: ignore[arg-type]
