"""A tracker that writes TensorBoard logs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

from ..experiment import EpochEnd, Job, Result
from ._watcher import Watcher

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


@dataclass
class Log:
    """The open log of a run, and the last step that it tells of: inf where it held something before it was opened."""

    writer: SummaryWriter
    last: float


class TensorBoard(Watcher):
    """Writes a log folder a run, `tensorboard/<label>-<key>` in the folder of the results.

    Scalars `<stage>/loss`, `<stage>/penalty` and `<stage>/density` of each epoch, `<stage>/metric/<name>` at the end;
    their step counts epochs from 1 and runs on from stage to stage. The experiment is a text. A run that goes on from
    a checkpoint, or begins anew, writes to the same folder; what was told there of later epochs is no longer shown.
    """

    def __init__(self, results: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ValueError(
                f"track: tensorboard needs a package ({error}); install it with pip install 'srnn-bench[tensorboard]'"
            ) from error
        self.folder = results / "tensorboard"
        self._writer: Callable[..., SummaryWriter] = SummaryWriter
        self._logs: dict[str, Log] = {}  # by the key of the run

    def folder_of(self, job: Job) -> Path:
        """Return the log folder of a run."""
        label = re.sub(r"[^A-Za-z0-9_.]+", "-", job.label).strip("-.")[:100]
        return self.folder / f"{label or 'run'}-{job.key[:8]}"

    def begun(self, job: Job) -> None:
        """Open the log of a run and write its experiment."""
        self._close(job)
        folder = self.folder_of(job)
        held = any(folder.glob("events.out.tfevents.*"))
        log = self._logs[job.key] = Log(self._writer(str(folder)), math.inf if held else 0)
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
        """Write the metrics of the stages and how the run ended; close its log."""
        writer = self._logs[job.key].writer
        for stage in result.stages:
            for name, value in stage.metrics.items():
                writer.add_scalar(f"{stage.name}/metric/{name}", value, job.last_epochs[stage.name])
        writer.add_text("end", result.status if result.reason is None else f"{result.status}: {result.reason}", 0)
        self._close(job)

    def reused(self, job: Job, result: Result, difference: str | None) -> None:
        """Close the log of a run that another process ended."""
        self._close(job)

    def close(self) -> None:
        """Close the logs of the runs that did not end."""
        while self._logs:
            self._logs.popitem()[1].writer.close()

    def _close(self, job: Job) -> None:
        log = self._logs.pop(job.key, None)
        if log is not None:
            log.writer.close()
