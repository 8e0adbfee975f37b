"""A table filled with the results of a store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from .._errors import BenchError
from ..experiment import Experiment, Result, packages_of, versions_differ
from ..store import Store
from ._cell import Place
from ._filled import FilledCell
from ._table import Table


@dataclass(frozen=True)
class Summary:
    """A table and its cells, filled with the results of a store.

    Attributes:
        cells: The cells with the results of the planned seeds; without a plan, of all seeds that were run.
        outside: The cells with the results of seeds outside the plan, which are shown but not judged.
        siblings: The other tables of the family, whose claims are corrected together with those of this one.
        readings: The readings of the same published table by name, this one included, and whether each has results: a
            run of every cell of some claim.
        unread: Error by name of the siblings whose results do not contain what their cells read. They are among the
            siblings, without results.
        broken: Tables of the same paper that cannot be built, each as "name (error)". If they belong to the family,
            `family_size` is too small.
    """

    table: Table
    cells: dict[Place, FilledCell]
    outside: dict[Place, FilledCell] = field(default_factory=dict)
    siblings: tuple[Summary, ...] = ()
    readings: dict[str, bool] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    broken: tuple[str, ...] = ()

    @cached_property
    def judged(self) -> dict[Place, FilledCell]:
        """The cells with the results that claims are judged by: those of the seeds of the table."""
        seeds = self.table.seeds
        return {
            place: FilledCell(each.cell, {seed: each.results.get(seed) for seed in seeds})
            for place, each in self.cells.items()
        }

    @cached_property
    def every_seed(self) -> dict[Place, FilledCell]:
        """The cells with the results of all seeds, also of those outside the plan."""
        return {
            place: FilledCell(cell.cell, cell.results | self.outside[place].results) if place in self.outside else cell
            for place, cell in self.cells.items()
        }

    @property
    def family_size(self) -> int:
        """Number of claims of the family of the table, which are corrected together."""
        return sum(len(each.table.claims) for each in (self, *self.siblings))

    @property
    def results(self) -> list[Result]:
        """All results of the cells, each once."""
        return _distinct(self.cells.values())

    @property
    def every_result(self) -> list[Result]:
        """The results of the cells, and those of seeds outside the plan."""
        return _distinct(self.every_seed.values())

    @property
    def done(self) -> int:
        """Number of runs that ended without failing."""
        return sum(result.status != "failed" for result in self.results)

    @property
    def wanted(self) -> int:
        """Number of runs requested: those that fill the table."""
        return len({(cell.cell.experiment, seed) for cell in self.cells.values() for seed in cell.results})

    @cached_property
    def remarks(self) -> Sequence[str]:
        """The remarks of the table, then those of the readings of its cells."""
        cells = self.cells.values()
        of_readings = (cell.cell.reading.remarks(cell.cell.name, cell.stages.values()) for cell in cells)
        return (*self.table.remarks(self.cells), *(remark for remarks in of_readings for remark in remarks))

    @cached_property
    def stale(self) -> dict[str, str]:
        """Difference of package versions by key of the results that other versions produced."""
        differences = {
            result.key: versions_differ(result.environment.packages, packages_of(result.experiment.task.kind))
            for result in self.results
        }
        return {key: difference for key, difference in differences.items() if difference}

    def stale_text(self, places: Iterable[Place]) -> str:
        """Return how many of the judged runs of some cells are stale, as the end of a sentence; empty if none is."""
        stale = sum(result.key in self.stale for result in _distinct(self.judged[place] for place in places))
        return f"; other package versions produced {stale} of the runs" if stale else ""


def _distinct(cells: Iterable[FilledCell]) -> list[Result]:
    results = (result for cell in cells for result in cell.results.values() if result is not None)
    return list({result.key: result for result in results}.values())


def summarise(table: Table, store: Store) -> Summary:
    """Collect the results of a table from a store, for the seeds of the table and any other seed that was run.

    The other tables of its family are collected with it if it has claims. Siblings whose results do not contain what
    their cells read are collected without results.

    Raises:
        BenchError: If a result does not contain what a cell of the table reads.
    """
    summary = _filled(table, store)
    if not table.claims:
        return summary
    relatives = table.relatives()
    siblings, unread = [], {}
    for sibling in relatives.siblings:
        try:
            siblings.append(_filled(sibling, store))
        except BenchError as error:
            siblings.append(without_results(sibling))
            unread[sibling.name] = str(error)
    readings = {each.name: _has_results(each, store) for each in (table, *relatives.readings)}
    return replace(summary, siblings=tuple(siblings), readings=readings, unread=unread, broken=relatives.broken)


def without_results(table: Table) -> Summary:
    """Return a table as from a store without runs, and without its family."""
    return Summary(table, {cell.place: FilledCell(cell, dict.fromkeys(table.seeds)) for cell in table.cells})


def _filled(table: Table, store: Store) -> Summary:
    stored = store.keys()
    seeds = (*table.seeds, *sorted(set(stored.values()) - set(table.seeds)))
    results: dict[Experiment, dict[int, Result | None]] = {}
    for experiment in {cell.experiment for cell in table.cells}:
        results[experiment] = {
            seed: store.get(key) if key in stored else None
            for seed, key in experiment.keys(seeds).items()
            if key in stored or seed in table.seeds
        }
    cells = {cell.place: FilledCell(cell, results[cell.experiment]) for cell in table.cells}
    for cell in cells.values():
        cell.check()
    if table.plan.exploratory:
        return Summary(table, cells)
    planned = set(table.seeds)
    inside = {place: cell.only(lambda seed: seed in planned) for place, cell in cells.items()}
    outside = {place: cell.only(lambda seed: seed not in planned) for place, cell in cells.items()}
    return Summary(table, inside, {place: cell for place, cell in outside.items() if cell.results})


def _has_results(table: Table, store: Store) -> bool:
    """Return whether the store has a run of every cell of some claim; other readings share some of the runs."""
    stored, experiments = store.keys(), {cell.place: cell.experiment for cell in table.cells}
    return any(
        all(experiments[place].key(seed) in stored for place in table.places_of(claim))
        for claim in table.claims
        for seed in table.seeds
    )
