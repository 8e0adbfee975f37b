"""What a sweep shows: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from ._result import Result
from ._sweep import Job


class Display:
    """A watcher of a sweep of `total` runs."""

    def __init__(self, total: int, console: Console) -> None:
        self.total, self.console = total, console
        self.begin = time.perf_counter()
        self.reused_count = 0
        self.statuses: Counter[str] = Counter()
        self.bars: dict[str, TaskID] = {}
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self.all = self.progress.add_task("runs", total=total)

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()
        made = self.statuses.total() - self.reused_count
        self.print(f"{made} made, {self.reused_count} reused, in {time.perf_counter() - self.begin:.0f} s")

    def print(self, text: str) -> None:
        """Print a plain line above the bars."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def reused(self, job: Job, result: Result, difference: str | None) -> None:
        """Count a run that the store holds; say so when it was made in another way than asked for."""
        self.reused_count += 1
        self.statuses[result.status] += 1
        self.progress.advance(self.all)
        if difference:
            self.print(f"reused {job.label}, made otherwise ({difference}); --refresh makes it again")

    def epoch(self, job: Job, stage: str, epoch: int, epochs: int) -> None:
        """Move the bar of a stage."""
        name = f"{job.label}: {stage}"
        if name not in self.bars:
            self.bars[name] = self.progress.add_task(name, total=epochs)
        self.progress.update(self.bars[name], completed=epoch, visible=epoch < epochs)

    def ended(self, job: Job, result: Result) -> None:
        """Print the end of a run: its metrics, or why it has none."""
        self.statuses[result.status] += 1
        self.progress.advance(self.all)
        stages = "; ".join(
            f"{stage.name} " + ", ".join(f"{name} {value:.4g}" for name, value in stage.metrics.items())
            for stage in result.stages
        )
        end = result.status if result.reason is None else f"{result.status}: {result.reason}"
        self.print(f"[{self.statuses.total()}/{self.total}] {job.label}: {end}, {result.seconds:.0f} s; {stages}")
