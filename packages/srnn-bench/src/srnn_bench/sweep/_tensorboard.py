"""A tracker that writes TensorBoard logs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

from .._errors import BenchError
from ..experiment import EpochEnd, Job, Result
from ._watcher import Watcher

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


@dataclass
class Log:
    """The open log of a run, and the last step written to it: inf if the log existed before it was opened."""

    writer: SummaryWriter
    last: float


class TensorBoard(Watcher):
    """Writes one log folder per run, `tensorboard/<label>-<key>` in the folder of the results.

    Scalars: `<stage>/loss`, `<stage>/penalty` and `<stage>/density` per epoch, `<stage>/metric/<name>` at the end of
    the run. Steps count epochs from 1 and continue from stage to stage. The experiment is logged as text. A run that
    resumes from a checkpoint, or starts over, writes to the same folder; earlier values of later epochs are hidden.

    Raises:
        BenchError: If tensorboard is not installed.
    """

    def __init__(self, results: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise BenchError(
                f"track: tensorboard is not installed ({error}); install it with pip install 'srnn-bench[tensorboard]'"
            ) from error
        self.folder = results / "tensorboard"
        self._writer: Callable[..., SummaryWriter] = SummaryWriter
        self._logs: dict[str, Log] = {}  # by the key of the run

    def folder_of(self, job: Job) -> Path:
        """Return the log folder of a run."""
        label = re.sub(r"[^A-Za-z0-9_.]+", "-", job.label).strip("-.")[:100]
        return self.folder / f"{label or 'run'}-{job.key[:8]}"

    def begun(self, job: Job) -> None:
        """Open the log of a run, and write its seed and experiment."""
        self._close(job)
        folder = self.folder_of(job)
        existed = any(folder.glob("events.out.tfevents.*"))
        log = self._logs[job.key] = Log(self._writer(str(folder)), math.inf if existed else 0)
        log.writer.add_text("seed", str(job.seed), 0)
        log.writer.add_text("experiment", indent(job.experiment.model_dump_json(indent=2), "    "), 0)  # as Markdown
        log.writer.flush()

    def epoch(self, job: Job, end: EpochEnd) -> None:
        """Write the means of an epoch."""
        log = self._logs[job.key]
        step = job.last_epochs[end.stage] - end.epochs + end.number
        if step <= log.last:
            log.writer.close()
            log.writer = self._writer(str(self.folder_of(job)), purge_step=step)
        log.last = step
        for name, value in end.epoch.numbers.items():
            log.writer.add_scalar(f"{end.stage}/{name}", value, step)

    def ended(self, job: Job, result: Result) -> None:
        """Write the metrics of the stages and the end of the run; close its log."""
        writer = self._logs[job.key].writer
        for stage in result.stages:
            for name, value in stage.metrics.items():
                writer.add_scalar(f"{stage.name}/metric/{name}", value, job.last_epochs[stage.name])
        writer.add_text("end", result.status if result.reason is None else f"{result.status}: {result.reason}", 0)
        self._close(job)

    def reused(self, job: Job, result: Result, difference: str | None) -> None:
        """Close the log of a run that another process finished."""
        self._close(job)

    def close(self) -> None:
        """Close the logs of the runs that did not end."""
        while self._logs:
            self._logs.popitem()[1].writer.close()

    def _close(self, job: Job) -> None:
        log = self._logs.pop(job.key, None)
        if log is not None:
            log.writer.close()
