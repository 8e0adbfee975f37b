"""Claims about groups of columns, such as tasks: what holds for the tasks of a table may not hold for others."""

from __future__ import annotations

from dataclasses import dataclass

from .._errors import BenchError
from ._cell import Place
from ._claim import BaseClaim


@dataclass(frozen=True)
class AcrossColumns(BaseClaim):
    """The claim that a row is better than another one, or than a number, on average over groups of columns.

    Each group of columns gives one value: the mean of its cells, minus that of the cells of the other row. The mean of
    these values lies on the better side of `bound`, in the unit of the table. The groups are the sample of the test, so
    that the claim is about groups like these, and more runs of a cell do not replace more groups.

    Attributes:
        row: The row.
        over: The other row; None for a comparison with `bound` alone.
        groups: Names of the columns of each group.
        bound: The number. With `over`, a bound on the worse side of 0 allows the row to be worse by that much.

    Raises:
        BenchError: If there are fewer than two groups, one is empty, or two share a column.
    """

    row: str
    over: str | None
    groups: tuple[tuple[str, ...], ...]
    bound: float = 0.0

    def __post_init__(self) -> None:
        columns = [column for group in self.groups for column in group]
        if len(self.groups) < 2 or not all(self.groups) or len(set(columns)) < len(columns):
            raise BenchError(
                f"claim {self.name!r}: expected at least two groups of columns, each column once, got {self.groups}"
            )

    @property
    def rows(self) -> tuple[str, ...]:
        """The row, and the other one if there is one."""
        return (self.row,) if self.over is None else (self.row, self.over)

    @property
    def places(self) -> tuple[Place, ...]:
        """Row and column of the cells used."""
        return tuple((row, column) for row in self.rows for group in self.groups for column in group)
