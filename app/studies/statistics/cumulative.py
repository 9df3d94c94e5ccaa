"""Ordered answers with readers and pictures as crossed random effects, on the logit scale."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from app.studies.errors import StudyError

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]
OUT_OF_REACH = 1e10  # a loss that no search steps to
NOT_BOUNDED = 10.0  # logits; an odds ratio of 22,000 is not an estimate but a lack of overlap


@dataclass(frozen=True)
class CumulativeLogit:
    """Effects (p,) with standard errors, thresholds (K - 1,) and standard deviations of the random
    effects, all in logits; ``log_likelihood`` is the marginal one."""

    effects: tuple[float, ...]
    errors: tuple[float, ...]
    thresholds: tuple[float, ...]
    threshold_errors: tuple[float, ...]
    reader_sd: float
    case_sd: float
    log_likelihood: float


def cumulative_logit(
    values: Numbers, predictors: Numbers, readers: Places | None, cases: Places | None
) -> CumulativeLogit:
    """Proportional odds (McCullagh 1980, J R Stat Soc B 42:109) with crossed random intercepts.

    logit P(value <= k) = threshold k - predictors @ effects - reader - case, random effects normal
    and independent, fitted by Laplace's approximation (Breslow, Clayton 1993, J Am Stat Assoc
    88:9). ``values`` (N,) on any ordered scale, ``predictors`` (N, p); ``readers`` and ``cases``
    (N,) count from 0, or None for no such effect. Two values make it the logistic mixed model,
    whose intercept is minus the threshold. Standard errors are from the observed information of all
    parameters.

    Raises ``StudyError`` where no finite estimates exist.
    """
    levels, places = np.unique(values, return_inverse=True)
    if len(levels) < 2:
        raise StudyError("The model is not fitted: all answers are the same.")
    fit = _Fit(places, predictors, readers, cases)
    start = fit.start()
    found = optimize.minimize(
        fit.loss, start, method="BFGS", jac=fit.slopes, options={"gtol": 1e-5, "maxiter": 200}
    )
    information = _curvature(fit, found.x)
    steady = np.isfinite(found.fun) and np.abs(fit.slopes(found.x)).max() < 0.05
    try:
        covariance = np.linalg.inv(information)
    except np.linalg.LinAlgError:
        steady, covariance = False, np.full_like(information, np.nan)
    cuts, effects, reader_sd, case_sd = fit.parts(found.x)
    shares = fit.threshold_slopes(found.x)
    cut_variances = np.einsum("ij,jk,ik->i", shares, covariance, shares)
    first = len(cuts)
    variances = np.diag(covariance)[first : first + len(effects)]
    checked = np.concatenate([cut_variances, variances])
    bounded = np.abs(np.concatenate([effects, [reader_sd, case_sd]])) < NOT_BOUNDED
    if not (steady and bounded.all() and (checked > 0).all() and (checked < NOT_BOUNDED**2).all()):
        raise StudyError(
            "The model has no finite estimates: the answers leave too little overlap, for instance "
            "because one kind of picture was always answered alike. The tables above hold."
        )
    return CumulativeLogit(
        tuple(effects.tolist()),
        tuple(np.sqrt(variances).tolist()),
        tuple(cuts.tolist()),
        tuple(np.sqrt(cut_variances).tolist()),
        abs(float(reader_sd)),
        abs(float(case_sd)),
        -float(found.fun),
    )


class _Fit:
    """Minus the Laplace log likelihood of: first threshold, logs of the steps, effects, SDs."""

    def __init__(
        self, places: Places, predictors: Numbers, readers: Places | None, cases: Places | None
    ) -> None:
        nobody = np.zeros(len(places), dtype=np.int64)
        self._places, self._predictors = places, predictors
        self._cuts = int(places.max())
        self._random = (readers is not None, cases is not None)
        self._readers = nobody if readers is None else readers
        self._cases = nobody if cases is None else cases
        self._shape = (int(self._readers.max()) + 1, int(self._cases.max()) + 1)
        self._cell = self._readers * self._shape[1] + self._cases
        self._modes = (np.zeros(self._shape[0]), np.zeros(self._shape[1]))

    def start(self) -> Numbers:
        shares = np.bincount(self._places)[:-1].cumsum() / len(self._places)
        cuts = special.logit(shares)
        spread = np.ones(sum(self._random))  # not 0, where the slope is 0 by symmetry
        return np.concatenate(
            [cuts[:1], np.log(np.diff(cuts)), np.zeros(self._predictors.shape[1]), spread]
        )

    def parts(self, values: Numbers) -> tuple[Numbers, Numbers, float, float]:
        cuts = values[0] + np.concatenate(
            [[0.0], np.exp(np.minimum(values[1 : self._cuts], 30)).cumsum()]
        )
        last = self._cuts + self._predictors.shape[1]
        spread = list(values[last:])
        reader_sd = float(spread.pop(0)) if self._random[0] else 0.0
        return cuts, values[self._cuts : last], reader_sd, float(spread[0]) if spread else 0.0

    def threshold_slopes(self, values: Numbers) -> Numbers:
        """Derivatives (K - 1, all) of thresholds by the parameters, for the delta method."""
        slopes = np.zeros((self._cuts, len(values)))
        slopes[:, 0] = 1
        for n in range(1, self._cuts):
            slopes[n:, n] = np.exp(values[n])
        return slopes

    def slopes(self, values: Numbers) -> Numbers:
        """Central differences; the modes are found to far less than the step moves."""
        steps = 1e-4 * np.eye(len(values))
        return np.array([(self.loss(values + s) - self.loss(values - s)) / 2e-4 for s in steps])

    def loss(self, values: Numbers) -> float:
        cuts, effects, reader_sd, case_sd = self.parts(values)
        ends = np.concatenate([[-np.inf], cuts, [np.inf]])
        fixed = self._predictors @ effects
        low, high = ends[self._places] - fixed, ends[self._places + 1] - fixed
        u, v = self._modes  # of the parameters tried before: near, and the mode is the only one
        height = self._height(low, high, u, v, reader_sd, case_sd)
        if not np.isfinite(height):
            return OUT_OF_REACH
        for _ in range(100):
            du, dv, _ = self._step(low, high, u, v, reader_sd, case_sd)
            size, least = 1.0, height - 1e-12 * abs(height)
            new = self._height(low, high, u + du, v + dv, reader_sd, case_sd)
            while new < least and size > 1e-6:
                size /= 2
                moved = u + size * du, v + size * dv
                new = self._height(low, high, *moved, reader_sd, case_sd)
            u, v, height = u + size * du, v + size * dv, new
            if max(np.abs(du).max(), np.abs(dv).max()) < 1e-9:
                break
        _, _, log_det = self._step(low, high, u, v, reader_sd, case_sd)
        self._modes = (u, v)
        return float(log_det / 2 - height)

    def _height(self, low: Numbers, high: Numbers, u: Numbers, v: Numbers, *sd: float) -> float:
        """Joint log density of answers and standard normal random effects, up to a constant."""
        moved = sd[0] * u[self._readers] + sd[1] * v[self._cases]
        a, b = high - moved, low - moved
        # P(b < logistic <= a) without loss of digits in either tail.
        log_p = special.log_expit(a) + special.log_expit(-b) + np.log(-np.expm1(low - high))
        return float(log_p.sum() - (u @ u + v @ v) / 2)

    def _step(
        self, low: Numbers, high: Numbers, u: Numbers, v: Numbers, *sd: float
    ) -> tuple[Numbers, Numbers, float]:
        """Newton's step, and the log determinant of the curvature, cases eliminated first."""
        moved = sd[0] * u[self._readers] + sd[1] * v[self._cases]
        above, below = special.expit(high - moved), special.expit(low - moved)
        slope = above + below - 1
        weight = above * (1 - above) + below * (1 - below)
        count, width = self._shape
        cells = np.bincount(self._cell, weight, count * width).reshape(self._shape)
        gu = sd[0] * np.bincount(self._readers, slope, count) - u
        gv = sd[1] * np.bincount(self._cases, slope, width) - v
        by_case = 1 + sd[1] ** 2 * cells.sum(axis=0)
        cross = sd[0] * sd[1] * cells
        left = np.diag(1 + sd[0] ** 2 * cells.sum(axis=1)) - (cross / by_case) @ cross.T
        du = np.linalg.solve(left, gu - cross @ (gv / by_case))
        dv = (gv - cross.T @ du) / by_case
        return du, dv, float(np.linalg.slogdet(left)[1] + np.log(by_case).sum())


def _curvature(fit: _Fit, values: Numbers) -> Numbers:
    """The observed information (all, all): differences of slopes, made symmetric."""
    steps = 1e-3 * np.eye(len(values))
    found = np.array([(fit.slopes(values + s) - fit.slopes(values - s)) / 2e-3 for s in steps])
    return (found + found.T) / 2
