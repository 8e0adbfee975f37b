"""Which units take part in which tasks: the task variance of Yang et al. 2019 (appendix B of arXiv 2207.03523)."""

from __future__ import annotations

import torch
from torch import Tensor


def task_variance(activity: Tensor, task: Tensor, scored: Tensor, *, condition: Tensor | None = None) -> Tensor:
    """Return the variance of each unit in each task, float64 `(tasks, N)`, in squared units of the activity.

    At each step, the variance (divided by the number of rows, as numpy does) over the trials of a task; then the mean
    over its steps. A trial counts only at its scored steps, and a step only if two rows or more of the task are scored
    there: trials may have different lengths. What is not scored may be anything, nan too. Run the trials without noise,
    each from t = 0. Trials whose delays differ are at one step in different periods, and vary for that reason too: lay
    them out `by_period` first.

    - `activity` float `(T, B, N)`, a trial a row; `task` int64 `(B,)`, its slot; the last slot is the greatest there.
    - `scored` bool `(T, B)`: no padding, and no fixation period in the definition of Yang et al.
    - `condition` int64 `(B,)`: rows of one task with the same number are averaged first, so that a condition that came
      often does not count more; without it each row counts. A step then wants two conditions.
    """
    _check(activity, task, scored, condition)
    found = []
    for slot in range(int(task.max()) + 1):
        rows = (task == slot).nonzero()[:, 0]
        present = scored[:, rows]  # (T, R)
        values = activity[:, rows].double().masked_fill(~present[..., None], 0.0)  # (T, R, N)
        if condition is not None:
            values, present = _by_condition(values, present, condition[rows])  # (T, C, N), (T, C)
        counted = present.sum(dim=1) >= 2
        if not counted.any():
            raise ValueError(f"scored: expected a step with two scored rows of task {slot} or more, got none")
        found.append(_variance(values[counted], present[counted]).mean(dim=0))
    variance = torch.stack(found)
    if not variance.isfinite().all():
        raise ValueError(
            f"activity: expected finite numbers where scored, got others in {(~variance.isfinite()).any(0).sum()} units"
        )
    return variance


def by_period(activity: Tensor, period: Tensor, elapsed: Tensor, scored: Tensor) -> tuple[Tensor, Tensor]:
    """Lay trials out so that steps as long after the beginning of the same period are one step, whatever went before.

    Without it a unit that follows the fixation cue alone would vary in every task with a drawn delay. A row holds one
    trial. Periods `(T, B)` are numbers from 0, `elapsed` `(T, B)` steps since they began. The last steps of a drawn
    delay rest on few trials. Return `activity (T', B, N)` and `scored (T', B)`, False where a trial has no such step;
    T' is T times the number of periods.
    """
    steps, rows, units = activity.shape
    if bool(((elapsed < 0) | (elapsed >= steps)).any()):
        raise ValueError(f"elapsed: expected 0 to {steps - 1} steps, got {int(elapsed.min())} to {int(elapsed.max())}")
    place = period * steps + elapsed  # (T, B)
    laid = activity.new_zeros(steps * (int(period.max()) + 1), rows, units)
    laid.scatter_(0, place[..., None].expand_as(activity), activity)
    there = torch.zeros(laid.shape[:2], dtype=torch.bool, device=scored.device).scatter_(0, place, scored)
    if there.sum() != scored.sum():
        raise ValueError("scored: expected one trial a row, got a row in which a step of a period comes again")
    return laid, there


def kept(variance: Tensor, threshold: float = 1e-3) -> Tensor:
    """Return which units take part in any task, bool `(N,)`: the sum of `variance (tasks, N)` over tasks is above.

    The threshold, by default that of Yang et al., is in squared units of the activity.
    """
    return variance.sum(dim=0) > threshold


def normalised(variance: Tensor) -> Tensor:
    """Return the task variances of each unit divided by its greatest, a unit a row: `(tasks, N)` to `(N, tasks)`."""
    greatest = variance.amax(dim=0)
    silent = int((greatest <= 0).sum())
    if silent:
        raise ValueError(f"variance: expected units that vary in some task (see `kept`), got {silent} that never do")
    return (variance / greatest).T


def _variance(values: Tensor, present: Tensor) -> Tensor:
    """Return the variance over the rows that are present, `(T, R, N)` and `(T, R)` to `(T, N)`."""
    count = present.sum(dim=1)[:, None]  # (T, 1)
    gaps = values - (values.sum(dim=1) / count)[:, None]  # (T, R, N)
    return gaps.square_().masked_fill_(~present[..., None], 0.0).sum(dim=1) / count


def _by_condition(values: Tensor, present: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
    """Average the present rows of each condition, `(T, R, N)` to `(T, C, N)`; values are 0 where not present."""
    numbers, place = torch.unique(condition, return_inverse=True)
    steps, _, units = values.shape
    sums = values.new_zeros(steps, len(numbers), units).index_add_(1, place, values)
    counts = values.new_zeros(steps, len(numbers)).index_add_(1, place, present.double())
    return sums / counts.clamp_min(1)[..., None], counts > 0


def _check(activity: Tensor, task: Tensor, scored: Tensor, condition: Tensor | None) -> None:
    if activity.ndim != 3 or activity.shape[1] == 0:
        raise ValueError(f"activity: expected shape (T, B, N) with trials, got {tuple(activity.shape)}")
    steps, batch = activity.shape[:2]
    if scored.shape != (steps, batch) or scored.dtype != torch.bool:
        raise ValueError(f"scored: expected bool ({steps}, {batch}), got {scored.dtype} {tuple(scored.shape)}")
    for name, held in {"task": task, "condition": task if condition is None else condition}.items():
        if held.shape != (batch,) or held.is_floating_point():
            raise ValueError(f"{name}: expected integers ({batch},), got {held.dtype} {tuple(held.shape)}")
    if task.min() < 0:
        raise ValueError(f"task: expected slots from 0, got {int(task.min())}")
