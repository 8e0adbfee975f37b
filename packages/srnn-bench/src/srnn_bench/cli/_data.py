"""The data of tasks: what they need, and one check that every task can be opened before anything runs."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from srnn_tasks import DataSet, Task

from .._errors import BenchError
from ..experiment import Job
from ..training import explain
from ._app import print_line

MOST_EXAMPLES = 3  # labels of runs that a message names


def data_set_of(task: Task) -> DataSet | None:
    """Return the data set that a task declares, or None; also None for a task whose declaration fails."""
    try:
        return task.data_set()
    except Exception:  # a task of a third party may raise anything; opening it will say what
        return None


def check_tasks(jobs: Iterable[Job], device: torch.device) -> None:
    """Open every distinct task of the jobs once, so that missing data stop a sweep before its first run.

    Tasks are opened on the device of the runs, one after another; those that were opened are released at once.

    Raises:
        BenchError: For all tasks that cannot be opened, with the reason and the number of runs that need them.
    """
    needed: dict[Task, list[str]] = {}
    of_experiment: dict[int, list[Task]] = {}  # by identity, as the hash of an experiment takes long
    jobs = list(jobs)
    for job in jobs:
        stages = job.experiment.stages
        tasks = of_experiment.setdefault(
            id(job.experiment), list(dict.fromkeys(stage.task or job.experiment.task for stage in stages))
        )
        for task in tasks:
            needed.setdefault(task, []).append(job.label)
    reasons: dict[str, list[str]] = {}
    for task, labels in needed.items():
        data = data_set_of(task)
        if data is not None and data.place is None and any(data.title in reason for reason in reasons):
            continue  # another task has already failed to find the same data
        if data is not None and data.place is None:
            print_line(f"{data.title} is not on this machine ({data.searched}); trying to download it.")
        try:
            task.open(device=device, generator=torch.Generator(device).manual_seed(0))
        except ValueError as error:  # errors of users, such as TaskError, say what to do
            reasons.setdefault(f"{task.kind}: {error}", []).extend(labels)
        except Exception as error:  # a task of a third party may raise anything
            reasons.setdefault(f"{task.kind}: {explain(error)}", []).extend(labels)
    if reasons:
        raise BenchError("; ".join(_reason(reason, labels, len(jobs)) for reason, labels in reasons.items()))


def _reason(reason: str, labels: list[str], total: int) -> str:
    tables = list(dict.fromkeys(label.partition(" ")[0].rstrip(",") for label in labels))
    names = ", ".join(tables[:MOST_EXAMPLES]) + (", ..." if len(tables) > MOST_EXAMPLES else "")
    return f"data: the task {reason} (needed by {len(labels)} of {total} runs, of {names}; nothing was run)"
