"""Studies: tables with one row per draw of hyperparameters, which are summarised over draws instead of over seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .._errors import BenchError
from ._table import Table


@dataclass(frozen=True)
class Draw:
    """One draw of a study.

    Attributes:
        preset: Name of the distribution that it was drawn from.
        number: Its number within the preset, from 0.
        features: The numbers that were drawn or follow from them, by name.
    """

    preset: str
    number: int
    features: Mapping[str, float] = field(hash=False)

    @property
    def name(self) -> str:
        """Preset and number, the row of the draw in the table."""
        return f"{self.preset} {self.number}"


@dataclass(frozen=True, kw_only=True)
class Study(Table):
    """A table with one row per draw and one column, the target; each draw is run with one seed.

    `draws` are in the order of the rows and have the same features.

    Raises:
        BenchError: Also if the rows are not the draws, there is more than one column or seed, or features differ.
    """

    draws: tuple[Draw, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        rows = tuple(cell.row for cell in self.cells)
        names = tuple(draw.name for draw in self.draws)
        if rows != names:
            raise BenchError(
                f"study {self.name!r}: expected one cell per draw, in their order, got {len(rows)} cells and "
                f"{len(names)} draws"
            )
        if len(self.columns) != 1 or len(self.seeds) != 1:
            raise BenchError(
                f"study {self.name!r}: expected one column and one seed, got columns {self.columns} and seeds "
                f"{self.seeds}"
            )
        if len({tuple(draw.features) for draw in self.draws}) != 1:
            raise BenchError(f"study {self.name!r}: expected draws with the same features")
