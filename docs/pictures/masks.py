"""Draw three masks: the connections of one unit on its sheet, and the whole weight matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from _picture import WIDTH, main, write
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from srnn_bench.drawing import COLOURS
from srnn_masks import FixedInDegree, Locality

SIDE = 12

SHOWN = (SIDE // 2) * SIDE + SIDE // 2  # the unit in the middle of the sheet

PATTERNS = {
    "radius 1": Locality(sheet=(SIDE, SIDE), radius=1),
    "radius 3": Locality(sheet=(SIDE, SIDE), radius=3),
    "29 at random": FixedInDegree(degree=29),
}

ABSENT, PRESENT, UNIT = to_rgba("#7f7f7f", 0.22), to_rgba(COLOURS[0]), to_rgba(COLOURS[1])


def masks(folder: Path) -> Path:
    figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
    grid = figure.subplots(2, len(PATTERNS))
    for (sheet, matrix), (name, pattern) in zip(grid.T, PATTERNS.items(), strict=True):
        mask = pattern.mask(SIDE**2, SIDE**2, generator=torch.Generator().manual_seed(0))  # (N, N)
        sources = coloured(mask[SHOWN].view(SIDE, SIDE))
        sources[SHOWN // SIDE, SHOWN % SIDE] = UNIT
        sheet.imshow(sources, interpolation="none", extent=(0, SIDE, SIDE, 0))
        sheet.set_title(f"{name}:\n{100 * mask.float().mean():.1f} % present")
        for line in range(1, SIDE):  # gaps between the units
            sheet.axhline(line, color="#7f7f7f", lw=0.4, alpha=0.5)
            sheet.axvline(line, color="#7f7f7f", lw=0.4, alpha=0.5)
        matrix.imshow(coloured(mask), interpolation="none")
        for axes in (sheet, matrix):
            axes.set(xticks=[], yticks=[])
            axes.grid(False)
            axes.spines[:].set_visible(False)
    grid[0, 0].set_ylabel("inputs of one unit\non the sheet")
    grid[1, 0].set_ylabel("weight matrix")
    caption = (
        f"Three masks of a network of {SIDE**2} units. Above: a unit (orange) on its periodic sheet of {SIDE} x {SIDE} "
        "units, and the units that it gets input from (blue). Below: the weights present in the whole matrix."
    )
    return write("masks", "Sparsity masks", caption, figure, folder)


def coloured(mask: torch.Tensor) -> np.ndarray:
    """Return the colours of present and absent entries (rows, columns, 4)."""
    return np.where(mask.numpy()[..., None], PRESENT, ABSENT)


if __name__ == "__main__":
    main(masks)
