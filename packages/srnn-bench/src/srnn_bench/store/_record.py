"""`Record`: a result as a store holds it, with its label and its times."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..experiment import Epoch, Result, StageResult


@dataclass(frozen=True)
class Record:
    """A result, its label, and when the run started and ended.

    Times are in seconds since 1970 (UTC), None if unknown. A run that was resumed started when it was resumed, and a
    run of a stack ended when the whole stack did; `result.seconds` is the time that was spent on it.
    """

    result: Result
    label: str = ""
    started: float | None = None
    ended: float | None = None


def same_outcome(one: Result, other: Result) -> bool:
    """Return whether two results of one run have the same numbers; histories, times, memory and place may differ."""
    return _outcome(one) == _outcome(other)


def with_histories(record: Record, other: Record) -> Record:
    """Return a record that also has those parts of the histories that only `other` has; their outcomes are the same."""
    pairs = zip(record.result.stages, other.result.stages, strict=True)
    stages = tuple(stage.model_copy(update={"history": _history(stage, twin)}) for stage, twin in pairs)
    return replace(record, result=record.result.model_copy(update={"stages": stages}))


def _outcome(result: Result) -> object:
    stages = [(stage.name, stage.metrics, stage.densities, stage.present, stage.steps) for stage in result.stages]
    return result.key, result.status, result.reason, stages


def _history(stage: StageResult, twin: StageResult) -> tuple[Epoch, ...]:
    if not stage.history or not twin.history:
        return stage.history or twin.history
    pairs = zip(stage.history, twin.history, strict=False)
    return tuple(epoch.model_copy(update={"metrics": {**other.metrics, **epoch.metrics}}) for epoch, other in pairs)
