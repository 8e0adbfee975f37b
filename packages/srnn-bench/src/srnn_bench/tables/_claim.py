"""Claims: the statements of a paper as predicates over the cells of a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from .._errors import BenchError
from ._cell import Place

Verdict = Literal["supported", "contradicted", "equivalent", "undecided"]

LEVEL = 0.05  # significance level of all tests


@dataclass(frozen=True)
class Contrast:
    """The statement that a weighted sum of cell means lies on the better side of `bound`, in the unit of the table.

    A term is the row, the column and the weight of a cell. The better side is below the bound if lower is better in
    the table, else above. With a `margin` above 0 the sum may also lie up to `margin` on the worse side of the bound.

    >>> print(Contrast((("sparse", "A", 1.0), ("dense", "A", -2.0))))
    A: sparse − 2 × dense
    """

    terms: tuple[tuple[str, str, float], ...]
    bound: float = 0.0
    margin: float = 0.0

    def __post_init__(self) -> None:
        weights = [weight for _, _, weight in self.terms]
        if not weights or not all(weight and math.isfinite(weight) for weight in weights):
            raise BenchError(f"contrast: expected terms with finite weights other than 0, got {self.terms}")
        if len(set(self.places)) < len(self.places):
            raise BenchError(f"contrast: expected each cell once, got {self.terms}")
        if not math.isfinite(self.bound) or not 0 <= self.margin < math.inf:
            raise BenchError(f"contrast: expected a finite bound and margin >= 0, got {self.bound} and {self.margin}")

    @property
    def places(self) -> tuple[Place, ...]:
        """Row and column of the cells used."""
        return tuple((row, column) for row, column, _ in self.terms)

    @property
    def compares_two_means(self) -> bool:
        """Whether the contrast says that one mean is better than another, and no more."""
        return sorted(weight for _, _, weight in self.terms) == [-1.0, 1.0] and self.bound == self.margin == 0

    def __str__(self) -> str:
        """Return the sum as a formula, prefixed by the row or the column that all terms share."""
        rows, columns = {row for row, _, _ in self.terms}, {column for _, column, _ in self.terms}
        text = ""
        for row, column, weight in self.terms:
            name = column if len(rows) == 1 else row if len(columns) == 1 else f"({column}, {row})"
            sign = ("" if weight > 0 else "−") if not text else (" + " if weight > 0 else " − ")
            text += sign + ("" if abs(weight) == 1 else f"{abs(weight):g} × ") + name
        shared = rows if len(rows) == 1 else columns if len(columns) == 1 else None
        return text if shared is None else f"{next(iter(shared))}: {text}"


@dataclass(frozen=True)
class BaseClaim:
    """A statement of the paper in one sentence of ours; subclasses say how it is tested."""

    name: str
    statement: str
    source: str


@dataclass(frozen=True)
class Claim(BaseClaim):
    """A claim about means of cells; it is true if all its contrasts hold."""

    contrasts: tuple[Contrast, ...]

    def __post_init__(self) -> None:
        if not self.contrasts:
            raise BenchError(f"claim {self.name!r}: expected at least one contrast, got none")

    @property
    def places(self) -> tuple[Place, ...]:
        """Row and column of the cells used, each once."""
        return tuple(dict.fromkeys(place for contrast in self.contrasts for place in contrast.places))

    @property
    def is_match(self) -> bool:
        """Whether the claim says that pairs of means differ by less than a margin (`matches`)."""
        reversed_terms = {
            frozenset((row, column, -weight) for row, column, weight in each.terms) for each in self.contrasts
        }
        terms = {frozenset(each.terms) for each in self.contrasts}
        return terms == reversed_terms and all(each.margin > 0 and not each.bound for each in self.contrasts)


def beats(cell: Place, *, over: Place) -> Contrast:
    """Return the contrast that the mean of `cell` is better than that of `over`."""
    return Contrast(((*cell, 1.0), (*over, -1.0)))


def within(cell: Place, factor: float, *, of: Place) -> Contrast:
    """Return the contrast that the mean of `cell` is better than `factor` times that of `of`."""
    return Contrast(((*cell, 1.0), (*of, -factor)))


def beyond(cell: Place, factor: float, *, of: Place) -> Contrast:
    """Return the contrast that the mean of `cell` is worse than `factor` times that of `of`."""
    return Contrast(((*of, factor), (*cell, -1.0)))


def matches(cell: Place, other: Place, *, margin: float) -> tuple[Contrast, Contrast]:
    """Return the two contrasts that two means differ by less than `margin` (two one-sided tests, Schuirmann 1987)."""
    return (
        Contrast(((*cell, 1.0), (*other, -1.0)), margin=margin),
        Contrast(((*other, 1.0), (*cell, -1.0)), margin=margin),
    )
