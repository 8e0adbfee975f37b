"""Figure 4a to e of arXiv 2207.03523: trials of the tasks that Mod-Cog adds."""

from __future__ import annotations

from pathlib import Path

import torch

from srnn_tasks import Batch, Cognitive

from ....drawing import write_drawing
from ... import FigureRequest
from ._draw_trials import draw_trials

DELAYS = (3, 8)  # steps, of the two trials of the interval task

SHOWN = ("dlygo-intl", "dlygo-intl", "go-seqr", "go-seql", "dlygo-intl-seqr")


def trials(request: FigureRequest) -> list[Path]:
    """Figure 4a to e: trials of an interval task at two delays, of sequences to both sides, and of a composed task."""
    batches: dict[str, Batch] = {}
    for number, name in enumerate(SHOWN):
        delay = DELAYS[number] if name == "dlygo-intl" else None
        batches[name if delay is None else f"{name}, delay {delay}"] = trial_of(name, delay)
    drawing = draw_trials("modcog-figure4", "Trials of Mod-Cog", batches, Cognitive().ring)
    return write_drawing(drawing, request.folder)


def trial_of(name: str, delay: int | None) -> Batch:
    """Return a trial of a task without noise, as a batch of one row: the first one with that delay in steps."""
    task = Cognitive(tasks=(name,), sigma=0.0)
    generator = torch.Generator().manual_seed(0)
    for batch in task.open(device="cpu", generator=generator).batches(1, generator=generator):
        if delay is None or int(batch.info["delay"][0, 0]) == delay:
            return batch
    raise AssertionError("the stream of batches is endless")
