"""Drawing of the weights of a network by clusters of units (Figure 3b of arXiv 2207.03523)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from torch import Tensor

from .... import BenchError
from ....analysis import Clustering
from ....drawing import INK, Drawing, style

WIDE, LINE = 7.6, 0.05  # inches, of the figure and of a row


def unit_weights(name: str, title: str, parts: Mapping[str, Tensor], clustering: Clustering) -> Drawing:
    """Draw weights `(rows, N)` of the clustered units, one map per part, units by cluster; lines separate clusters.

    All maps share a colour scale from minus to plus the 99th percentile of |weight| (the largest of the parts).
    """
    units = len(clustering.labels)
    ends = clustering.sizes.cumsum(0).tolist()
    sizes = [weights.abs().double().flatten().quantile(0.99).item() for weights in parts.values() if weights.numel()]
    limit = max(sizes) or 1.0
    with style():
        heights = [max(LINE * len(weights), 0.25) for weights in parts.values()]
        figure = Figure(figsize=(WIDE, sum(heights) + 1.5), layout="constrained", dpi=200)
        grid: Any = figure.subplots(len(parts), 1, height_ratios=heights, sharex=True, squeeze=False)[:, 0]
        shown: Any = None
        for axes, (label, weights) in zip(grid, parts.items(), strict=True):
            if weights.shape[1] != units:
                raise BenchError(f"{label}: expected shape (rows, {units}), got {tuple(weights.shape)}")
            ordered = weights[:, clustering.order].numpy(force=True)
            shown = axes.imshow(
                ordered, aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit, extent=(0, units, len(weights), 0)
            )
            for end in ends[:-1]:
                axes.axvline(end, color=INK, lw=0.5)
            axes.set_ylabel(label, rotation=0, ha="right", va="center")
            axes.set_yticks([])
            axes.tick_params(length=0)
            axes.grid(False)
        grid[-1].set_xlabel("units, by cluster")
        scale = figure.colorbar(shown, ax=list(grid), location="top", shrink=0.45, aspect=32, pad=0.01)
        scale.outline.set_visible(False)
        scale.set_label("weight")
    rows = ", ".join(f"{label} {len(weights)}" for label, weights in parts.items())
    return Drawing(name, title, f"Weights of {units} units in {clustering.k} clusters; rows: {rows}.", figure)
