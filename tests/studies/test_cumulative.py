"""The ordinal and the logistic mixed model give published values, and Laplace's by brute force."""

import math

import numpy as np
import pytest
from scipy import optimize, special

from app.studies.errors import StudyError
from app.studies.statistics.cumulative import cumulative_logit

# Bitterness of wine (Randall 1989, Biom J 31:781): nine judges, eight bottles; two of each of cold
# without and with contact of juice and skins, then warm.
WINE = """23344455 12132354 23325544 32323253 23433333 32322454 11222323 22233334 12323244"""
# Contagious bovine pleuropneumonia (Lesnoff et al. 2004, Prev Vet Med 64:11): new cases and
# animals of 15 herds in up to four periods.
NEW = [2, 3, 4, 0, 3, 1, 1, 8, 2, 0, 2, 2, 0, 2, 0, 5, 0, 0, 1, 3, 0, 0, 1, 8, 1, 3, 0, 12, 2, 0, 0,
       0, 1, 1, 0, 2, 0, 5, 3, 1, 2, 1, 0, 0, 1, 2, 0, 0, 11, 0, 0, 0, 1, 1, 1, 0]  # fmt: skip
ANIMALS = [14, 12, 9, 5, 22, 18, 21, 22, 16, 16, 20, 10, 10, 9, 6, 18, 25, 24, 4, 17, 17, 18, 20,
           16, 10, 9, 5, 34, 9, 6, 8, 6, 22, 22, 18, 22, 25, 27, 22, 22, 10, 8, 6, 5, 21, 24, 19,
           23, 19, 2, 3, 2, 19, 15, 15, 15]  # fmt: skip
PERIODS = [4, 3, 4, 4, 4, 4, 4, 1] + [4] * 7


def wine():
    values = np.array([float(one) for one in WINE.replace(" ", "")])
    warm, contact = np.tile([0, 0, 0, 0, 1, 1, 1, 1.0], 9), np.tile([0, 0, 1, 1.0] * 2, 9)
    return values, np.stack([warm, contact], axis=1), np.repeat(np.arange(9), 8)


def test_the_ordinal_model_of_the_wine_has_the_published_estimates():
    """Christensen, Cumulative link models for ordinal regression, the first example."""
    values, predictors, _ = wine()

    found = cumulative_logit(values, predictors, None, None)

    assert found.effects == pytest.approx([2.503, 1.528], abs=5e-4)
    assert found.errors == pytest.approx([0.529, 0.477], abs=5e-4)
    assert found.thresholds == pytest.approx([-1.344, 1.251, 3.467, 5.006], abs=5e-4)
    assert found.threshold_errors == pytest.approx([0.517, 0.438, 0.598, 0.731], abs=5e-4)
    assert found.log_likelihood == pytest.approx(-86.49, abs=5e-3)


def test_the_ordinal_model_with_random_judges_has_the_published_estimates():
    """Christensen, A tutorial on fitting cumulative link mixed models (Laplace's approximation)."""
    values, predictors, judges = wine()

    found = cumulative_logit(values, predictors, judges, None)

    assert found.effects == pytest.approx([3.063, 1.835], abs=1e-3)
    assert found.errors == pytest.approx([0.595, 0.513], abs=1e-3)
    assert found.thresholds == pytest.approx([-1.624, 1.513, 4.229, 6.089], abs=1e-3)
    assert found.reader_sd**2 == pytest.approx(1.279, abs=2e-3)
    assert found.log_likelihood == pytest.approx(-81.57, abs=5e-3)


def test_the_logistic_mixed_model_of_the_herds_has_the_published_estimates():
    """The example of glmer in lme4 (Bates et al. 2015, J Stat Softw 67), errors from the whole
    information; -92.026 counts the ways to choose the new cases as well."""
    herds = np.repeat(np.arange(15), PERIODS)
    periods = np.concatenate([np.arange(n) for n in PERIODS])
    values = np.concatenate(
        [[1.0] * k + [0.0] * (n - k) for k, n in zip(NEW, ANIMALS, strict=True)]
    )
    of_animal = np.repeat(np.arange(56), ANIMALS)
    predictors = (periods[of_animal][:, None] == [1, 2, 3]).astype(float)

    found = cumulative_logit(values, predictors, herds[of_animal], None)

    assert found.thresholds == pytest.approx([1.3985], abs=1e-4)  # minus the intercept
    assert found.effects == pytest.approx([-0.9923, -1.1287, -1.5803], abs=1e-4)
    assert found.errors == pytest.approx([0.3066, 0.3266, 0.4274], abs=1e-4)
    assert found.threshold_errors == pytest.approx([0.2325], abs=1e-4)
    assert found.reader_sd == pytest.approx(0.6423, abs=1e-4)
    ways = sum(math.log(math.comb(n, k)) for k, n in zip(NEW, ANIMALS, strict=True))
    assert found.log_likelihood + ways == pytest.approx(-92.026, abs=1e-3)


def drawn(readers, cases, seed, reader_sd=0.8, case_sd=1.2):
    """Answers of 1 to 4 of crossed readers and cases, half of the cases one logit higher."""
    rng = np.random.default_rng(seed)
    u, v = rng.normal(0, reader_sd, readers), rng.normal(0, case_sd, cases)
    who, what = np.repeat(np.arange(readers), cases), np.tile(np.arange(cases), readers)
    half = (what % 2).astype(float)
    latent = half + u[who] + v[what] + rng.logistic(size=len(who))
    return 1.0 + (latent[:, None] > [-1, 0.5, 2]).sum(axis=1), half[:, None], who, what


def test_with_both_effects_the_likelihood_is_laplace_s_done_by_brute_force():
    """The joint density written out, its mode by a search without derivatives, its curvature by
    differences: nothing of the elimination or of the derivatives is shared."""
    values, predictors, who, what = drawn(4, 12, 5)
    found = cumulative_logit(values, predictors, who, what)
    ends = np.array([-np.inf, *found.thresholds, np.inf])
    spread = np.repeat([found.reader_sd, found.case_sd], [4, 12])

    def minus_joint(z):
        effects = spread * z
        eta = predictors[:, 0] * found.effects[0] + effects[who] + effects[4 + what]
        k = values.astype(int)
        p = special.expit(ends[k] - eta) - special.expit(ends[k - 1] - eta)
        return -np.log(p).sum() + (z**2).sum() / 2

    best = optimize.minimize(minus_joint, np.zeros(16), method="BFGS", options={"gtol": 1e-9})
    h, eye = 1e-3, np.eye(16)
    curvature = [
        [
            (minus_joint(best.x + h * (a + b)) - minus_joint(best.x + h * (a - b))
             - minus_joint(best.x - h * (a - b)) + minus_joint(best.x - h * (a + b))) / (4 * h * h)
            for b in eye
        ]
        for a in eye
    ]  # fmt: skip
    laplace = -best.fun - np.linalg.slogdet(np.array(curvature))[1] / 2

    assert found.reader_sd > 0.1 and found.case_sd > 0.1
    assert found.log_likelihood == pytest.approx(laplace, abs=1e-4)


def test_what_was_put_in_comes_out_of_many_answers():
    values, predictors, who, what = drawn(30, 200, 4)
    found = cumulative_logit(values, predictors, who, what)

    assert abs(found.effects[0] - 1) < 3 * found.errors[0]
    assert found.reader_sd == pytest.approx(0.8, abs=0.3)
    assert found.case_sd == pytest.approx(1.2, abs=0.2)


def test_answers_without_overlap_are_refused_in_words():
    half = np.tile([0.0, 1.0], 20)
    who, what = np.repeat(np.arange(2), 20), np.tile(np.arange(20), 2)

    with pytest.raises(StudyError, match="too little overlap"):
        cumulative_logit(half, half[:, None], who, what)
    with pytest.raises(StudyError, match="all answers are the same"):
        cumulative_logit(np.ones(40), half[:, None], who, what)
