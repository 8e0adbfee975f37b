"""Figure 5d of arXiv 2207.03523: "at larger system sizes, the optimal sparsity for best performance is lower"."""

from __future__ import annotations

from math import log10
from pathlib import Path
from statistics import fmean, stdev

from scipy.stats import linregress  # type: ignore[import-untyped]

from ..._store import Store
from ..._summary import summarise
from ..._table import Cell, Scale
from ...analysis._files import number, rows, write_text
from . import TABLES

LEVEL = 0.05
TABLE = "modcog/figure7a"


def best_density(store: Store, scale: Scale, folder: Path) -> list[Path]:
    """Figure 5d: the density of the best mask of each seed, by size of the network, and whether it falls."""
    table = TABLES[TABLE](scale)
    summary = summarise(table, store)
    body, points = [], []  # points: log10 of units and of the best density, of each seed and size
    for column in table.columns:
        cells = [cell for cell in table.cells if cell.column == column]
        best = []
        for seed in table.seeds:
            values = [summary.cells[cell.row, column].values.get(seed) for cell in cells]
            if None not in values:
                best.append(values.index(max(value for value in values if value is not None)))
        densities = [_density(cells[place]) for place in best]
        points += [(log10(_units(cells[0])), log10(density)) for density in densities]
        spread = f" ± {number(stdev(densities), 2)}" if len(densities) > 1 else ""
        held = f"{number(fmean(densities), 2)}{spread} ({len(densities)})" if densities else "-"
        body.append([column, ", ".join(cells[place].row for place in best) or "-", held])
    if not points:
        raise ValueError(
            f"{TABLE}: expected a size of which all runs are in {store.folder}, found none; make them by "
            f"`srnn run {TABLE} --scale {scale}`"
        )
    text = (
        f"# The best density by size, scale {scale}\n\n{rows(['network', 'best of each seed', 'density'], body)}\n"
        f"The row with the greatest decision accuracy, dense networks (density 1) among them. {_judged(points)}\n"
    )
    return [write_text(text, folder, f"modcog-figure5d-{scale}")]


def _judged(points: list[tuple[float, float]]) -> str:
    sizes, densities = zip(*points, strict=True)
    if len(points) < 3 or len(set(sizes)) < 2:
        return "Too few runs for a test of whether it falls with size."
    fitted = linregress(sizes, densities)
    if len(set(densities)) == 1:
        return "It is the same everywhere."
    falls = "supported" if fitted.slope < 0 else "contradicted"
    verdict = falls if fitted.pvalue < LEVEL else "undecided"
    return (
        '"At larger system sizes, the optimal sparsity for best performance is lower" (caption of Figure 5): density '
        f"falls as N to the power {fitted.slope:.2f} (n = {len(points)}, p = {number(fitted.pvalue, 2)}): {verdict}."
    )


def _units(cell: Cell) -> int:
    return int(cell.experiment.model.recurrence.hidden)


def _density(cell: Cell) -> float:
    """Return the share of the recurrent weights that the cell's network has."""
    hidden = _units(cell)
    if not cell.experiment.masks:
        return 1.0
    return float(cell.experiment.masks[0].pattern.mask(hidden, hidden).double().mean())
