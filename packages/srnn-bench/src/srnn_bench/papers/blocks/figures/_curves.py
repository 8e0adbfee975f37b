"""Figures 1, 2 and 6 of arXiv 2509.15057: accuracy on the validation series over training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import matplotlib

from .... import BenchError
from ....drawing import DASHES, markdown_table, series, significant, write_drawing, write_text
from ....experiment import StageResult
from ....tables import FilledCell, Table, evaluations, summarise
from ... import FigureRequest, command_of
from .. import PAPER
from .._columns import BEST
from .._networks import EQUATIONS
from .._rad import by_proportion
from .._sizes import SIZES
from ._draw_curves import Curve, curves

# Number of the colour and dashes of each network, the same in all figures
LOOKS = {"eq. 7": 0, "eq. 8": 1, "dense": 2, "LSTM": 3, "eq. 13": 4, "LSTM, projected": 5, "20 %": 6}


def balanced_curves(request: FigureRequest) -> list[Path]:
    """Figure 1: accuracy over training of the balanced network and one of varied densities, beside the baselines."""
    return _by_network(request, "figure1")


def mixture_curves(request: FigureRequest) -> list[Path]:
    """Figure 2: accuracy over training of two opposite mixtures of densities, beside the baselines."""
    return _by_network(request, "figure2")


def proportion_curves(request: FigureRequest) -> list[Path]:
    """Figure 6: accuracy over training, coloured by hidden proportion."""
    sizes = by_proportion(request.scale)
    labels = {row: f"{100 * each.hidden_proportion:.2g} %" for row, each in sizes.items()}
    labels = {row: f"{label}, {row}" if row in EQUATIONS else label for row, label in labels.items()}
    colours = matplotlib.colormaps["plasma"]  # its upper part is too light on white
    looks = {
        labels[row]: {
            "color": matplotlib.colors.to_hex(colours(0.75 * each.hidden_proportion**0.5)),
            "linestyle": DASHES[number % len(DASHES)],
        }
        for number, (row, each) in enumerate(sizes.items())
    }
    return _drawn(request, "figure6", labels, looks)


def _by_network(request: FigureRequest, key: str) -> list[Path]:
    rows = PAPER.table(key, request.scale).rows
    looks = {row: series(LOOKS[row]) | {"marker": ""} for row in rows}
    return _drawn(request, key, dict(zip(rows, rows, strict=True)), looks)


def _drawn(
    request: FigureRequest, key: str, labels: Mapping[str, str], looks: Mapping[str, Mapping[str, Any]]
) -> list[Path]:
    """Draw the runs of a table, by row with its label."""
    table = PAPER.table(key, request.scale)
    cells = summarise(table, request.required_store()).cells
    runs = {label: _curves_of(cells[row, BEST]) for row, label in labels.items()}
    runs = {label: found for label, found in runs.items() if found}
    if not runs:
        raise BenchError(
            f"{table.name}: expected runs in {request.required_store().folder}, got none. "
            f"Run `{command_of((table.name,), request.scale)}` first"
        )
    name = f"blocks-{key}-{request.scale}"
    drawing = curves(name, table.title, runs, looks, chance=100 / SIZES[request.scale].task.images)
    return [*write_drawing(drawing, request.folder), write_text(_page(table, runs), request.folder, name)]


def _curves_of(cell: FilledCell) -> list[Curve]:
    """Return epochs and right answers in % of each run that finished."""
    return [_curve(stage, cell.cell.factor) for stage in cell.stages.values()]


def _curve(stage: StageResult, factor: float) -> Curve:
    length = stage.steps / len(stage.history)
    return [(step / length, factor * value) for step, value in evaluations(stage, "accuracy")]


def _page(table: Table, runs: Mapping[str, list[Curve]]) -> str:
    epochs = [epoch for epoch, _ in next(iter(runs.values()))[0]]
    last = len(epochs) - 1
    shown = sorted({0, last // 4, last // 2, 3 * last // 4, last})
    body = [
        [f"{label} ({len(found)})", *(significant(fmean(run[number][1] for run in found)) for number in shown)]
        for label, found in runs.items()
    ]
    head = ["right answers at epoch", *(f"{epochs[number]:g}" for number in shown)]
    note = f"In %, on the validation series: means over runs (their number), scale {table.scale}."
    return f"# {table.title}\n\n{note}\n\n{markdown_table(head, body)}"
