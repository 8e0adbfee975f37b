"""The display of a sweep: progress bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from ..experiment import EpochEnd, Job, Result
from ._watcher import Watcher

SILENCE = 30.0  # seconds after which an epoch is printed where there are no bars


class Display(Watcher):
    """A watcher that shows a sweep of `total` runs: how many are done, running and failed, and the time left.

    The time left is extrapolated from the epochs that are done; all epochs of a run, and all runs, are assumed to take
    equally long. Without a terminal, the end of each run is printed, and an epoch after half a minute of silence. The
    attributes are counts of runs and the progress bars.
    """

    def __init__(self, total: int, console: Console) -> None:
        self.total, self.console = total, console
        self.begin = self.printed = time.perf_counter()
        self.reused_count = 0
        self.statuses: Counter[str] = Counter()
        self.shares: dict[str, float] = {}  # finished share of the runs in progress, by key
        self.bars: dict[str, TaskID] = {}
        self.executed = 0  # runs that ended here
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self.all = self.progress.add_task("runs", total=total, state="")
        self.progress.start()

    def close(self) -> None:
        """Remove the bars, and print how many runs were executed and reused."""
        if not self.progress.disable:  # rich before 14 would print an empty line
            self.progress.stop()
        executed = self.statuses.total() - self.reused_count
        self.print(f"{executed} executed, {self.reused_count} reused, in {time.perf_counter() - self.begin:.0f} s")

    def print(self, text: str) -> None:
        """Print a plain line above the bars."""
        self.printed = time.perf_counter()
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Print a message."""
        self.print(text)

    def reused(self, job: Job, result: Result, difference: str | None) -> None:
        """Count a stored run; print a line if it was produced under other conditions than asked for."""
        self.reused_count += 1
        self._count(result)
        if difference:
            self.print(
                f"reused {job.label}, produced under different conditions ({difference}); pass --refresh to re-run it"
            )

    def begun(self, job: Job) -> None:
        """Show a run that begins."""
        self.shares[job.key] = 0.0
        self._state()

    def epoch(self, job: Job, end: EpochEnd) -> None:
        """Advance the bar of a run; without bars, print a line if nothing was printed for half a minute."""
        ends = job.last_epochs
        done, total = ends[end.stage] - end.epochs + end.number, max(ends.values())
        self.shares[job.key] = done / total
        if job.key not in self.bars:
            self.bars[job.key] = self.progress.add_task(job.label, total=total, state="")
        state = f"{end.stage} {end.number}/{end.epochs}, loss {end.epoch.loss:.4g}"
        self.progress.update(self.bars[job.key], completed=done, state=state)
        self._state()
        if self.progress.disable and time.perf_counter() - self.printed >= SILENCE:
            self.print(f"{job.label}: {state}; in total {self.progress.tasks[self.all].fields['state']}")

    def ended(self, job: Job, result: Result) -> None:
        """Print the end of a run: its metrics, or why there are none."""
        self.shares.pop(job.key, None)
        self.executed += 1
        if job.key in self.bars:
            self.progress.remove_task(self.bars.pop(job.key))
        self._count(result)
        stages = "; ".join(
            f"{stage.name} " + ", ".join(f"{name} {value:.4g}" for name, value in stage.metrics.items())
            for stage in result.stages
        )
        end = result.status if result.reason is None else f"{result.status}: {result.reason}"
        parts = [f"{end}, {result.seconds:.0f} s", *([stages] if stages else [])]
        self.print(f"[{self.statuses.total()}/{self.total}] {job.label}: {'; '.join(parts)}")

    def _count(self, result: Result) -> None:
        self.statuses[result.status] += 1
        self.progress.advance(self.all)
        self._state()

    def _state(self) -> None:
        """Show how many runs are in each state, and the time left."""
        parts = [f"{count} {status}" for status, count in self.statuses.items()]
        parts += [f"{len(self.shares)} running"] if self.shares else []
        executed = self.executed + sum(self.shares.values())
        left = self.total - self.statuses.total() - sum(self.shares.values())
        if executed > 0 and left > 0:
            parts.append(f"{duration(left * (time.perf_counter() - self.begin) / executed)} left")
        self.progress.update(self.all, state=", ".join(parts))


def duration(seconds: float) -> str:
    """Show a time in the two units that matter.

    >>> duration(42), duration(90), duration(5400)
    ('42 s', '1 min 30 s', '1 h 30 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"
