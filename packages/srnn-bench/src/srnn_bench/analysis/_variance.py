"""Which units take part in which tasks: the task variance of Yang et al. 2019 (appendix B of arXiv 2207.03523)."""

from __future__ import annotations

import torch
from torch import Tensor

from .._errors import BenchError

THRESHOLD = 1e-3  # of Yang et al., in squared units of the activity


def task_variance(activity: Tensor, task: Tensor, scored: Tensor) -> Tensor:
    """Return the variance of each unit in each task, float64 `(tasks, N)`, in squared units of the activity.

    At each step, the variance (divided by the number of rows, as in numpy) over the trials of a task; then the mean
    over its steps. A trial counts at its scored steps only, and a step only if at least two rows of the task are scored
    there, so trials may have different lengths. Steps that are not scored may have any value, NaN too. Trials should be
    run without noise, each from t = 0. Trials with different delays are in different periods at the same step, and vary
    for that reason too: `align_periods` first.

    - `activity` float `(T, B, N)`, one trial per row; `task` int64 `(B,)`, its slot, from 0 to the number of tasks - 1.
    - `scored` bool `(T, B)`: without padding and, as Yang et al. define it, without the fixation period.
    """
    _check(activity, task, scored)
    variances = []
    for slot in range(int(task.max()) + 1):
        rows = (task == slot).nonzero()[:, 0]
        present = scored[:, rows]  # (T, R)
        values = activity[:, rows].double().masked_fill(~present[..., None], 0.0)  # (T, R, N)
        counted = present.sum(dim=1) >= 2
        if not counted.any():
            raise BenchError(f"scored: expected a step with two or more scored rows of task {slot}, got none")
        variances.append(_variance(values[counted], present[counted]).mean(dim=0))
    variance = torch.stack(variances)
    if not variance.isfinite().all():
        units = (~variance.isfinite()).any(0).sum()
        raise BenchError(f"activity: expected finite numbers at scored steps, got others in {units} units")
    return variance


def align_periods(activity: Tensor, period: Tensor, elapsed: Tensor, scored: Tensor) -> tuple[Tensor, Tensor]:
    """Align trials so that equal times since the beginning of the same period are one step.

    Otherwise a unit that follows the fixation cue alone would vary in every task with a random delay. A row holds one
    trial. Periods `(T, B)` are numbers from 0, `elapsed` `(T, B)` steps since their beginning. The last steps of a
    random delay are present in few trials.

    Returns `activity (T', B, N)` and `scored (T', B)`, False where a trial has no such step; T' is T times the number
    of periods.
    """
    steps, rows, units = activity.shape
    if bool(((elapsed < 0) | (elapsed >= steps)).any()):
        raise BenchError(f"elapsed: expected 0 to {steps - 1} steps, got {int(elapsed.min())} to {int(elapsed.max())}")
    step = period * steps + elapsed  # (T, B)
    aligned = activity.new_zeros(steps * (int(period.max()) + 1), rows, units)
    aligned.scatter_(0, step[..., None].expand_as(activity), activity)
    present = torch.zeros(aligned.shape[:2], dtype=torch.bool, device=scored.device).scatter_(0, step, scored)
    if present.sum() != scored.sum():
        raise BenchError("scored: expected one trial per row, got a row in which a step of a period occurs twice")
    return aligned, present


def active_units(variance: Tensor) -> Tensor:
    """Return which units take part in any task, bool `(N,)`: the sum of `variance (tasks, N)` is above `THRESHOLD`."""
    return variance.sum(dim=0) > THRESHOLD


def normalised(variance: Tensor) -> Tensor:
    """Return the task variances of each unit divided by the greatest of them, `(tasks, N)` to `(N, tasks)`."""
    greatest = variance.amax(dim=0)
    silent = int((greatest <= 0).sum())
    if silent:
        raise BenchError(f"variance: expected units that vary in some task (`active_units`), got {silent} that do not")
    return (variance / greatest).T


def _variance(values: Tensor, present: Tensor) -> Tensor:
    """Return the variance over the present rows, `(T, R, N)` and `(T, R)` to `(T, N)`."""
    count = present.sum(dim=1)[:, None]  # (T, 1)
    gaps = values - (values.sum(dim=1) / count)[:, None]  # (T, R, N)
    return gaps.square_().masked_fill_(~present[..., None], 0.0).sum(dim=1) / count


def _check(activity: Tensor, task: Tensor, scored: Tensor) -> None:
    if activity.ndim != 3 or activity.shape[1] == 0:
        raise BenchError(f"activity: expected shape (T, B, N) with trials, got {tuple(activity.shape)}")
    steps, batch = activity.shape[:2]
    if scored.shape != (steps, batch) or scored.dtype != torch.bool:
        raise BenchError(f"scored: expected bool ({steps}, {batch}), got {scored.dtype} {tuple(scored.shape)}")
    if task.shape != (batch,) or task.is_floating_point():
        raise BenchError(f"task: expected integers ({batch},), got {task.dtype} {tuple(task.shape)}")
    if task.min() < 0:
        raise BenchError(f"task: expected slots from 0, got {int(task.min())}")
