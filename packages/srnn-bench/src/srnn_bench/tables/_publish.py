"""Publish the runs of a table: the file of JSON lines that holds every value behind its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..experiment import Epoch, Result, StageResult
from ..store import Record, Store, write_lines
from ._study import Study
from ._summary import Summary, summarise
from ._table import Table


def publish(table: Table, store: Store, folder: str | Path) -> tuple[Path, Summary]:
    """Write the runs of a table to its file in a folder (`published_path`); return the path and the table, filled.

    One line per run that ended, also of seeds outside the plan, in the order of the cells of the table and of the
    seeds. Of the history of a stage only the learning curves are kept that belong to a reading of the table
    (`Reading.course`), and nothing of a stage that was not evaluated while it trained, unless a reading needs its
    training losses (`Reading.reads_losses`).

    Raises:
        BenchError: If a result does not contain what a cell reads.
        DiskError: If the file cannot be written.
    """
    summary = summarise(table, store)
    return write_lines(published_path(table, folder), table.name, table.scale, _records(summary, store)), summary


def published_path(table: Table, folder: str | Path) -> Path:
    """Return `<folder>/<paper>-<table>-<scale>.jsonl`; with `.gz` for a study, which has hundreds of runs."""
    ending = "jsonl.gz" if isinstance(table, Study) else "jsonl"
    return Path(folder) / f"{table.name.replace('/', '-')}-{table.scale}.{ending}"


def _records(summary: Summary, store: Store) -> Iterator[Record]:
    courses = _courses(summary)
    losses = {cell.stage for cell in summary.table.cells if cell.reading.reads_losses}
    results = summary.every_result
    seeds = sorted({result.seed for result in results})
    labels = {job.key: job.label for job in summary.table.jobs(seeds)}
    experiments = dict.fromkeys(cell.experiment for cell in summary.table.cells)
    places = {experiment: place for place, experiment in enumerate(experiments)}
    for result in sorted(results, key=lambda result: (places[result.experiment], result.seed)):
        record = store.record(result.key)
        if record is not None:
            yield replace(record, label=labels[result.key], result=_shortened(record.result, courses, losses))


def _courses(summary: Summary) -> dict[str, set[str]]:
    """Return the metrics whose learning curves belong to a reading, by the name of the stage that is read."""
    courses: dict[str, set[str]] = {}
    for cell in summary.table.cells:
        if cell.reading.course is not None:
            courses.setdefault(cell.stage, set()).add(cell.reading.course)
    return courses


def _shortened(result: Result, courses: dict[str, set[str]], losses: set[str]) -> Result:
    """Return the result with the parts of its history that readings need, by the names of the stages."""
    stages = (
        stage.model_copy(
            update={"history": _history(stage, courses.get(stage.name, set()), losses=stage.name in losses)}
        )
        for stage in result.stages
    )
    return result.model_copy(update={"stages": tuple(stages)})


def _history(stage: StageResult, metrics: set[str], *, losses: bool) -> tuple[Epoch, ...]:
    """Return the history with these metrics only; nothing if no epoch has one of them and losses are not needed."""
    if not losses and not any(metrics & set(epoch.metrics) for epoch in stage.history):
        return ()
    return tuple(
        epoch.model_copy(update={"metrics": {name: epoch.metrics[name] for name in epoch.metrics if name in metrics}})
        for epoch in stage.history
    )
