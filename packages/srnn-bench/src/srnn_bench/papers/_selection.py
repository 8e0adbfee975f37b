"""What a report shows of a store: the tables and the experiments that its sweeps were asked for, or those named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .._errors import BenchError
from ..experiment import Experiment, Request, RequestedTable
from ..store import PublishedRuns, Store
from ..tables import SCALES, Cell, OwnExperiment, Summary, Table, override_table, summarise
from ._discovery import known_scale, table, table_names
from ._own_experiments import own_experiments

Columns = dict[str, Any]

Candidate = tuple[Table, Mapping[str, Any]]


@dataclass(frozen=True)
class SelectedTable:
    """A table with its results; `grid` is the value of each path of the grid that it is a point of."""

    summary: Summary
    grid: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Selection:
    """Tables and experiments of one's own that have results, in the order in which they were requested first.

    `notes` say what was requested and cannot be shown, such as a table of a paper that is no longer installed, or one
    whose results another version of the task has produced.
    """

    tables: tuple[SelectedTable, ...]
    own: tuple[OwnExperiment, ...]
    notes: tuple[str, ...] = ()

    @property
    def summaries(self) -> list[Summary]:
        """The tables with their results."""
        return [selected.summary for selected in self.tables]

    def places(self) -> dict[tuple[str, str | None], list[Columns]]:
        """Return where each stage of a run is shown, by key and name of the stage; None stands for the whole run.

        A place has `table`, `scale`, `set` (the settings), `row` and `column`, or the `label` of an experiment of one's
        own, and `grid.<path>` for each path of a grid. A stage that several cells show has several places. One that no
        cell shows, and the run as a whole, has the place of its table, without row and column.
        """
        places: dict[tuple[str, str | None], list[Columns]] = {}
        for selected in self.tables:
            shown = selected.summary.table
            columns: Columns = {"table": shown.name, "scale": shown.scale, "set": ", ".join(shown.settings) or None}
            columns |= _grid_columns(selected.grid)
            cells_of: dict[Experiment, list[Cell]] = {}
            for cell in shown.cells:
                cells_of.setdefault(cell.experiment, []).append(cell)
            for result in selected.summary.results:
                cells = cells_of.get(result.experiment, [])
                for stage in (None, *(stage.name for stage in result.stages)):
                    of_stage = [{"row": cell.row, "column": cell.column} for cell in cells if cell.stage == stage]
                    places.setdefault((result.key, stage), []).extend(columns | each for each in of_stage or [{}])
        for own in self.own:
            for result in own.found:
                for stage in (None, *(stage.name for stage in result.stages)):
                    place = {"label": own.name, **_grid_columns(own.grid)}
                    places.setdefault((result.key, stage), []).append(place)
        return places


def select(
    store: Store, names: Sequence[str] = (), *, scale: str | None = None, settings: Sequence[str] = ()
) -> Selection:
    """Return what a report on a store shows.

    Without `names`: the tables and the experiments that sweeps were asked for. A store without any requests, as an
    earlier version left it, gives the tables all of whose runs it has. With requests, other tables are shown only if
    they are complete and stored runs are labelled with them. Published runs count as requested for the tables for which
    they were published, and without `settings` other tables are shown that are complete and can be read. Stored runs
    that belong to none of these, nor to a table by their label, are shown as experiments of one's own.

    With `names`: tables by full name, and experiments of one's own by name, with or without `.json`. A table is shown
    as it is and with the settings and grids that it was requested with.

    `scale` limits tables to one scale; without `names` it leaves out experiments of one's own. With `settings`, tables
    have these instead of those of the requests.

    Raises:
        BenchError: For a name or scale that does not exist, settings that do not fit, damaged results, or a named table
            whose results do not contain what its cells read.
    """
    notes: list[str] = []
    requests = store.requests(notes.append)
    tables = [name for name in names if _is_table(name)]
    experiments = [Path(name).stem if name.endswith(".json") else name for name in names if not _is_table(name)]
    candidates: list[Candidate] = []
    if tables:
        candidates = _named(tables, scale, settings, requests)
    elif not names:
        candidates = list(_requested(store, scale, settings, requests, notes))
    shown = []
    for each, grid in candidates:
        try:
            summary = summarise(each, store)
        except BenchError as error:
            if names or settings:
                raise
            notes.append(_cannot_be_shown(each.name, each.scale, error))
        else:
            shown += [SelectedTable(summary, grid)] if summary.results else []
    own: list[OwnExperiment] = []
    if experiments or (not names and scale is None):
        in_tables = {result.key for selected in shown for result in selected.summary.results}
        known = [each for each in own_experiments(store, requests, in_tables) if each.found]
        own = _of_names(known, experiments) if names else known
    return Selection(tuple(shown), tuple(own), tuple(notes))


def _is_table(name: str) -> bool:
    return "/" in name and not name.endswith(".json")


def _scales(scale: str | None) -> tuple[str, ...]:
    return SCALES if scale is None else (known_scale(scale),)


def _named(
    names: Sequence[str], scale: str | None, settings: Sequence[str], requests: Sequence[Request]
) -> list[Candidate]:
    """Return tables by name, at one scale or all: with the settings, or without and as they were requested."""
    candidates: list[Candidate] = []
    for name in dict.fromkeys(names):
        for each in _scales(scale):
            plain = table(name, each)
            candidates.append((override_table(plain, settings), {}))
            if not settings:
                same = [request for request in _tables(requests) if (request.name, request.scale) == (name, each)]
                candidates += [_candidate(request) for request in same if request.all_settings]
    return candidates


def _requested(
    store: Store, scale: str | None, settings: Sequence[str], requests: Sequence[Request], notes: list[str]
) -> Iterator[Candidate]:
    """Yield the requested tables, and complete ones that were not requested, as `select` describes."""
    scales = _scales(scale)
    names: dict[str, None] = {}
    requested: dict[tuple[str, str], None] = {}
    for request in _tables(requests):
        names[request.name] = None
        if request.scale not in scales:
            continue
        try:
            if not settings:
                yield _candidate(request)
            elif (request.name, request.scale) not in requested:
                yield override_table(table(request.name, request.scale), settings), {}
            requested[request.name, request.scale] = None
        except BenchError as error:
            if settings:
                raise
            notes.append(_cannot_be_shown(request.name, request.scale, error))
    if isinstance(store, PublishedRuns) and not settings:
        yield from _complete(store, scales)
        return
    stored = store.keys()
    for plain in _buildable(_other_names(store, names, bool(requests)), scales):
        found = override_table(plain, settings)
        if all(job.key in stored for job in found.jobs()):
            yield found, {}


def _buildable(names: Sequence[str], scales: Sequence[str]) -> Iterator[Table]:
    """Yield tables by name at the scales, without those that cannot be built."""
    for name, scale in ((name, scale) for name in names for scale in scales):
        try:
            yield table(name, scale)
        except Exception:  # a table of a third party may raise anything; `srnn list` shows it
            continue


def _complete(store: PublishedRuns, scales: Sequence[str]) -> Iterator[Candidate]:
    """Yield the tables that were not published under their own name, but of which all runs were and can be read."""
    stored, published = store.keys(), {scale for _, scale in store.tables}
    for found in _buildable(table_names(), [scale for scale in scales if scale in published]):
        if (found.name, found.scale) in store.tables or not all(job.key in stored for job in found.jobs()):
            continue
        try:
            summarise(found, store)
        except BenchError:  # learning curves that it reads were not published
            continue
        yield found, {}


def _other_names(store: Store, requested: Mapping[str, None], has_requests: bool) -> Sequence[str]:
    """Return the names of tables that the store may contain without a request."""
    labels = {label.partition(" ")[0] for label in store.labels().values()}
    if not has_requests:
        return table_names() if any("/" in label or not label for label in labels) else ()
    others = {label for label in labels - requested.keys() if "/" in label}
    return [name for name in table_names() if name in others] if others else ()


def _tables(requests: Sequence[Request]) -> list[RequestedTable]:
    return [request for request in requests if isinstance(request, RequestedTable)]


def _candidate(request: RequestedTable) -> Candidate:
    return override_table(table(request.name, request.scale), request.all_settings), request.grid


def _cannot_be_shown(name: str, scale: str, error: BenchError) -> str:
    return f"{name} at scale {scale} cannot be shown: {error}"


def _of_names(known: Sequence[OwnExperiment], names: Sequence[str]) -> list[OwnExperiment]:
    """Return the experiments with one of the names, and those with its changes (`mine, hidden=16`)."""
    found = {name: [own for own in known if own.name == name or own.name.startswith(f"{name}, ")] for name in names}
    for name, matches in found.items():
        if not matches:
            listed = ", ".join(own.name for own in known) or "it has none"
            raise BenchError(
                f"expected a table such as moduli/table1 or an experiment of the store ({listed}), got {name!r}"
            )
    wanted = [own for matches in found.values() for own in matches]
    return [own for own in known if any(own is each for each in wanted)]


def _grid_columns(grid: Mapping[str, Any]) -> Columns:
    return {f"grid.{path}": value for path, value in grid.items()}
