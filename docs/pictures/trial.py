"""Draw a trial of a cognitive task: what a network sees, and what it should answer."""

from __future__ import annotations

from pathlib import Path

import torch
from _picture import WIDTH, main, write
from matplotlib.figure import Figure

from srnn_bench.drawing import INK
from srnn_tasks import Cognitive
from srnn_tasks.cognitive import PERIODS

TASK = "dlydm1-seqr"  # two stimuli; after a delay, the stronger one, then directions to its right


def trial(folder: Path) -> Path:
    task = Cognitive(tasks=(TASK,), sigma=0.0)
    generator = torch.Generator().manual_seed(1)
    batch = next(task.open(device="cpu", generator=generator).batches(1, generator=generator))
    period = batch.info["period"][:, 0]
    steps = int(period.lt(PERIODS.index("padding")).sum())
    inputs, targets = batch.inputs[:steps, 0], batch.targets[:steps, 0]  # (T, I), (T,)
    ring = task.ring
    answers = torch.nn.functional.one_hot(targets, ring + 1).float()  # (T, 1 + R)
    parts = {
        "fixation cue": inputs[:, :1],
        "ring 1": inputs[:, 1 : 1 + ring],
        "ring 2": inputs[:, 1 + ring : 1 + 2 * ring],
        "right answer": answers,
    }
    starts = [0, *(1 + (period[1:steps] != period[: steps - 1]).nonzero()[:, 0]).tolist()]

    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    grid = figure.subplots(len(parts), 1, sharex=True, height_ratios=(0.3, 1, 1, 1))
    for axes, (name, part) in zip(grid, parts.items(), strict=True):
        most = float(inputs[:, 1 : 1 + 2 * ring].max()) if name.startswith("ring") else 1.0
        axes.imshow(
            part.T.numpy(), aspect="auto", origin="lower", cmap="viridis", vmin=0, vmax=most, interpolation="none"
        )
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
        axes.set_yticks([])
        axes.tick_params(length=0)
        axes.grid(False)
        axes.spines[:].set_visible(False)
        for start in starts[1:]:
            axes.axvline(start - 0.5, color="#ffffff", lw=0.7, alpha=0.8)
    for start, end in zip(starts, [*starts[1:], steps], strict=True):
        middle = (start + end - 1) / 2
        grid[0].text(
            middle,
            1.0,
            PERIODS[int(period[start])].replace(" ", "\n"),
            ha="center",
            va="bottom",
            fontsize=8.5,
            color=INK,
        )
    grid[-1].set_xlabel("time step")
    caption = (
        f"A trial of the task {TASK}. Ring 1 shows two stimuli one after the other; after a delay the network answers "
        "with the direction of the stronger one and then with the directions to its right. Until then it fixates."
    )
    return write("trial", "A trial of a cognitive task", caption, figure, folder)


if __name__ == "__main__":
    main(trial)
