"""The runs that a command asks for: tables and experiment files, each at every point of a grid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .. import papers
from .._errors import BenchError
from ..experiment import (
    Experiment,
    GridPoint,
    Job,
    Request,
    RequestedExperiment,
    RequestedTable,
    grid_points,
    override,
)
from ..tables import Table, override_table
from ._arguments import is_file_name, read_experiment


def requested_runs(
    targets: Iterable[str],
    scale: str,
    settings: Sequence[str] | None,
    grid: Sequence[str] | None,
    seeds: tuple[int, ...] | None,
) -> tuple[list[Request], list[Job]]:
    """Return what a store records of a command, and its runs.

    An experiment file without `seeds` has seed 0, a table its own seeds. The label of a run names the point of the
    grid.

    Raises:
        BenchError: For a target that does not exist, an invalid path or value, or two points of the grid that give the
            same experiments.
    """
    requests: list[Request] = []
    jobs: list[Job] = []
    for target in targets:
        if is_file_name(target):
            for own in _of_file(Path(target), settings or (), grid or (), seeds or (0,)):
                requests.append(own)
                name = ", ".join(part for part in (own.name, own.changes) if part)
                jobs += [Job(own.experiment, seed, f"{name}, seed {seed}") for seed in own.seeds]
        else:
            for request, table in _of_table(papers.table(target, scale), settings or (), grid or (), seeds):
                requests.append(request)
                jobs += table.jobs(seeds)
    return requests, jobs


def _of_file(
    path: Path, settings: Sequence[str], grid: Sequence[str], seeds: tuple[int, ...]
) -> list[RequestedExperiment]:
    experiment = read_experiment(path)
    points: dict[Experiment, str] = {}
    requests = []
    for point in grid_points(grid):
        with _errors_of(point):
            changed = override(experiment, [*settings, *point.settings])
        _check_new(points.setdefault(changed, str(point)), str(point), path.name)
        requests.append(
            RequestedExperiment(
                name=path.stem, seeds=seeds, settings=tuple(settings), grid=point.values, experiment=changed
            )
        )
    return requests


def _of_table(
    table: Table, settings: Sequence[str], grid: Sequence[str], seeds: tuple[int, ...] | None
) -> list[tuple[RequestedTable, Table]]:
    points: dict[tuple[Experiment, ...], str] = {}
    requests = []
    for point in grid_points(grid):
        with _errors_of(point):
            changed = override_table(table, [*settings, *point.settings])
        _check_new(
            points.setdefault(tuple(cell.experiment for cell in changed.cells), str(point)), str(point), table.name
        )
        request = RequestedTable(
            name=table.name,
            scale=table.scale,
            seeds=table.seeds if seeds is None else seeds,
            settings=tuple(settings),
            grid=point.values,
        )
        requests.append((request, changed))
    return requests


@contextmanager
def _errors_of(point: GridPoint) -> Iterator[None]:
    """Let an error of `--set` that names a path of the grid begin with `grid: `."""
    try:
        yield
    except BenchError as error:
        message = str(error)
        if message.startswith("set: ") and any(path in message for path in point.values):
            raise BenchError(f"grid: {message.removeprefix('set: ')}") from error
        raise


def _check_new(first: str, point: str, name: str) -> None:
    """Raise BenchError if an earlier point of the grid gave the same experiments."""
    if first != point:
        raise BenchError(f"grid: {first} and {point} give the same experiments of {name}")
