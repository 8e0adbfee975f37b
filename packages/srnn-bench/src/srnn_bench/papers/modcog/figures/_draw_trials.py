"""Drawing of trials of cognitive tasks: inputs and targets (Figure 4a to e of arXiv 2207.03523)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from matplotlib.figure import Figure

from srnn_tasks import Batch
from srnn_tasks.cognitive import PERIODS

from ....drawing import INK, Drawing, style

WIDE = 7.6  # inches

ROWS = ("fixation cue", "ring 1", "ring 2", "right action")


def draw_trials(name: str, title: str, batches: Mapping[str, Batch], ring: int) -> Drawing:
    """Draw one trial per column, the first row of its batch, time to the right.

    Rows: the fixation cue, the two rings of `ring` units, and the target action (0 to fixate, 1 + direction).
    """
    lengths = {
        label: int(batch.info["period"][:, 0].lt(PERIODS.index("padding")).sum()) for label, batch in batches.items()
    }
    with style():
        figure = Figure(figsize=(WIDE, 4.4), layout="constrained", dpi=200)
        grid: Any = figure.subplots(
            4,
            len(batches),
            sharex="col",
            height_ratios=(0.35, 1, 1, 1),
            width_ratios=[length + 6 for length in lengths.values()],
            squeeze=False,
        )
        shown: Any = None
        for column, (label, batch) in enumerate(batches.items()):
            steps = lengths[label]
            inputs, targets = batch.inputs[:steps, 0], batch.targets[:steps, 0]  # (T, I), (T,)
            actions = torch.nn.functional.one_hot(targets, ring + 1).float()  # (T, 1 + R)
            rings = [inputs[:, 1 + number * ring : 1 + (number + 1) * ring] for number in range(2)]  # (T, R) each
            parts = [inputs[:, :1], *rings, actions]
            for axes, part, row in zip(grid[:, column], parts, ROWS, strict=True):
                shown = axes.imshow(
                    part.T.numpy(), aspect="auto", origin="lower", cmap="inferno", vmin=0, vmax=1, interpolation="none"
                )
                axes.grid(False)
                axes.tick_params(length=0)
                axes.set_yticks([] if len(part.T) == 1 or column else [0, len(part.T) - 1])
                for border in _borders(batch, steps):
                    axes.axvline(border - 0.5, color="#ffffff", lw=0.5, alpha=0.7)
                if column == 0:
                    axes.set_ylabel(row, rotation=0, ha="right", va="center", color=INK)
            grid[0, column].set_title(label, fontsize=8)
            grid[-1, column].set_xlabel("step")
        scale = figure.colorbar(shown, ax=grid, location="right", shrink=0.5, aspect=32, pad=0.01, ticks=[0, 0.5, 1])
        scale.outline.set_visible(False)
        scale.set_label("input; 1 for the right action")
    caption = (
        "A trial of each task, without noise and rule input; white lines are borders of periods. Right action: 0 to "
        "fixate, 1 + direction to answer."
    )
    return Drawing(name, title, caption, figure)


def _borders(batch: Batch, steps: int) -> list[int]:
    """Return the steps at which a period begins, except the first."""
    period = batch.info["period"][:steps, 0]
    return (1 + (period[1:] != period[:-1]).nonzero()[:, 0]).tolist()
