"""Training batches of a task for torch's `DataLoader`, drawn by worker processes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.utils import data

from .contract import Batch, Task, TaskError


class BatchDataset(data.IterableDataset[Batch]):
    """The training batches of a task, `size` rows each, indefinitely. Use with `DataLoader(dataset, batch_size=None)`.

    Each worker process opens the task and draws its own stream, determined by the seed and the worker's number; no two
    workers have the same stream. (With n workers each, two different seeds share a stream with probability
    2n / 2**32, because torch's CPU generator uses only 32 bits of its seed.) What a task draws when it is opened
    depends on the seed alone, so it is the same in all workers. Without workers, the stream is that of the first
    worker. Each iterator starts from the beginning. A task with fixed data is read in full by every worker, each in its
    own order. Worker processes cannot draw on a CUDA device that the parent process uses.

    Raises a TaskError for a task that carries its hidden state from batch to batch if there is more than one worker,
    because the batches of different workers alternate.

    >>> from torch.utils.data import DataLoader
    >>> from srnn_tasks import Adding
    >>> loader = DataLoader(BatchDataset(Adding(steps=30), size=20, seed=0), batch_size=None)
    >>> next(iter(loader)).inputs.shape
    torch.Size([30, 20, 2])
    """

    def __init__(self, task: Task, size: int, seed: int, device: torch.device | str = "cpu") -> None:
        super().__init__()
        if size < 1:
            raise TaskError(f"size: expected at least 1 row; got {size}")
        if seed < 0:
            raise TaskError(f"seed: expected at least 0; got {seed}")
        self.task, self.size, self.seed, self.device = task, size, seed, torch.device(device)

    def __iter__(self) -> Iterator[Batch]:
        """Open the task and yield its batches; in a worker process, those of the worker."""
        worker = data.get_worker_info()
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        opening, first = np.random.SeedSequence(self.seed).generate_state(2).tolist()
        source = self.task.open(device=self.device, generator=self._generator(opening))
        if source.spec.carry and workers > 1:
            raise TaskError(
                f"num_workers: expected 0 or 1, as task {self.task.kind!r} carries its state from batch to batch; "
                f"got {workers}"
            )
        return iter(source.batches(self.size, generator=self._generator((first + number) % 2**32)))

    def _generator(self, seed: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(seed)
