"""Measures of a mask as a graph, compared with those of random masks (arXiv 2406.06290, section 5)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]
from torch import Tensor

from .._errors import BenchError
from ._cover import cover_radius

GRAPH_MEASURES = {
    "density": "share of entries present",
    "sigma1": "greatest singular value",
    "sigma2": "second singular value",
    "gap": "spectral gap, 1 - sigma2 / sigma1",
    "ramanujan": "sigma2 / rho, rho the spectral radius of the universal cover; up to 1: Ramanujan",
    "weak": "sigma2 / sqrt(sigma1 rho); up to 1: within Friedman's bound",
    "row correlation": "root mean square of the correlation of two rows, over all pairs of rows that are not constant",
    "clustering": "directed clustering coefficient (Fagiolo 2007), mean over neurons, without self connections",
    "reciprocity": "share of connections whose reverse is there too, without self connections",
    "weak components": "number of weakly connected components",
    "strong components": "number of strongly connected components",
    "largest weak": "share of neurons in the largest weakly connected component",
    "largest strong": "share of neurons in the largest strongly connected component",
    "in-degree CV": "standard deviation of the number of inputs, divided by its mean",
    "out-degree CV": "the same of outputs",
}


def graph_measures(mask: Tensor) -> dict[str, float]:
    """Return the `GRAPH_MEASURES` of a mask, bool `(N, N)`, row = target; NaN for undefined ones."""
    if mask.ndim != 2 or mask.shape[0] != mask.shape[1]:
        raise BenchError(f"mask: expected shape (N, N), got {tuple(mask.shape)}")
    present = mask.detach().cpu().numpy().astype(np.float64)  # (N, N)
    others = present - np.diag(np.diag(present))
    sigma1, sigma2 = (*np.linalg.svd(present, compute_uv=False)[:2], 0.0)[:2]
    rho = cover_radius(mask)
    measures = {
        "density": present.mean(),
        "sigma1": sigma1,
        "sigma2": sigma2,
        "gap": 1 - _ratio(sigma2, sigma1),
        "ramanujan": _ratio(sigma2, rho),
        "weak": _ratio(sigma2, math.sqrt(sigma1 * rho)),
        "row correlation": _row_correlation(present),
        "clustering": _clustering(others),
        "reciprocity": _ratio((others * others.T).sum(), others.sum()),
        "in-degree CV": _ratio(present.sum(axis=1).std(), present.sum(axis=1).mean()),
        "out-degree CV": _ratio(present.sum(axis=0).std(), present.sum(axis=0).mean()),
    }
    measures |= component_measures(mask)
    return {name: float(measures[name]) for name in GRAPH_MEASURES}


def component_measures(mask: Tensor) -> dict[str, float]:
    """Return those of the `GRAPH_MEASURES` that count the components of a mask, bool `(N, N)`."""
    present = mask.detach().cpu().numpy()
    measures = {}
    for kind in ("weak", "strong"):
        count, labels = connected_components(present, directed=True, connection=kind)
        measures[f"{kind} components"] = float(count)
        measures[f"largest {kind}"] = float(np.bincount(labels).max() / len(present))
    return measures


def z_scores(
    measures: Mapping[str, float], random: Sequence[Mapping[str, float]]
) -> dict[str, tuple[float, float, float]]:
    """Return mean and sample standard deviation of the measures of random masks, and the z-score, per measure.

    z = (measure - mean) / standard deviation; NaN if all random masks agree.
    """
    compared = {}
    for name, value in measures.items():
        values = [each[name] for each in random]
        mean, sd = statistics.fmean(values), statistics.stdev(values)
        compared[name] = (mean, sd, (value - mean) / sd if sd > 1e-12 * max(1.0, abs(mean)) else float("nan"))
    return compared


def present_mask(weights: Mapping[str, Tensor], parameter: str) -> Tensor:
    """Return the mask of a parameter, bool: `<parameter>_mask` of the weights, or all True if there is none."""
    mask = weights.get(f"{parameter}_mask")
    return torch.ones_like(weights[parameter], dtype=torch.bool) if mask is None else mask


def _row_correlation(present: NDArray[np.float64]) -> float:
    rows = present[present.std(axis=1) > 0]
    if len(rows) < 2:
        return float("nan")
    correlation = np.corrcoef(rows)
    return float(np.sqrt(np.mean(correlation[~np.eye(len(rows), dtype=bool)] ** 2)))


def _clustering(others: NDArray[np.float64]) -> float:
    """Return the mean share of possible directed triangles that exist; 0 for a neuron without possible ones."""
    both = others + others.T
    triangles = ((both @ both) * both).sum(axis=1)
    degrees, reciprocal = both.sum(axis=1), (others * others.T).sum(axis=1)
    possible = 2 * (degrees * (degrees - 1) - 2 * reciprocal)
    return float(np.mean(np.divide(triangles, possible, out=np.zeros_like(triangles), where=possible > 0)))


def _ratio(a: float, b: float) -> float:
    return float(a / b) if b > 0 else float("nan")
