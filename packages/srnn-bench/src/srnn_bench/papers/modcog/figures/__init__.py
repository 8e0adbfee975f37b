"""Figures of arXiv 2207.03523: what the trained networks of the tables show, and trials and masks without training.

One file per figure, with the drawings in `_draw_*` files beside them. `FIGURES` names them; the other names are their
parts: measurements, verdicts and drawings.
"""

from ... import Figure
from ._best_density import SizeAccuracies as SizeAccuracies
from ._best_density import best_density, judge_density
from ._by_task import by_task
from ._clusters import SUBTASKS as SUBTASKS
from ._clusters import clusters_by_task
from ._clusters_and_accuracy import clusters_and_accuracy as clusters_and_accuracy
from ._components import component_means as component_means
from ._components import components
from ._draw_clusters import FEW as FEW
from ._draw_clusters import MANY as MANY
from ._draw_clusters import cluster_numbers as cluster_numbers
from ._draw_clusters import spread_apart as spread_apart
from ._draw_clusters import task_clusters as task_clusters
from ._draw_units import unit_weights as unit_weights
from ._over_training import over_training
from ._shown import BATTERY, LARGE, SIMPLE
from ._shown import shown_networks as shown_networks
from ._subtasks import subtasks_of as subtasks_of
from ._trials import trial_of as trial_of
from ._trials import trials

FIGURES: dict[str, Figure] = {
    "clusters": Figure(clusters_by_task, needs=(SIMPLE, BATTERY, LARGE)),
    "tasks": Figure(by_task, needs=(BATTERY, LARGE)),
    "figure4": Figure(trials),
    "figure7b": Figure(over_training, needs=(BATTERY,)),
    "figure5d": Figure(best_density, needs=("figure7a",)),
    "components": Figure(components),
}

__all__ = [
    "FEW",
    "FIGURES",
    "MANY",
    "SUBTASKS",
    "SizeAccuracies",
    "cluster_numbers",
    "clusters_and_accuracy",
    "component_means",
    "judge_density",
    "shown_networks",
    "spread_apart",
    "subtasks_of",
    "task_clusters",
    "trial_of",
    "unit_weights",
]
