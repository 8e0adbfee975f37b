"""Claims: the statements of a paper as predicates over the cells of a table, and what our runs say of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    pass


Place = tuple[str, str]

Verdict = Literal["supported", "contradicted", "undecided"]


@dataclass(frozen=True)
class Contrast:
    """The sum of weight times mean of a cell lies on the better side of `bound`, in the table's unit.

    A term is the row, the column and the weight of a cell; better is below where the table's lower is better, else
    above. With a `margin` above 0 the sum may also lie up to so much on the worse side of the bound.

    >>> print(Contrast((("sparse", "A", 1.0), ("dense", "A", -2.0))))
    A: sparse − 2 × dense
    """

    terms: tuple[tuple[str, str, float], ...]
    bound: float = 0.0
    margin: float = 0.0

    def __post_init__(self) -> None:
        weights = [weight for _, _, weight in self.terms]
        if not weights or not all(weight and math.isfinite(weight) for weight in weights):
            raise ValueError(f"a contrast needs terms with weights other than 0, not {self.terms}")
        if len(set(self.places)) < len(self.places):
            raise ValueError(f"a contrast names each cell once, not {self.terms}")
        if not math.isfinite(self.bound) or not 0 <= self.margin < math.inf:
            raise ValueError(f"expected a finite bound and margin >= 0, not {self.bound} and {self.margin}")

    @property
    def places(self) -> tuple[Place, ...]:
        """The cells used, as row and column."""
        return tuple((row, column) for row, column, _ in self.terms)

    def __str__(self) -> str:
        """Write the sum, with the row or the column that all terms share in front."""
        rows, columns = {row for row, _, _ in self.terms}, {column for _, column, _ in self.terms}
        text = ""
        for row, column, weight in self.terms:
            name = column if len(rows) == 1 else row if len(columns) == 1 else f"({column}, {row})"
            sign = ("" if weight > 0 else "−") if not text else (" + " if weight > 0 else " − ")
            text += sign + ("" if abs(weight) == 1 else f"{abs(weight):g} × ") + name
        shared = rows if len(rows) == 1 else columns if len(columns) == 1 else None
        return text if shared is None else f"{next(iter(shared))}: {text}"


@dataclass(frozen=True)
class Claim:
    """A statement of the text in one sentence of ours, true when all its contrasts hold."""

    name: str
    statement: str
    source: str
    contrasts: tuple[Contrast, ...]

    def __post_init__(self) -> None:
        if not self.contrasts:
            raise ValueError(f"claim {self.name!r} needs at least one contrast")

    @property
    def places(self) -> tuple[Place, ...]:
        """The cells used, each once, as row and column."""
        return tuple(dict.fromkeys(place for contrast in self.contrasts for place in contrast.places))


def beats(cell: Place, *, over: Place) -> Contrast:
    """Say that the mean of a cell is better than that of another."""
    return Contrast(((*cell, 1.0), (*over, -1.0)))


def within(cell: Place, factor: float, *, of: Place) -> Contrast:
    """Say that the mean of a cell is better than `factor` times that of another."""
    return Contrast(((*cell, 1.0), (*of, -factor)))


def beyond(cell: Place, factor: float, *, of: Place) -> Contrast:
    """Say that the mean of a cell is worse than `factor` times that of another."""
    return Contrast(((*of, factor), (*cell, -1.0)))


def matches(cell: Place, other: Place, *, margin: float) -> tuple[Contrast, Contrast]:
    """Say that two means differ by less than `margin`, by two one-sided tests (Schuirmann 1987)."""
    return (
        Contrast(((*cell, 1.0), (*other, -1.0)), margin=margin),
        Contrast(((*other, 1.0), (*cell, -1.0)), margin=margin),
    )
