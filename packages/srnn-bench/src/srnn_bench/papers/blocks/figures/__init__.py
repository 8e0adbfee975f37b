"""Figures of arXiv 2509.15057: learning curves, weights per block drawn to scale, and the tasks.

One file per group of alike figures, with the drawings in `_draw_*` files beside them. `FIGURES` names them. Figures
without runs have the sizes of the paper at every scale.
"""

from ... import Figure
from ._space import anomaly_space, best_space, dense_space, hammer_space, worst_space
from ._tasks import tasks

FIGURES: dict[str, Figure] = {
    "table2": Figure(tasks),
    "figure3": Figure(dense_space),
    "figure4": Figure(best_space),
    "figure5": Figure(worst_space),
    "figure7-space": Figure(hammer_space),
    "figure9-space": Figure(anomaly_space),
}

__all__ = ["FIGURES"]
