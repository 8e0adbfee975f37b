"""A table of a paper at one scale: its cells, seeds and claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .._errors import BenchError
from ..experiment import Experiment, Job
from ._cell import Cell, Place, Scale
from ._claim import BaseClaim, Claim
from ._column_claim import AcrossColumns
from ._filled import FilledCell
from ._plan import Plan

Remarks = Callable[[Mapping[Place, FilledCell]], Sequence[str]]


def no_remarks(cells: Mapping[Place, FilledCell]) -> Sequence[str]:
    """Return no remarks."""
    return ()


@dataclass(frozen=True)
class Relatives:
    """Other tables that matter for the verdicts on a table, at the same scale.

    Attributes:
        siblings: The other tables of its family, whose claims are corrected together with its own.
        readings: The other readings of the same published table, such as `moduli/table1-hh`.
        broken: Tables of the same paper that cannot be built, each as "name (error)". Whether they belong to the family
            is unknown.
    """

    siblings: tuple[Table, ...] = ()
    readings: tuple[Table, ...] = ()
    broken: tuple[str, ...] = ()


def no_relatives() -> Relatives:
    """Return no relatives."""
    return Relatives()


@dataclass(frozen=True)
class Table:
    """A table at one scale.

    The fields are the parts of a printed table: what it is called and where it comes from (`name`, `scale`, `title`,
    `source`), the number in its cells (`metric`, `unit`, `better`), and its contents (`seeds`, `cells`, `claims`).

    `settings` are those that changed its experiments (`override_table`); the labels of its runs name them.

    `family` names the published table or figure whose claims are corrected together for their number; tables with the
    same family belong to the same one. The default is the name of the table, which is then alone in its family.
    `plan` is what was fixed before the runs. `relatives` finds the tables of its family; `Paper.table` sets it.

    `remarks` returns sentences computed from the filled cells, e.g. whether a rule of the protocol is met; reports
    print them below the table. The names of `claims` are unique within a table.

    Raises:
        BenchError: If two claims have the same name, a claim refers to a cell that does not exist, a cell could never
            be read, or the plan has other seeds than the table.
    """

    name: str
    scale: Scale
    title: str
    source: str
    metric: str
    unit: str
    better: Literal["lower", "higher"]
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    remarks: Remarks = no_remarks
    claims: tuple[BaseClaim, ...] = ()
    settings: tuple[str, ...] = ()
    family: str = ""
    plan: Plan = field(default_factory=Plan)
    relatives: Callable[[], Relatives] = field(default=no_relatives, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "family", self.family or self.name)
        if not self.plan.exploratory and self.plan.seeds != self.seeds:
            raise BenchError(
                f"table {self.name!r}: expected the seeds of its plan, {self.plan.seeds}, got {self.seeds}"
            )
        for cell in self.cells:
            self._check_reading(cell)
        names: set[str] = set()
        for claim in self.claims:
            if claim.name in names:
                raise BenchError(f"table {self.name!r}: expected claims with unique names, got {claim.name!r} twice")
            names.add(claim.name)
            self._check_claim(claim)

    def places_of(self, claim: BaseClaim) -> tuple[Place, ...]:
        """Return row and column of the cells that a claim uses, each once.

        Raises BenchError for a kind of claim that this kind of table cannot have.
        """
        if not isinstance(claim, Claim | AcrossColumns):
            kind = type(claim).__name__
            raise BenchError(
                f"claim {claim.name!r} of table {self.name!r}: expected a Claim or AcrossColumns, got a {kind}"
            )
        return claim.places

    def _check_claim(self, claim: BaseClaim) -> None:
        """Raise BenchError if the claim uses a cell that does not exist."""
        places = {cell.place for cell in self.cells}
        unknown = [place for place in self.places_of(claim) if place not in places]
        if unknown:
            raise BenchError(
                f"claim {claim.name!r} of table {self.name!r}: expected cells with rows among {self.rows} and "
                f"columns among {self.columns}, got {unknown[0]}"
            )

    def _check_reading(self, cell: Cell) -> None:
        """Raise BenchError if the cell could never be read, so that nothing is trained for it."""
        stages = {stage.name: stage for stage in cell.experiment.stages}
        read = cell.reading
        if cell.stage not in stages:
            return
        if read.needs_course and read.course is None:
            raise BenchError(
                f"{cell.name} of table {self.name!r}: {read} needs a learning curve, expected the name of its metric "
                "as `course`, got None; published runs would lose it"
            )
        if read.needs_course and stages[cell.stage].training.evaluate_every is None:
            raise BenchError(
                f"{cell.name} of table {self.name!r}: {read} needs evaluations, expected "
                f"training.evaluate_every in stage {cell.stage!r}, got None"
            )
        if read.improves not in (None, self.better):
            raise BenchError(
                f"{cell.name} of table {self.name!r}: expected better={read.improves!r} for {read}, "
                f"got better={self.better!r}"
            )

    @property
    def heading(self) -> str:
        """Title, name and scale."""
        return f"{self.title} [{self.name}, scale {self.scale}]"

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the rows, in order."""
        return tuple(dict.fromkeys(cell.row for cell in self.cells))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(dict.fromkeys(cell.column for cell in self.cells))

    def jobs(self, seeds: Sequence[int] | None = None) -> list[Job]:
        """Return the runs that fill this table: each experiment once per seed, however many cells it fills.

        All experiments of one seed come before those of the next, so that an interrupted sweep leaves complete seeds.
        """
        labels: dict[Experiment, str] = {}
        applied = "".join(f", {setting}" for setting in self.settings)
        for cell in self.cells:
            labels.setdefault(cell.experiment, f"{self.name} {cell.column}, {cell.row}{applied}")
        return [
            Job(experiment, seed, f"{label}, seed {seed}")
            for seed in (self.seeds if seeds is None else seeds)
            for experiment, label in labels.items()
        ]


def fitting(claims: Sequence[Claim], cells: Sequence[Cell]) -> tuple[Claim, ...]:
    """Return the claims whose cells are all among `cells`."""
    places = {cell.place for cell in cells}
    return tuple(claim for claim in claims if places.issuperset(claim.places))
