"""Whether the parts of experiments fit together, found out before anything runs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

import torch

from .._errors import BenchError
from ..experiment import Experiment, Job
from ..training import RecurrenceEngine, assemble

MOST_SECONDS = 5.0  # what assembling experiments may take; a sweep of many large networks does not wait for the rest
MOST_EXAMPLES = 3  # experiments that a message names


def check_fit(jobs: Iterable[Job], device: torch.device, engine: str) -> None:
    """Assemble every distinct experiment of the jobs once, so that a part that does not fit stops a sweep.

    Examples are a mask on a sheet of 8 x 8 units for a network of 128, and an engine that cannot run a cell.
    Experiments that are not reached within `MOST_SECONDS` are not checked: their runs fail one by one.

    Raises:
        BenchError: For all experiments with a part that does not fit, with the field if it is a mask or a penalty.
    """
    labels: dict[int, list[str]] = {}  # by identity, as the hash of an experiment takes long
    first: dict[int, Job] = {}
    for job in jobs:
        first.setdefault(id(job.experiment), job)
        labels.setdefault(id(job.experiment), []).append(job.label)
    begin = time.perf_counter()
    reasons, runs = [], 0
    for identity, job in first.items():
        if time.perf_counter() - begin > MOST_SECONDS:
            break
        if (reason := _misfit(job.experiment, job.seed, device, engine)) is not None:
            name = job.label.rpartition(", seed ")[0] or job.label
            reasons.append(f"{name}: {_field(job, reason, device, engine)}{reason}")
            runs += len(labels[identity])
    if reasons:
        more = f"; and {len(reasons) - MOST_EXAMPLES} more experiments" if len(reasons) > MOST_EXAMPLES else ""
        total = sum(map(len, labels.values()))
        raise BenchError(f"{'; '.join(reasons[:MOST_EXAMPLES])}{more} ({runs} of {total} runs; nothing was run)")


def _misfit(experiment: Experiment, seed: int, device: torch.device, engine: str) -> str | None:
    """Return why an experiment cannot be assembled or run by an engine, or None.

    Other errors than the user's are left to the run.
    """
    try:
        RecurrenceEngine(assemble(experiment, seed, device).model, engine).check()
    except ValueError as error:  # the base class of all errors of users
        return str(error)
    except Exception:
        return None
    return None


def _field(job: Job, reason: str, device: torch.device, engine: str) -> str:
    """Return the field of the mask or penalty that alone gives the same error, such as `masks.0.pattern: `.

    Nothing is returned if the reason names a field already, or if no such part gives it.
    """
    if re.match(r"\w+\.\d+\.", reason):
        return ""
    without = job.experiment.model_copy(update={"masks": (), "penalties": ()})
    if _misfit(without, job.seed, device, engine) == reason:
        return ""
    for name, part in (("masks", "pattern"), ("penalties", "regularizer")):
        for number, each in enumerate(getattr(job.experiment, name)):
            alone = without.model_copy(update={name: (each,)})
            if _misfit(alone, job.seed, device, engine) == reason:
                return f"{name}.{number}.{part}: "
    return ""
