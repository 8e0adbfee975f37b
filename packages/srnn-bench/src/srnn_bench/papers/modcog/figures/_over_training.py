"""Figure 7b of arXiv 2207.03523: the number of clusters over training."""

from __future__ import annotations

from pathlib import Path

from ....drawing import markdown_table, write_drawing, write_text
from ... import FigureRequest, required_runs
from .. import PAPER
from ._draw_clusters import cluster_numbers
from ._shown import BATTERY
from ._units import units_of


def over_training(request: FigureRequest) -> list[Path]:
    """Figure 7b: the number of clusters over training, by radius of the mask."""
    store, table = request.required_store(), PAPER.table(BATTERY, request.scale)
    numbers: dict[str, dict[int, list[int]]] = {}  # by network and step, one number per run
    for row in table.rows:
        for column in table.columns:
            for run in required_runs(store, table, row, column):
                steps = run.result.stages[0].steps
                numbers.setdefault(row, {}).setdefault(steps, []).append(units_of(run).clustering.k)
    name = f"modcog-figure7b-{request.scale}"
    drawing = cluster_numbers(name, "Number of clusters over training", numbers)
    text = f"# Number of clusters over training, scale {request.scale}\n\n{_counts(numbers)}\nOne number per seed.\n"
    return [*write_drawing(drawing, request.folder), write_text(text, request.folder, name)]


def _counts(numbers: dict[str, dict[int, list[int]]]) -> str:
    halts = sorted({steps for by_steps in numbers.values() for steps in by_steps})
    body = [
        [row, *(", ".join(map(str, by_steps.get(steps, []))) for steps in halts)] for row, by_steps in numbers.items()
    ]
    return markdown_table(["network", *(f"{steps} steps" for steps in halts)], body)
