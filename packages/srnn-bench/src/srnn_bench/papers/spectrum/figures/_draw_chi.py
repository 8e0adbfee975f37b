"""Drawing of chi and error of random masks."""

from __future__ import annotations

from collections.abc import Sequence

from ....drawing import Drawing, canvas, series, style


def chi_and_error(name: str, title: str, values: Sequence[float], errors: Sequence[float]) -> Drawing:
    """Draw one point per run: chi after pruning, and the test error in % after training."""
    with style():
        figure, axes = canvas(3.1)
        axes.plot(values, errors, **series(0) | {"linestyle": "none"}, markersize=3.5, alpha=0.7)
        axes.set(xlabel="chi after pruning", ylabel="test error, %")
    return Drawing(name, title, f"One point per run, of {len(values)}; chi is the mean over all transitions.", figure)
