"""Distances between sets of films in a fixed feature space; all sets are (N, D) float arrays."""

import numpy as np
import torch
from numpy.typing import NDArray

from engine.networks.judge import Judge

Features = NDArray[np.float64]
NEIGHBOURS = 5  # of precision, recall, density and coverage (Naeem et al. 2020)


@torch.inference_mode()
def features_of(judge: Judge, films: NDArray[np.uint8], batch: int = 32) -> Features:
    """The judge's description of films (N, 256, 256): (N, 128)."""
    parts = torch.from_numpy(films).split(batch)
    found = [judge.features(part[:, None].float() / 255) for part in parts]
    return torch.cat(found).double().numpy()


def frechet(a: Features, b: Features) -> float:
    """Fréchet distance of the two normal distributions fitted to the sets (Heusel et al. 2017).

    |ma - mb|^2 + trace(Ca + Cb - 2 (Ca Cb)^1/2), the trace of the root by symmetric eigenvalues.
    """
    away = a.mean(0) - b.mean(0)
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    ca, cb = np.atleast_2d(ca), np.atleast_2d(cb)
    values, vectors = np.linalg.eigh(ca)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    both = np.linalg.eigvalsh(root @ cb @ root)
    together = 2 * np.sqrt(np.clip(both, 0, None)).sum()
    return float(away @ away + np.trace(ca) + np.trace(cb) - together)


def kernel_distance(a: Features, b: Features) -> float:
    """KID: the unbiased squared maximum mean discrepancy with (x.y / D + 1)^3 (Binkowski 2018).

    Unbiased, so its mean is 0 for two sets of one kind and it may come out slightly negative.
    """

    def kernel(x: Features, y: Features) -> Features:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x: Features) -> float:
        values, n = kernel(x, x), len(x)
        return float((values.sum() - np.trace(values)) / (n * (n - 1)))

    return within(a) + within(b) - 2 * float(kernel(a, b).mean())


def kernel_distance_with_error(a: Features, b: Features) -> tuple[float, float]:
    """KID and its standard error, rather too large than too small.

    Half of a set, drawn without repetition, varies about the whole by what the whole varies by
    about the truth (delete-half jackknife; Shao and Wu 1989). For two sets of one kind, where KID
    falls faster with the number of films, that is about twice the true error.
    """
    luck = np.random.default_rng(0)
    values = []
    for _ in range(40):
        half = [x[luck.permutation(len(x))[: max(len(x) // 2, 2)]] for x in (a, b)]
        values.append(kernel_distance(*half))
    return kernel_distance(a, b), float(np.std(values))


def manifold_shares(real: Features, drawn: Features, k: int = NEIGHBOURS) -> dict[str, float]:
    """Precision, recall, density and coverage by balls that reach to the k-th neighbour.

    Kynkäänniemi et al. 2019 and Naeem et al. 2020.
    """
    between = distances(real, drawn)
    of_real, of_drawn = _reach(real, k), _reach(drawn, k)
    inside = between < of_real[:, None]
    return {
        "precision": round(float(inside.any(0).mean()), 3),
        "recall": round(float((between < of_drawn[None, :]).any(1).mean()), 3),
        "density": round(float(inside.sum(0).mean() / k), 3),
        "coverage": round(float((between.min(1) < of_real).mean()), 3),
    }


def distances(a: Features, b: Features) -> Features:
    """Euclidean, (N, M)."""
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    return np.sqrt(np.clip(squares, 0, None))


def _reach(points: Features, k: int) -> Features:
    """Distance of each point to its k-th neighbour in the same set, itself not counted."""
    return np.sort(distances(points, points), 1)[:, min(k, len(points) - 1)]
