"""Figure 5d of arXiv 2207.03523: "at larger system sizes, the optimal sparsity for best performance is lower"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, linear_regression, stdev

import torch
from torch import Tensor

from ...drawing import heat, markdown_table, significant, write_drawing, write_text
from ...store import Store
from ...tables import LEVEL, Cell, Scale, summarise
from . import TABLES

DEALS = 1999

TABLE = "modcog/figure7a"

LABEL = "decision accuracy, mean of the runs there are"


def best_density(store: Store, scale: Scale, folder: Path) -> list[Path]:
    """Figure 5d: accuracy by radius and size, the density of the best mask of each seed, and whether it falls."""
    table = TABLES[TABLE](scale)
    summary = summarise(table, store)
    means = torch.full((len(table.rows), len(table.columns)), math.nan)
    body, sizes = [], []
    for column in table.columns:
        cells = [cell for cell in table.cells if cell.column == column]
        seeds = [[summary.cells[cell.row, column].values.get(seed) for cell in cells] for seed in table.seeds]
        for cell, values in zip(cells, zip(*seeds, strict=True), strict=True):
            held = [value for value in values if value is not None]
            if held:
                means[table.rows.index(cell.row), table.columns.index(column)] = fmean(held)
        whole = torch.tensor([values for values in seeds if None not in values], dtype=torch.float64)  # (seeds, rows)
        densities = torch.tensor([_density(cell) for cell in cells], dtype=torch.float64)
        best = whole.argmax(1).tolist() if len(whole) else []
        body.append([column, ", ".join(cells[place].row for place in best) or "-", _spread(densities[best].tolist())])
        if best:
            sizes.append(Size(math.log10(_units(cells[0])), densities.log10(), whole))
    if not sizes:
        raise ValueError(
            f"{TABLE}: expected a size of which all runs are in {store.folder}, found none; make them by "
            f"`srnn run {TABLE} --scale {scale}`"
        )
    text = (
        f"# The best density by size, scale {scale}\n\n"
        f"{markdown_table(['network', 'best of each seed', 'density'], body)}\n"
        f"The row with the greatest decision accuracy, dense networks (density 1) among them. {judged(sizes)}\n"
    )
    name = f"modcog-figure5d-{scale}"
    drawing = heat(name, "Decision accuracy by radius and size", means, table.rows, table.columns, label=LABEL)
    return [*write_drawing(drawing, folder), write_text(text, folder, name)]


@dataclass(frozen=True)
class Size:
    """Networks of one size: log10 of units, log10 of the density of each row `(rows,)`, accuracies `(seeds, rows)`."""

    units: float
    densities: Tensor
    accuracies: Tensor

    def best(self, accuracies: Tensor) -> list[tuple[float, float]]:
        """Return log10 of units and of the best density, of each seed."""
        return [(self.units, density) for density in self.densities[accuracies.argmax(1)].tolist()]


def judged(sizes: Sequence[Size]) -> str:
    """Say whether the best density falls with size.

    The grid of d is the same at every size, so that densities fall by themselves. p is therefore the share of slopes as
    extreme as the one found when the accuracies of a size and seed are dealt out to its rows by chance.
    """
    if len(sizes) < 2:
        return "One size is too few for a test of whether it falls with size."
    generator = torch.Generator().manual_seed(0)
    slope = _slope([size.best(size.accuracies) for size in sizes])
    chance = []
    for _ in range(DEALS):
        dealt = []
        for size in sizes:
            order = torch.rand(size.accuracies.shape, generator=generator).argsort(1)
            dealt.append(size.best(size.accuracies.gather(1, order)))
        chance.append(_slope(dealt))
    falls, rises = ((1 + sum(map(beyond, chance))) / (1 + DEALS) for beyond in (slope.__ge__, slope.__le__))
    p = min(1.0, 2 * min(falls, rises))
    verdict = ("supported" if falls < rises else "contradicted") if p < LEVEL else "undecided"
    return (
        '"At larger system sizes, the optimal sparsity for best performance is lower" (caption of Figure 5): the best '
        f"density goes as N to the power {slope:.2f} (n = {sum(len(size.accuracies) for size in sizes)}, "
        f"p = {significant(p, 2)} by {DEALS} deals of the accuracies to the rows): {verdict}."
    )


def _slope(points: Sequence[list[tuple[float, float]]]) -> float:
    x, y = zip(*(point for size in points for point in size), strict=True)
    return float(linear_regression(x, y).slope)


def _spread(values: list[float]) -> str:
    if not values:
        return "-"
    return significant(fmean(values), 2) + (
        f" ± {significant(stdev(values), 2)} ({len(values)})" if len(values) > 1 else " (1)"
    )


def _units(cell: Cell) -> int:
    return int(cell.experiment.model.recurrence.hidden)


def _density(cell: Cell) -> float:
    """Return the share of the recurrent weights that the cell's network has."""
    hidden = _units(cell)
    if not cell.experiment.masks:
        return 1.0
    return float(cell.experiment.masks[0].pattern.mask(hidden, hidden).double().mean())
