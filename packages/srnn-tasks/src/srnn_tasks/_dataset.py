"""Training batches of a task for torch's `DataLoader`, which has them drawn by worker processes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from .contract import Batch, Task


class BatchDataset(IterableDataset[Batch]):
    """The training batches of a task, `size` rows each, without end, for `DataLoader(dataset, batch_size=None)`.

    Each worker process opens the task and draws a stream of its own, decided by the seed and the number of the worker;
    two workers never have the same. (Workers of two seeds do, for a pair of seeds in 2**32 / 2n of n workers each:
    torch's CPU generator knows no more than 2**32 seeds.)
    What a task draws when it is opened is decided by the seed alone, so it is the same in all. Without workers there is
    the stream of the first. Iterated again, it begins again. A task of fixed data is read by every worker, each in its
    own order. Worker processes cannot draw on a CUDA device that the process which starts them uses.

    A task whose hidden state goes on from batch to batch is refused with more than one worker: their batches alternate.

    >>> from torch.utils.data import DataLoader
    >>> from srnn_tasks import Adding
    >>> loader = DataLoader(BatchDataset(Adding(steps=30), size=20, seed=0), batch_size=None)
    >>> next(iter(loader)).inputs.shape
    torch.Size([30, 20, 2])
    """

    def __init__(self, task: Task, size: int, seed: int, device: torch.device | str = "cpu") -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f"size: expected at least 1 row; got {size}")
        if seed < 0:
            raise ValueError(f"seed: expected at least 0; got {seed}")
        self.task, self.size, self.seed, self.device = task, size, seed, torch.device(device)

    def __iter__(self) -> Iterator[Batch]:
        """Open the task and yield its batches, in a worker process those of the worker."""
        worker = get_worker_info()
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        opening, first = np.random.SeedSequence(self.seed).generate_state(2).tolist()
        source = self.task.open(device=self.device, generator=self._generator(opening))
        if source.spec.carry and workers > 1:
            raise ValueError(
                f"num_workers: the batches of task {self.task.kind!r} follow each other; expected 1 or 0, got {workers}"
            )
        return iter(source.batches(self.size, generator=self._generator((first + number) % 2**32)))

    def _generator(self, seed: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(seed)
