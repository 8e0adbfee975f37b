"""Evidence for a pruning criterion: closures that run a network on a batch of its training data.

The batch comes from a stream of its own, and the position of the training stream is restored after the draw: a run
whose criterion reads data trains on the same batches, bit for bit, as a run whose criterion reads none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from srnn_tasks import Batch, TaskError

from .._errors import BenchError
from ._parts import Parts
from ._streams import stream


def evidence_of(parts: Parts, number: int, epoch: int, device: torch.device) -> dict[str, Callable[[], Any]]:
    """Return what a criterion of `srnn_pruning` may ask for at the start of an epoch, by name.

    - `loss()` runs the network on a batch of `Stage.evidence_rows` rows and returns the task's loss, a scalar with its
      graph. Penalties are not part of it.
    - `run()` runs the network on the same batch and returns its outputs (T, B, O).

    Both start from zeros or the batch's start code, not from a carried hidden state. The batch is drawn when one of
    them is first called, so an epoch that prunes nothing draws nothing, and it is the same at each call.

    Args:
        parts: The run.
        number: Number of the stage, from 0.
        epoch: Number of the epoch within the stage, from 1.
        device: Device of the run.
    """
    source = parts.source_of(number)

    @cache
    def batch() -> Batch:
        return _draw(parts, number, epoch, device)

    def run() -> Tensor:
        outputs: Tensor = parts.model(batch().inputs, start=batch().start, state=None)[0]  # (T, B, O)
        return outputs

    def loss() -> Tensor:
        return source.loss(run(), batch())

    return {"loss": loss, "run": run}


def _draw(parts: Parts, number: int, epoch: int, device: torch.device) -> Batch:
    """Draw the batch, and return to the position of the training stream before the draw.

    Raises:
        BenchError: If the task has no batch of so many rows.
    """
    source, stage = parts.source_of(number), parts.plans[number].stage
    generator = stream(parts.seed, "evidence", stage.name, epoch, device=device)
    position = source.state_dict()
    try:
        return next(source.batches(stage.evidence_rows, generator=generator))
    except TaskError as error:
        raise BenchError(f"stage {stage.name!r}: evidence_rows: {error}") from error
    finally:
        source.load_state_dict(position)
