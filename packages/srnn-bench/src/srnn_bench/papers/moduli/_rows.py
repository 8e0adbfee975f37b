"""Rows of the tables of a benchmark: dense networks, pruned networks and their lotteries, strengths of the penalty."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from srnn_manifolds import AnyRegularizer

from ...tables import Cell, Published
from ._benchmark import Benchmark

MULTIPLES = (10.0, 1.0, 0.1, 0.01)  # of the strength of the main tables: lambda 1 to 0.001 at the paper's 0.1

SWEEP = "strength x 1 is {:g} before the mean or sum, 0.1 in the paper, whose tables have 1, 0.1, 0.01, 0.001"

Columns = Mapping[str, AnyRegularizer | None]

Publication = Callable[[str, str], Published | None]


def baseline(bench: Benchmark, columns: Columns, published: Publication | None = None) -> list[Cell]:
    """Return the row of networks that are not pruned."""
    return [
        bench.cell("Baseline", column, bench.dense(regularizer), "dense", published and published("Baseline", column))
        for column, regularizer in columns.items()
    ]


def pruned(bench: Benchmark, columns: Columns, published: Publication | None = None) -> list[Cell]:
    """Return two rows per sparsity: networks pruned during training, and new ones trained with the final masks."""
    cells = []
    for sparsity in bench.sparsities:
        experiments = {column: bench.pruned(regularizer, sparsity) for column, regularizer in columns.items()}
        end = "sparse" if bench.pruning.closing is None else "closed"
        for name, stage in (("sparse", end), ("lottery", "lottery")):
            row = f"{100 * sparsity:g}% {name}"
            cells += [
                bench.cell(row, column, experiment, stage, published and published(row, column))
                for column, experiment in experiments.items()
            ]
    return cells


def by_strength(
    bench: Benchmark,
    columns: Columns,
    published: Mapping[str, Mapping[str, tuple[float, ...]]],
    factor: float = 1.0,
) -> list[Cell]:
    """Return the cells at 90 % sparsity, one row per strength and stage; the paper has single trials."""
    cells = []
    for number, multiple in enumerate(MULTIPLES):
        stronger = replace(bench, strength=bench.strength * multiple)
        experiments = {column: stronger.pruned(regularizer, 0.9) for column, regularizer in columns.items()}
        for row in ("90% sparse", "90% lottery"):
            for column, experiment in experiments.items():
                printed = Published(factor * published[row][column][number], None, 1)
                name = f"{row}, strength x {multiple:g}"
                cells.append(bench.cell(name, column, experiment, row.split()[1], printed))
    return cells


def dense_by_strength(bench: Benchmark, columns: Columns, strengths: Sequence[float]) -> list[Cell]:
    """Return one row per strength of networks that are not pruned."""
    return [
        bench.cell(f"lambda {value:g}", column, replace(bench, strength=value).dense(regularizer), "dense")
        for value in strengths
        for column, regularizer in columns.items()
    ]
