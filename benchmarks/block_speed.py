"""How much faster block RNNs are by their own backward pass.

    python benchmarks/block_speed.py [--threads 1] [--repeat 7] [--write]
    python benchmarks/block_speed.py --scale 0.1 --repeat 2

Forward and backward of a `BlockRNN` without masks by the loop and by the engine "dense". Both alternate in one process,
so that other load on the machine affects both equally; the last column is the median ratio of neighbouring calls, loop
over dense. T steps, B sequences, I inputs, N hidden units, O outputs; the first rows have the sizes of Adroit Hammer
and Random Anomaly Detection. `--scale` multiplies the number of hidden units; `--write` writes what is printed to
`docs/results/speed`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Literal

import engine_table
import torch
from engine_speed import alternated, environment, quartiles, ratios, table_line, trained

from srnn_models import BlockRNN

Case = tuple[int, int, int, int, int, Literal["before", "after"]]

CASES: tuple[Case, ...] = (  # T, B, I, N, O, the H that outputs read
    (200, 16, 46, 80, 26, "after"),
    (200, 16, 46, 577, 26, "after"),
    (10, 16, 2500, 25, 10, "before"),
    (10, 16, 2500, 270, 10, "before"),
    (10, 64, 2500, 270, 10, "before"),
    (28, 1, 16, 16, 10, "before"),
    (28, 64, 16, 16, 10, "before"),
    (28, 1, 16, 1000, 10, "after"),
    (28, 64, 16, 1000, 10, "after"),
)


def rows(arguments: argparse.Namespace) -> Iterator[str]:
    """Measure, and give the lines of the table."""
    device = torch.device("cpu")
    yield environment(device, arguments)
    yield ""
    heads = ("T", "B", "I", "N", "O", "reads", "loop, ms", "dense, ms", "ratio")
    yield table_line(heads)
    yield table_line("---" for _ in heads)
    for steps, batch, inputs, hidden, outputs, reads in CASES:
        spec = SimpleNamespace(inputs=inputs, outputs=outputs, start=None, tokens=False)
        model = BlockRNN(hidden=max(1, round(hidden * arguments.scale)), reads=reads)
        layer = model.build(spec, generator=torch.Generator().manual_seed(0)).recurrence
        x = torch.randn(steps, batch, inputs)
        passes = {engine: trained(layer, x, engine) for engine in ("loop", "dense")}
        times = alternated(passes, device, arguments.repeat)
        numbers = (steps, batch, inputs, model.hidden, outputs)
        medians = (f"{quartiles(each)[1]:.2f}" for each in times.values())
        ratio = quartiles(ratios(*times.values()))[1]
        yield table_line((*map(str, numbers), reads, *medians, f"{ratio:.2f}"))


if __name__ == "__main__":
    engine_table.run(rows, "block.md", "Block RNNs by their own backward pass", __doc__)
