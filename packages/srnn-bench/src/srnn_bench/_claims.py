"""Claims: the statements of a paper as predicates over the cells of a table, and what our runs say of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ._summary import Summary

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


@dataclass(frozen=True)
class Judgement:
    """What the runs at hand say of a claim.

    The numbers from `estimate` on belong to the `deciding` contrast, the one with the weakest support; estimate,
    intervals and `detectable` are in the table's unit. What cannot be computed is None.
    """

    claim: Claim
    verdict: Verdict
    reason: str  # one plain sentence: why this verdict
    n: dict[Place, int]  # values of each cell used
    deciding: Contrast | None = None
    estimate: float | None = None  # sum of weight times mean
    interval: tuple[float, float] | None = None  # 95 %, Welch
    bootstrap: tuple[float, float] | None = None  # 95 %, BCa; only from 10 values in every cell
    effect: float | None = None  # Hedges' g, positive in favour of the claim
    p: float | None = None  # of the claim, two-sided, uncorrected
    p_holm: float | None = None  # corrected over all claims of the table
    detectable: float | None = None  # of an undecided claim: the smallest difference found with 80 % power
    rank_p: float | None = None  # Mann-Whitney, two-sided, a diverged run as the worst value; two cells only
    rank_effect: float | None = None  # P(better) + P(tie) / 2, above 0.5 in favour of the claim
    diverged: int = 0  # runs of the cells used that diverged before they gave a value
    missing: int = 0  # runs of the cells used that failed or are not there


def judge(summary: Summary) -> list[Judgement]:
    """Judge every claim of a table on the results at hand, in the table's order.

    Each contrast has a one-sided Welch test. A claim is supported when all its contrasts hold (intersection-union: the
    largest p counts) and contradicted when one of them is reversed (Bonferroni over its contrasts); the two-sided p is
    corrected over all claims of the table after Holm, at 5 %. A claim that cannot be tested counts there with p = 1.

    There is no verdict at scale smoke, while a run of the claim's cells failed or is not there, with fewer than two
    values in a cell, without spread, or where a run diverged and the ranks do not point the same way as the means.
    Cells of other experiments are taken as independent; shared seeds make the test careful, not bold. Cells that one
    experiment fills are combined within each run. The number of seeds is to be chosen before looking at verdicts.
    """
    from ._judge import judgements  # scipy takes most of a second to import, and only verdicts need it

    return judgements(summary)
