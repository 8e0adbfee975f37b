"""Measures of a mask as a graph, beside those of random masks (arXiv 2406.06290, section 5)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]
from torch import Tensor

from ._cover import cover_radius

MEASURES = {
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


def measures(mask: Tensor) -> dict[str, float]:
    """Return the MEASURES of a mask, bool `(N, N)`, row = target; nan where one is not defined."""
    if mask.ndim != 2 or mask.shape[0] != mask.shape[1]:
        raise ValueError(f"mask: expected shape (N, N), got {tuple(mask.shape)}")
    present = mask.detach().cpu().numpy().astype(np.float64)  # (N, N)
    others = present - np.diag(np.diag(present))
    sigma1, sigma2 = (*np.linalg.svd(present, compute_uv=False)[:2], 0.0)[:2]
    rho = cover_radius(mask)
    found = {
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
    found |= components(mask)
    return {name: float(found[name]) for name in MEASURES}


def components(mask: Tensor) -> dict[str, float]:
    """Return those of the MEASURES that count the components of a mask, bool `(N, N)`."""
    present = mask.detach().cpu().numpy()
    found = {}
    for kind in ("weak", "strong"):
        count, of = connected_components(present, directed=True, connection=kind)
        found[f"{kind} components"] = float(count)
        found[f"largest {kind}"] = float(np.bincount(of).max() / len(present))
    return found


def beside(found: Mapping[str, float], random: Sequence[Mapping[str, float]]) -> dict[str, tuple[float, float, float]]:
    """Return mean, sample standard deviation and z of each measure beside those of random masks.

    z = (found - mean) / sd; nan where all random masks agree.
    """
    compared = {}
    for name, value in found.items():
        values = [each[name] for each in random]
        mean, sd = statistics.fmean(values), statistics.stdev(values)
        compared[name] = (mean, sd, (value - mean) / sd if sd > 1e-12 * max(1.0, abs(mean)) else float("nan"))
    return compared


def present_mask(held: Mapping[str, Tensor], parameter: str) -> Tensor:
    """Return which weights of a parameter are there, bool; all where it has no mask."""
    mask = held.get(f"{parameter}_mask")
    return torch.ones_like(held[parameter], dtype=torch.bool) if mask is None else mask


def _row_correlation(present: NDArray[np.float64]) -> float:
    rows = present[present.std(axis=1) > 0]
    if len(rows) < 2:
        return float("nan")
    correlation = np.corrcoef(rows)
    return float(np.sqrt(np.mean(correlation[~np.eye(len(rows), dtype=bool)] ** 2)))


def _clustering(others: NDArray[np.float64]) -> float:
    """Triangles of any direction through a neuron, over those that its connections allow; 0 where they allow none."""
    both = others + others.T
    triangles = ((both @ both) * both).sum(axis=1)
    degrees, reciprocal = both.sum(axis=1), (others * others.T).sum(axis=1)
    possible = 2 * (degrees * (degrees - 1) - 2 * reciprocal)
    return float(np.mean(np.divide(triangles, possible, out=np.zeros_like(triangles), where=possible > 0)))


def _ratio(a: float, b: float) -> float:
    return float(a / b) if b > 0 else float("nan")
