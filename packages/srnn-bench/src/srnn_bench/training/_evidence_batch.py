"""The batch that a pruning criterion reads.

It comes from a stream of its own, and the position of the training stream is restored after the draw: a run whose
criterion reads data trains on the same batches, bit for bit, as a run whose criterion reads none.
"""

from __future__ import annotations

import torch

from srnn_tasks import Batch, Source, TaskError

from .._errors import BenchError
from ..experiment import Stage
from ._streams import stream


def evidence_batch(source: Source, stage: Stage, seed: int, epoch: int, device: torch.device) -> Batch:
    """Return a batch of `Stage.evidence_rows` rows for the pruning at the start of an epoch, numbered from 1.

    Raises:
        BenchError: If the task cannot draw a batch of that many rows.
    """
    generator = stream(seed, "evidence", stage.name, epoch, device=device)
    position = source.state_dict()
    try:
        return next(source.batches(stage.evidence_rows, generator=generator))
    except TaskError as error:
        raise BenchError(f"stage {stage.name!r}: evidence_rows: {error}") from error
    finally:
        source.load_state_dict(position)
