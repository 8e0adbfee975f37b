"""The papers whose tables and figures this package reproduces, one folder per paper.

A folder declares its sizes, published numbers, networks, tables and claims as one value, `PAPER`; its figures are in
its subfolder `figures/`. Folders are found by name, as are papers that other packages declare by an entry point of the
group `srnn.papers`, and each is imported only when it is asked for.
"""

from ._discovery import PAPERS as PAPERS
from ._discovery import figure as figure
from ._discovery import figures as figures
from ._discovery import find as find
from ._discovery import known_scale as known_scale
from ._discovery import listed_figures as listed_figures
from ._discovery import table as table
from ._discovery import table_names as table_names
from ._kept_runs import KeptRun as KeptRun
from ._kept_runs import command_of as command_of
from ._kept_runs import kept_runs as kept_runs
from ._kept_runs import network_of as network_of
from ._kept_runs import required_runs as required_runs
from ._paper import Figure as Figure
from ._paper import FigureRequest as FigureRequest
from ._paper import Paper as Paper
from ._selection import SelectedTable as SelectedTable
from ._selection import Selection as Selection
from ._selection import select as select

__all__ = [
    "PAPERS",
    "Figure",
    "FigureRequest",
    "KeptRun",
    "Paper",
    "SelectedTable",
    "Selection",
    "command_of",
    "figure",
    "figures",
    "find",
    "kept_runs",
    "known_scale",
    "listed_figures",
    "network_of",
    "required_runs",
    "select",
    "table",
    "table_names",
]
