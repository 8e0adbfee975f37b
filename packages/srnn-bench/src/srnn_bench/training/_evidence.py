"""Evidence for a pruning criterion: closures that run a network on a batch of its training data."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from srnn_tasks import Batch

from ._evidence_batch import evidence_batch
from ._parts import Parts


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
    source, stage = parts.source_of(number), parts.plans[number].stage

    @cache
    def batch() -> Batch:
        return evidence_batch(source, stage, parts.seed, epoch, device)

    def run() -> Tensor:
        outputs: Tensor = parts.model(batch().inputs, start=batch().start, state=None)[0]  # (T, B, O)
        return outputs

    def loss() -> Tensor:
        return source.loss(run(), batch())

    return {"loss": loss, "run": run}
