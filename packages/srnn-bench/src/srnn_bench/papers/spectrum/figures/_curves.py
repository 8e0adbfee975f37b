"""Figures 4 and 5 of arXiv 1912.00120: training loss and training perplexity over training, logarithmic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean

from .... import BenchError
from ....drawing import markdown_table, significant, write_drawing, write_text
from ....experiment import StageResult
from ....tables import FilledCell, Table, evaluations, summarise
from ... import FigureRequest
from .. import PAPER
from .._words import TRAINED
from ._draw_curves import Curve, curves


def training_loss(request: FigureRequest) -> list[Path]:
    """Figure 4: training loss of a GRU on sequential MNIST over training, by way of pruning."""
    table = PAPER.table("figure4", request.scale)
    chosen = {row: (row, table.columns[0]) for row in table.rows}
    return _drawn(request, "figure4", table, chosen, _losses, "training loss, nats")


def training_perplexity(request: FigureRequest) -> list[Path]:
    """Figure 5: training perplexity of an LSTM on WikiText-2 over training: dense, random, the paper's score."""
    table = PAPER.table("table4", request.scale)
    chosen = {column: (table.rows[0], column) for column in table.columns}
    return _drawn(request, "figure5", table, chosen, _perplexities, "training perplexity")


def _losses(stage: StageResult) -> list[tuple[float, float]]:
    """Return the end of each epoch in steps, and the mean loss of its batches."""
    length = stage.steps / len(stage.history)
    return [(number * length, epoch.loss) for number, epoch in enumerate(stage.history, start=1)]


def _perplexities(stage: StageResult) -> list[tuple[float, float]]:
    """Return the steps and values of the evaluations of the training perplexity."""
    return evaluations(stage, TRAINED)


def _drawn(
    request: FigureRequest,
    key: str,
    table: Table,
    chosen: Mapping[str, tuple[str, str]],
    course: Callable[[StageResult], list[tuple[float, float]]],
    label: str,
) -> list[Path]:
    cells = summarise(table, request.required_store()).cells
    found = {name: _curves_of(cells[place], course) for name, place in chosen.items()}
    found = {name: each for name, each in found.items() if each}
    if not found:
        raise BenchError(
            f"{table.name}: expected runs in {request.required_store().folder}, got none. "
            f"Run `srnn run {table.name} --scale {request.scale}` first"
        )
    name = f"spectrum-{key}-{request.scale}"
    drawing = curves(name, table.title, found, label)
    return [*write_drawing(drawing, request.folder), write_text(_page(table, found, label), request.folder, name)]


def _curves_of(cell: FilledCell, course: Callable[[StageResult], list[tuple[float, float]]]) -> list[Curve]:
    """Return the learning curve of each run of a cell."""
    return [course(stage) for stage in cell.stages.values()]


def _page(table: Table, found: Mapping[str, list[Curve]], label: str) -> str:
    steps = [step for step, _ in next(iter(found.values()))[0]]
    shown = sorted({0, len(steps) // 4, len(steps) // 2, 3 * len(steps) // 4, len(steps) - 1})
    body = [
        [f"{name} ({len(runs)})", *(significant(fmean(run[number][1] for run in runs)) for number in shown)]
        for name, runs in found.items()
    ]
    head = [f"{label} at step", *(f"{steps[number]:g}" for number in shown)]
    return f"# {table.title}\n\nMeans over runs (their number), scale {table.scale}.\n\n{markdown_table(head, body)}"
