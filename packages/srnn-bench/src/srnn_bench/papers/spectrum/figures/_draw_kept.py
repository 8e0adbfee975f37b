"""Drawings of kept weights: bars by gate and type (Figure 1 of arXiv 1912.00120), and maps (its Figure 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from torch import Tensor

from ....drawing import COLOURS, INK, Drawing, significant, style

WIDE = 7.6  # inches

HATCH = "////"


def kept_by_gate(name: str, title: str, counts: Mapping[str, Tensor], gates: Sequence[str]) -> Drawing:
    """Draw one bar per way of pruning: the shares of its kept weights by gate, hatched for input weights.

    counts: `(seeds, 2, gates)`, of the input and the recurrent matrix. The input / recurrent ratio stands beside a bar.
    """
    with style():
        figure = Figure(figsize=(WIDE, 0.34 * len(counts) + 1.1), layout="constrained")
        axes = figure.subplots()
        for row, each in enumerate(counts.values()):
            kept = each.double().mean(0)  # (2, gates)
            shares, left = (100 * kept / kept.sum()).tolist(), 0.0
            for gate in range(len(gates)):
                for kind in (1, 0):
                    axes.barh(
                        row,
                        shares[kind][gate],
                        left=left,
                        color=COLOURS[gate],
                        edgecolor="white",
                        hatch="" if kind else HATCH,
                        linewidth=0,
                    )
                    left += shares[kind][gate]
            ratio = (kept[0].sum() / kept[1].sum().clamp(min=1)).item()
            axes.text(101, row, f"{significant(ratio, 2)}", va="center", fontsize=8.5)
        axes.text(101, -0.85, "input / recurrent", va="center", fontsize=8.5)
        axes.set_yticks(range(len(counts)), labels=list(counts))
        axes.set(xlim=(0, 118), xlabel="share of kept weights, %", ylim=(len(counts) - 0.5, -1.2))
        axes.set_xticks(range(0, 101, 20))
        axes.grid(False, axis="y")
        marks = [Patch(color=COLOURS[gate], label=f"gate {label}") for gate, label in enumerate(gates)]
        marks.append(Patch(facecolor="none", edgecolor=INK, hatch=HATCH, label="input weights"))
        figure.legend(handles=marks, loc="outside upper left", ncols=len(marks))
    seeds = len(next(iter(counts.values())))
    caption = (
        f"Mean shares over {seeds} seeds. Beside a bar: input weights kept for each recurrent weight kept; the dense "
        "network has 0.07."
    )
    return Drawing(name, title, caption, figure)


def kept_maps(name: str, title: str, kept: Mapping[str, Tensor], *, inputs: int, gates: Sequence[str]) -> Drawing:
    """Draw one map per way of pruning: bool `(I + N, gates N)`, black where a weight is kept; inputs on top."""
    with style():
        figure = Figure(figsize=(WIDE, 1.95 * len(kept) + 0.4), layout="constrained", dpi=200)
        grid: Any = figure.subplots(len(kept), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (label, each) in zip(grid, kept.items(), strict=True):
            rows, columns = each.shape
            axes.imshow(
                np.asarray(each), cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="none",
                extent=(0, columns, rows, 0),
            )  # fmt: skip
            axes.axhline(inputs, color=COLOURS[1], lw=0.8)
            for gate in range(1, len(gates)):
                axes.axvline(gate * columns / len(gates), color=COLOURS[1], lw=0.8)
            axes.set_title(label)
            axes.set_ylabel("input")
            axes.grid(False)
        ticks = [(gate + 0.5) * columns / len(gates) for gate in range(len(gates))]
        grid[-1].set_xticks(ticks, labels=[f"gate {gate}" for gate in gates])
        grid[-1].set_xlabel("unit, by gate")
    caption = (
        f"Black: a weight that is kept. Above the line: the {inputs} inputs; below it: the units as inputs of the next "
        "step."
    )
    return Drawing(name, title, caption, figure)
