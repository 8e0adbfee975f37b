"""Drawing of the distribution of singular values by way of pruning (Figure 2 of arXiv 1912.00120)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.lines import Line2D
from torch import Tensor

from ....drawing import Drawing, canvas, legend, logarithmic, series, style

BINS = 60


def spectra(name: str, title: str, values: Mapping[str, Sequence[Tensor]]) -> Drawing:
    """Draw one histogram per way of pruning, of the singular values of all seeds together, as a share per bin.

    The axis ends at the 99.9th percentile of the widest; larger values are not shown.
    """
    pooled = {label: torch.cat(list(seeds)).double() for label, seeds in values.items()}
    end = max(float(each.quantile(0.999)) for each in map(_thinned, pooled.values())) or 1.0
    edges = np.linspace(0, end, BINS + 1)
    with style():
        figure, axes = canvas(3.3)
        looks = {label: series(number) | {"marker": ""} for number, label in enumerate(pooled)}
        for label, each in pooled.items():
            counts, _ = np.histogram(each.numpy(), edges)
            axes.stairs(
                100 * counts / len(each),
                edges,
                color=looks[label]["color"],
                linestyle=looks[label]["linestyle"],
                lw=1.5,
            )
        axes.set(xlabel="singular value of J", ylabel="share of singular values, %", xlim=(0, end))
        logarithmic(axes, "y", ticks=(0.01, 0.1, 1, 10, 100))
        legend(figure, {label: Line2D([], [], **look) for label, look in looks.items()})
    seeds = ", ".join(f"{label} {len(each)}" for label, each in values.items())
    caption = f"Share of singular values in {BINS} bins; values beyond the axis are not shown. Seeds: {seeds}."
    return Drawing(name, title, caption, figure)


def _thinned(values: Tensor) -> Tensor:
    """Return at most a million of the values: `quantile` takes no more than 16 million."""
    return values[:: max(1, len(values) // 1_000_000)]
