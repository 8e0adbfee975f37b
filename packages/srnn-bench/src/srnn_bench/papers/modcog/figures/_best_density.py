"""Figure 5d of arXiv 2207.03523: "at larger system sizes, the optimal sparsity for best performance is lower"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, linear_regression, stdev

import torch
from torch import Tensor

from .... import BenchError
from ....drawing import heat, markdown_table, significant, write_drawing, write_text
from ....tables import LEVEL, Cell, Summary, summarise
from ... import FigureRequest
from .. import PAPER

DEALS = 1999

TABLE = "figure7a"

LABEL = "decision accuracy, mean of the runs there are"


@dataclass(frozen=True)
class SizeAccuracies:
    """Networks of one size: log10 of units, log10 of the density of each row `(rows,)`, accuracies `(seeds, rows)`."""

    units: float
    densities: Tensor
    accuracies: Tensor

    def best(self, accuracies: Tensor) -> list[tuple[float, float]]:
        """Return log10 of units and of the best density, per seed."""
        return [(self.units, density) for density in self.densities[accuracies.argmax(1)].tolist()]


def best_density(request: FigureRequest) -> list[Path]:
    """Figure 5d: accuracy by radius and size, the density of the best mask of each seed, and whether it falls."""
    store = request.required_store()
    summary = summarise(PAPER.table(TABLE, request.scale), store)
    table, sizes = summary.table, []
    body = []
    for column in table.columns:
        cells = [cell for cell in table.cells if cell.column == column]
        accuracies, densities = _accuracies(summary, cells), _densities(cells)
        best = accuracies.argmax(1).tolist() if len(accuracies) else []
        body.append([column, ", ".join(cells[number].row for number in best) or "-", _spread(densities[best].tolist())])
        if best:
            sizes.append(SizeAccuracies(math.log10(_hidden(cells[0])), densities.log10(), accuracies))
    if not sizes:
        raise BenchError(
            f"{table.name}: expected a size all of whose runs are in {store.folder}, got none. "
            f"Run `srnn run {table.name} --scale {request.scale}` first"
        )
    text = (
        f"# The best density by size, scale {request.scale}\n\n"
        f"{markdown_table(['network', 'best of each seed', 'density'], body)}\n"
        "The row with the greatest decision accuracy, dense networks (density 1) among them. "
        f"{judge_density(sizes, deals=DEALS)}\n"
    )
    name = f"modcog-figure5d-{request.scale}"
    drawing = heat(
        name, "Decision accuracy by radius and size", _means(summary), table.rows, table.columns, label=LABEL
    )
    return [*write_drawing(drawing, request.folder), write_text(text, request.folder, name)]


def judge_density(sizes: Sequence[SizeAccuracies], *, deals: int) -> str:
    """Return the verdict on whether the best density falls with size, in words.

    The grid of d is the same at every size, so densities fall with size by themselves. Therefore p is the share of
    slopes as extreme as the measured one when the accuracies of each size and seed are dealt to its rows at random.
    """
    if len(sizes) < 2:
        return "One size is too few for a test of whether it falls with size."
    generator = torch.Generator().manual_seed(0)
    slope = _slope([size.best(size.accuracies) for size in sizes])
    chance = []
    for _ in range(deals):
        dealt = []
        for size in sizes:
            order = torch.rand(size.accuracies.shape, generator=generator).argsort(1)
            dealt.append(size.best(size.accuracies.gather(1, order)))
        chance.append(_slope(dealt))
    falls, rises = ((1 + sum(map(beyond, chance))) / (1 + deals) for beyond in (slope.__ge__, slope.__le__))
    p = min(1.0, 2 * min(falls, rises))
    verdict = ("supported" if falls < rises else "contradicted") if p < LEVEL else "undecided"
    return (
        '"At larger system sizes, the optimal sparsity for best performance is lower" (caption of Figure 5): the best '
        f"density goes as N to the power {slope:.2f} (n = {sum(len(size.accuracies) for size in sizes)}, "
        f"p = {significant(p, 2)} by {deals} deals of the accuracies to the rows): {verdict}."
    )


def _accuracies(summary: Summary, cells: Sequence[Cell]) -> Tensor:
    """Return the accuracies of the cells of one size, float64 `(seeds, rows)`, of the seeds with all their runs."""
    values = [[summary.cells[cell.row, cell.column].values.get(seed) for cell in cells] for seed in summary.table.seeds]
    return torch.tensor([line for line in values if None not in line], dtype=torch.float64)


def _means(summary: Summary) -> Tensor:
    """Return the mean accuracy of each cell, `(rows, columns)`; NaN without runs."""
    table = summary.table
    means = torch.full((len(table.rows), len(table.columns)), math.nan)
    for cell in table.cells:
        by_seed = summary.cells[cell.row, cell.column].values
        values = [by_seed[seed] for seed in table.seeds if seed in by_seed]
        if values:
            means[table.rows.index(cell.row), table.columns.index(cell.column)] = fmean(values)
    return means


def _slope(points: Sequence[list[tuple[float, float]]]) -> float:
    x, y = zip(*(point for size in points for point in size), strict=True)
    return float(linear_regression(x, y).slope)


def _spread(values: list[float]) -> str:
    if not values:
        return "-"
    spread = f" ± {significant(stdev(values), 2)} ({len(values)})" if len(values) > 1 else " (1)"
    return significant(fmean(values), 2) + spread


def _hidden(cell: Cell) -> int:
    return int(cell.experiment.model.hidden)


def _densities(cells: Sequence[Cell]) -> Tensor:
    return torch.tensor([_density(cell) for cell in cells], dtype=torch.float64)


def _density(cell: Cell) -> float:
    """Return the share of present recurrent weights of a cell's network."""
    hidden = _hidden(cell)
    if not cell.experiment.masks:
        return 1.0
    return float(cell.experiment.masks[0].pattern.mask(hidden, hidden).double().mean())
