"""What tells the sources apart without anatomy: checked before the freeze, said in words.

A reader who sees that all synthetic pictures are a little smoother answers by that. So a small
classifier looks at the files and at plain statistics of the pixels: if it can separate the
sources, readers may. It sees no anatomy; what it cannot see is not said to be safe.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from app.studies import originals
from app.studies.appearance import FEATURES, Numbers, border, features
from app.studies.framing import Codes
from app.studies.model import Case
from app.studies.pictures import PICTURES, codes_of
from app.studies.statistics.areas import area

FEWEST = 10  # pictures of each class, below which no classifier is trained
FOLDS = 5
REPEATS = 3
RIDGE = 1.0
WARN_AT = 0.8  # area under the curve that readers could use
HINT_AT = 0.65
THUMB = 64  # px, for near-duplicates
# Correlation of fine structure from which two pictures are taken for one: films of 300 patients
# reach 0.82 at most, blurred and compressed copies of one film 0.99.
SAME = 0.9


@dataclass(frozen=True)
class Remark:
    """One thing that was found. ``grave`` ones should be cleared before the freeze."""

    about: str  # "balance", "duplicates", "leaks" or "originals"
    grave: bool
    sentence: str


@dataclass(frozen=True)
class Separation:
    """How well two classes are told apart without anatomy; areas under the curve, 95 %."""

    first: str
    second: str
    area: float
    low: float
    high: float
    by: tuple[tuple[str, float], ...]  # what separates, in words, and its own area


@dataclass(frozen=True)
class Checked:
    remarks: tuple[Remark, ...]
    separations: tuple[Separation, ...]
    counts: tuple[tuple[str, str, str, int], ...]  # source, finding, role, pictures
    border: float = 0.0  # the widest border of one tone in what is shown, a share of the side

    @property
    def clear(self) -> bool:
        return not any(remark.grave for remark in self.remarks)


def check_pictures(folder: Path, cases: Sequence[Case], seed: int = 0) -> Checked:
    """Balance, near-duplicates and leaks of the pictures of a study, of any role but practice.

    ``folder`` is the study's; every case needs its picture. Takes about 0.1 s a picture. The same
    pictures and ``seed`` give the same answer.
    """
    counted = [case for case in cases if case.sha256 and case.role == "main"]
    thumbs, rows, borders = [], [], []
    for case in counted:
        codes = codes_of(folder, case)
        thumbs.append(_fine(codes))
        borders.append(border(codes))
        rows.append(features(codes, (folder / PICTURES / f"{case.sha256}.png").stat().st_size))
    table = np.array(rows)
    separations = separated(counted, table, seed) if counted else ()
    remarks = [*balance(cases), *duplicates(counted, thumbs), *_leaks(separations)]
    if counted:
        shown = {"border": np.array(borders), "blocks": table[:, -1], "side": table[:, 1]}
        sentences = originals.said(counted, classes(counted), shown)
        remarks += [Remark("originals", False, sentence) for sentence in sentences]
    every = Counter((case.source, case.finding, case.role) for case in cases)
    numbers = tuple((*key, n) for key, n in sorted(every.items()))
    return Checked(tuple(remarks), separations, numbers, max(borders, default=0.0))


# Balance --------------------------------------------------------------------------------------


def balance(cases: Sequence[Case]) -> list[Remark]:
    """Whether classes and findings are there in numbers that do not tell anything by themselves."""
    main = [case for case in cases if case.role == "main"]
    real = [case for case in main if not case.synthetic]
    synthetic = [case for case in main if case.synthetic]
    found = []
    missing = [case.case_id for case in cases if not case.sha256]
    if missing:
        found.append(
            Remark("balance", True, f"{len(missing)} cases have no picture, first {missing[0]}.")
        )
    if real and synthetic:
        more, fewer = max(len(real), len(synthetic)), min(len(real), len(synthetic))
        if more > 2 * fewer:
            sentence = (
                f"There are {len(real)} real and {len(synthetic)} synthetic pictures. With more "
                "than two of one to one of the other, readers find out and answer by it."
            )
            found.append(Remark("balance", True, sentence))
        found += _findings(real, synthetic)
    return found


def _findings(real: list[Case], synthetic: list[Case]) -> list[Remark]:
    found = []
    here, there = (Counter(case.finding for case in one) for one in (real, synthetic))
    for finding in sorted(set(here) | set(there)):
        a, b = here[finding], there[finding]
        share_a, share_b = a / len(real), b / len(synthetic)
        if not a or not b:
            only = "real" if a else "synthetic"
            sentence = f"The finding '{finding}' is in {only} pictures only ({a + b}): it tells."
            found.append(Remark("balance", True, sentence))
        elif max(share_a, share_b) > 2 * min(share_a, share_b) and abs(share_a - share_b) > 0.1:
            sentence = (
                f"The finding '{finding}' is in {share_a:.0%} of the real and {share_b:.0%} of "
                "the synthetic pictures. Match the findings."
            )
            found.append(Remark("balance", False, sentence))
    return found


# Near-duplicates ------------------------------------------------------------------------------


def _fine(codes: Codes) -> Numbers:
    """The fine structure of a picture, (THUMB * THUMB,) with mean 0 and length 1.

    All chests are alike when blurred; ribs, vessels and letters tell one from the next.
    """
    small = cv2.resize(codes, (THUMB, THUMB), interpolation=cv2.INTER_AREA).astype(np.float64)
    small -= cv2.GaussianBlur(small, (0, 0), 3)
    flat = small.ravel() - small.mean()
    return flat / max(float(np.linalg.norm(flat)), 1e-9)


def duplicates(cases: Sequence[Case], thumbs: Sequence[Numbers]) -> list[Remark]:
    """Pairs of pictures that are nearly one, mirrored ones too; edits of one another left out."""
    if len(cases) < 2:
        return []
    rows = np.array(thumbs)
    mirrored = rows.reshape(-1, THUMB, THUMB)[:, :, ::-1].reshape(len(rows), -1)
    likeness = np.maximum(rows @ rows.T, rows @ mirrored.T)
    found = []
    for i, j in zip(*np.nonzero(np.triu(likeness >= SAME, 1)), strict=True):
        one, two = cases[i], cases[j]
        if one.case_id == two.edit_of or two.case_id == one.edit_of:
            continue
        if one.edit_of and one.edit_of == two.edit_of:
            continue  # two edits of one film, in which nearly all is the film's
        if one.scene and one.scene == two.scene:
            continue  # kept apart by the gap, and meant to be alike
        across = one.synthetic != two.synthetic
        what = (
            "one real, one synthetic" if across else "both " + ("real", "synthetic")[one.synthetic]
        )
        more = (
            " A synthetic copy of a film is neither blinded nor private."
            if across
            else " Give them one scene, or leave one out."
        )
        sentence = (
            f"{one.case_id} and {two.case_id} ({what}) are nearly the same picture, alike to "
            f"{likeness[i, j]:.2f}.{more}"
        )
        found.append(Remark("duplicates", across, sentence))
    return found


# Leaks ----------------------------------------------------------------------------------------


def classes(cases: Sequence[Case]) -> list[tuple[originals.Class, originals.Class]]:
    """Real against synthetic where both are there, and every two synthetic sources."""
    synthetic = np.array([case.synthetic for case in cases])
    sources = np.array([case.source for case in cases])
    pairs = []
    if synthetic.any() and not synthetic.all():
        pairs.append((("real", ~synthetic), ("synthetic", synthetic)))
    names = sorted({case.source for case in cases if case.synthetic})
    pairs += [
        ((one, sources == one), (two, sources == two))
        for n, one in enumerate(names)
        for two in names[n + 1 :]
    ]
    return pairs


def separated(cases: Sequence[Case], rows: Numbers, seed: int) -> tuple[Separation, ...]:
    """How well every two classes are told apart, where there are enough of both."""
    found = []
    for (one, first), (two, second) in classes(cases):
        if min(first.sum(), second.sum()) >= FEWEST:
            both = first | second
            groups = [case.scene or case.edit_of or case.case_id for case in cases]
            chosen = [group for group, here in zip(groups, both, strict=True) if here]
            found.append(_separation(one, two, rows[both], second[both], chosen, seed))
    return tuple(found)


def _separation(
    first: str, second: str, rows: Numbers, label: NDArray, groups: list[str], seed: int
) -> Separation:
    scores = out_of_fold(rows, label, groups, np.random.default_rng(seed))
    whole = area(scores[label], scores[~label])
    low, high = _interval(whole.value, int(label.sum()), int((~label).sum()))
    by = []
    for n, name in enumerate(FEATURES):
        value = stats.mannwhitneyu(rows[label, n], rows[~label, n])
        share = float(value.statistic) / (label.sum() * (~label).sum())
        if value.pvalue < 0.01 / len(FEATURES) and abs(share - 0.5) > HINT_AT - 0.5:
            by.append((name, max(share, 1 - share)))
    by.sort(key=lambda one: -one[1])
    return Separation(first, second, whole.value, low, high, tuple(by[:4]))


def _interval(value: float, positive: int, negative: int) -> tuple[float, float]:
    """95 % of an area after Hanley, McNeil 1982 (Radiology 143:29): not empty at an area of 1,
    where DeLong's interval is. For the ends Agresti's rule adds two cases to each class."""
    shrunk = (value * positive * negative + 0.5 * 4) / (positive * negative + 4)
    q1, q2 = shrunk / (2 - shrunk), 2 * shrunk**2 / (1 + shrunk)
    variance = (
        shrunk * (1 - shrunk)
        + (positive - 1) * (q1 - shrunk**2)
        + (negative - 1) * (q2 - shrunk**2)
    ) / (positive * negative)
    half = 1.96 * float(np.sqrt(max(variance, 0)))
    return max(0.0, value - half), min(1.0, value + half)


def out_of_fold(
    rows: Numbers, label: NDArray, groups: Sequence[str], rng: np.random.Generator
) -> Numbers:
    """(n,) scores for ``label``, each by a ridge logistic regression that did not see the row.

    Rows of one group (scene) are never on both sides. Distances from the median are features too,
    so that a class in the middle of the other is found.
    """
    scores = np.zeros(len(rows))
    names = sorted(set(groups))
    place = np.array([names.index(group) for group in groups])
    for _ in range(REPEATS):
        fold_of_group = rng.permutation(len(names)) % FOLDS
        for fold in range(FOLDS):
            out = fold_of_group[place] == fold
            known = label[~out]
            if not out.any() or known.all() or not known.any():
                continue
            train, test = _scaled(rows[~out], rows[out])
            scores[out] += test @ _fitted(train, known)
    return scores / REPEATS


def _scaled(train: Numbers, test: Numbers) -> tuple[Numbers, Numbers]:
    middle = np.median(train, axis=0)
    spread = train.std(axis=0)
    spread[spread < 1e-9] = np.inf  # what never varies says nothing, unless it does in the test
    found = []
    for part in (train, test):
        z = ((part - middle) / spread).clip(-5, 5)
        found.append(np.hstack([z, np.abs(z), np.ones((len(z), 1))]))
    return found[0], found[1]


def _fitted(rows: Numbers, label: NDArray) -> Numbers:
    """Weights of a logistic regression with a ridge on all but the constant."""
    sign = np.where(label, 1.0, -1.0)
    weight = np.where(label, 0.5 / label.sum(), 0.5 / (~label).sum()) * len(label)
    penalty = np.full(rows.shape[1], RIDGE)
    penalty[-1] = 0

    def loss(w: Numbers) -> tuple[float, Numbers]:
        margin = sign * (rows @ w)
        slope = -sign * weight / (1 + np.exp(np.clip(margin, -50, 50)))
        value = (weight * np.logaddexp(0, -margin)).sum() + 0.5 * (penalty * w * w).sum()
        return float(value), rows.T @ slope + penalty * w

    return optimize.minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B").x


def _leaks(separations: Sequence[Separation]) -> list[Remark]:
    found = []
    for one in separations:
        what = _listed([name for name, _ in one.by])
        how = f" What separates them: {what}." if what else " No single property does it alone."
        told = f"area under the curve {one.area:.2f}, 95 % {one.low:.2f} to {one.high:.2f}"
        if one.area > WARN_AT:
            sentence = (
                f"A program that sees no anatomy tells {one.first} from {one.second} ({told}). "
                f"Readers may answer by that.{how} Treat the pictures differently or change them."
            )
            found.append(Remark("leaks", True, sentence))
        elif one.low > 0.5 and one.area > HINT_AT:
            sentence = f"{one.first} and {one.second} differ a little beside anatomy ({told}).{how}"
            found.append(Remark("leaks", False, sentence[0].upper() + sentence[1:]))
    if not separations:
        sentence = (
            f"There are too few pictures (fewer than {FEWEST} of a class) to say whether something "
            "beside anatomy tells them apart."
        )
        found.append(Remark("leaks", False, sentence))
    return found


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
