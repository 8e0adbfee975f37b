"""Figures of arXiv 2406.06290, and measurements of what its text says of graphs and attractors.

One file per figure, with the drawings in `_draw_*` files beside them. `FIGURES` names them; the other names are their
parts: measurements, words and drawings.
"""

from ... import Figure
from ._attractors import attractors as attractors
from ._attractors import measure_attractors as measure_attractors
from ._attractors import report_attractors as report_attractors
from ._draw_attractors import draw_attractors as draw_attractors
from ._draw_maps import costs_from as costs_from
from ._draw_maps import draw_maps as draw_maps
from ._embedding import embedding as embedding
from ._embedding import embedding_of as embedding_of
from ._graph import graph as graph
from ._graph import graph_table as graph_table
from ._inhibitor_maps import INHIBITORS as INHIBITORS
from ._inhibitor_maps import inhibitor_maps as inhibitor_maps
from ._on_circle import on_circle as on_circle
from ._runs import PARAMETER as PARAMETER

FIGURES: dict[str, Figure] = {
    "figure2": Figure(inhibitor_maps),
    "figure3": Figure(on_circle, needs=("table2",)),
    "figure4": Figure(embedding, needs=("table3",)),
    "graph": Figure(graph, needs=("table1", "table2")),
    "attractors": Figure(attractors),
}

__all__ = [
    "FIGURES",
    "INHIBITORS",
    "PARAMETER",
    "attractors",
    "costs_from",
    "draw_attractors",
    "draw_maps",
    "embedding",
    "embedding_of",
    "graph",
    "graph_table",
    "inhibitor_maps",
    "measure_attractors",
    "on_circle",
    "report_attractors",
]
