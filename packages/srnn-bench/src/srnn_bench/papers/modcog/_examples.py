"""Figure 4a to e of arXiv 2207.03523: trials of the tasks that Mod-Cog adds."""

from __future__ import annotations

from pathlib import Path

import torch

from srnn_tasks import Batch, Cognitive

from ...drawing import write_drawing
from ...store import Store
from ...tables import Scale
from .figures._draw_trials import trials

DELAYS = (3, 8)  # steps, of the two trials with an interval alone

SHOWN = ("dlygo-intl", "dlygo-intl", "go-seqr", "go-seql", "dlygo-intl-seqr")


def figure4(store: Store, scale: Scale, folder: Path) -> list[Path]:
    """Figure 4a to e: trials of an interval task at two delays, of sequences to both sides, and of a composed task."""
    found: dict[str, Batch] = {}
    for place, name in enumerate(SHOWN):
        delay = DELAYS[place] if name == "dlygo-intl" else None
        found[name if delay is None else f"{name}, delay {delay}"] = _trial(name, delay)
    drawing = trials("modcog-figure4", "Trials of Mod-Cog", found, Cognitive().ring)
    return write_drawing(drawing, folder)


def _trial(name: str, delay: int | None) -> Batch:
    """Return one trial without noise, of a row, the first with that delay in steps."""
    task = Cognitive(tasks=(name,), sigma=0.0)
    generator = torch.Generator().manual_seed(0)
    for batch in task.open(device="cpu", generator=generator).batches(1, generator=generator):
        if delay is None or int(batch.info["delay"][0, 0]) == delay:
            return batch
    raise AssertionError("batches have no end")
