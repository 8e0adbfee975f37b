"""Figures of arXiv 2509.15057: learning curves, weights per block drawn to scale, and the tasks.

One file per figure or group of alike figures, with the drawings in `_draw_*` files beside them. `FIGURES` names them.
Figures without runs have the sizes of the paper at every scale.
"""

from ... import Figure
from ._tasks import tasks

FIGURES: dict[str, Figure] = {
    "table2": Figure(tasks),
}

__all__ = ["FIGURES"]
