"""Figures of arXiv 2509.15057: learning curves, weights per block to scale, draws of the studies, and the tasks.

One file per group of alike figures, with the drawings in `_draw_*` files beside them. `FIGURES` names them; the other
names are their parts. Figures without runs have the sizes of the paper at every scale.
"""

from ... import Figure
from ..parent import write_proposals
from ._curves import balanced_curves, mixture_curves, proportion_curves
from ._draw_curves import curves as curves
from ._draw_space import weight_space as weight_space
from ._draws import anomaly_draws, hammer_draws, input_draws, predicted_draws
from ._pipelines import pipelines
from ._pipelines import sheet_of as sheet_of
from ._space import anomaly_space, best_space, dense_space, hammer_space, worst_space
from ._spread import spread as spread
from ._tasks import tasks

FIGURES: dict[str, Figure] = {
    "table2": Figure(tasks),
    "figure1": Figure(balanced_curves, needs=("figure1",)),
    "figure2": Figure(mixture_curves, needs=("figure2",)),
    "figure3": Figure(dense_space),
    "figure4": Figure(best_space),
    "figure5": Figure(worst_space),
    "figure6": Figure(proportion_curves, needs=("figure6",)),
    "figure7": Figure(hammer_draws, needs=("table3",)),
    "figure7-space": Figure(hammer_space),
    "figure8": Figure(anomaly_draws, needs=("table4",)),
    "figure9": Figure(input_draws, needs=("table4",)),
    "figure9-space": Figure(anomaly_space),
    "figure10": Figure(predicted_draws, needs=("table4",)),
    "pipelines": Figure(pipelines),
    "proposals": Figure(write_proposals, needs=("parent-draws",)),
}

__all__ = ["FIGURES", "curves", "sheet_of", "spread", "weight_space"]
