"""Sensitivity: the verdicts on a table under other readings of its statements.

A vague statement is judged by a number of our choice: "maintains performance" by a factor, "as good as" by a margin,
"solves" by a threshold. Each variant changes one of these numbers, and the changed claims are judged anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from ._cell import Cell
from ._claim import BaseClaim, Claim, Contrast
from ._curve_readings import StepsTo
from ._filled import FilledCell
from ._judge import judge
from ._judgement import Judgement
from ._summary import Summary
from ._table import Table

HALF = 0.5  # the threshold that is varied


@dataclass(frozen=True)
class Sensitivity:
    """The verdict on a claim as declared, and under the variants that change the claim.

    Attributes:
        declared: The judgement of the claim as the table declares it.
        variants: Judgement by the name of the variant, a key of `VARIANTS`.
    """

    declared: Judgement
    variants: dict[str, Judgement]


def sensitivity(summary: Summary) -> list[Sensitivity]:
    """Judge the claims of a table as declared and under each of `VARIANTS`, in the order of the table.

    A variant changes at once all claims of the table that it applies to, and Holm's correction is over the family with
    these changes. The other tables of the family stay as declared.
    """
    declared = judge(summary)
    variants: list[dict[str, Judgement]] = [{} for _ in declared]
    for name, change in VARIANTS.items():
        changed = replace(summary, table=change(summary.table))
        affected = [index for index, each in enumerate(declared) if _is_affected(each, summary.table, changed.table)]
        if not affected:
            continue
        cells = {cell.place: FilledCell(cell, summary.cells[cell.place].results) for cell in changed.table.cells}
        judged = judge(replace(changed, cells=cells))
        for index in affected:
            variants[index][name] = judged[index]
    return [Sensitivity(*row) for row in zip(declared, variants, strict=True)]


def _is_affected(judgement: Judgement, table: Table, changed: Table) -> bool:
    """Return whether the claim of a judgement, one of its cells, or the margin of its equivalence is changed."""
    cells, places = {cell.place: cell for cell in table.cells}, table.places_of(judgement.claim)
    return (
        judgement.claim not in changed.claims
        or any(cell != cells[cell.place] for cell in changed.cells if cell.place in places)
        or (changed.plan.margin != table.plan.margin and judgement.margin is not None)
    )


# --- variants ---------------------------------------------------------------------------------------------------------


def _with_factor(factor: float, table: Table) -> Table:
    """Return a table whose multiples of another mean, such as "below 1.5 times", are this multiple."""
    return _with_contrasts(table, partial(_multiple, factor))


def _multiple(factor: float, contrast: Contrast) -> Contrast:
    """Return the comparison of a mean with `factor` times another, or 1 / `factor` times where it is less than 1."""
    weights = [weight for _, _, weight in contrast.terms]
    multiples = [weight for weight in weights if abs(weight) != 1]
    if len(weights) != 2 or weights[0] * weights[1] > 0 or len(multiples) != 1:
        return contrast
    (declared,) = multiples
    size = factor if abs(declared) > 1 else 1 / factor
    new = {declared: math.copysign(size, declared)}
    return replace(
        contrast, terms=tuple((row, column, new.get(weight, weight)) for row, column, weight in contrast.terms)
    )


def _with_margins(share: float, table: Table) -> Table:
    """Return a table with `share` times each margin: of its contrasts and plan, and leads of one mean over another."""
    plan = table.plan
    if plan.margin is not None:  # with logarithms, the margin is a ratio
        plan = replace(plan, margin=plan.margin**share if plan.log else plan.margin * share)
    return replace(_with_contrasts(table, partial(_scaled, share)), plan=plan)


def _scaled(share: float, contrast: Contrast) -> Contrast:
    """Return the contrast with `share` times its margin, and times its bound if that is a lead of one mean."""
    bound = contrast.bound * share if len(contrast.terms) == 2 else contrast.bound
    return replace(contrast, margin=contrast.margin * share, bound=bound)


def _with_threshold(threshold: float, table: Table) -> Table:
    """Return a table that reads steps to `threshold` and compares shares with it wherever it has one half."""

    def cell(cell: Cell) -> Cell:
        read = cell.reading
        if isinstance(read, StepsTo) and read.threshold == HALF:
            return replace(cell, metric=replace(read, threshold=threshold))
        return cell

    def contrast(contrast: Contrast) -> Contrast:
        if len(contrast.terms) == 1 and abs(contrast.bound) == HALF and table.unit == "share":
            return replace(contrast, bound=threshold if contrast.bound > 0 else -threshold)
        return contrast

    return replace(_with_contrasts(table, contrast), cells=tuple(map(cell, table.cells)))


def _with_contrasts(table: Table, change: Callable[[Contrast], Contrast]) -> Table:
    def changed(claim: BaseClaim) -> BaseClaim:
        if not isinstance(claim, Claim):  # claims about studies have no such numbers
            return claim
        return replace(claim, contrasts=tuple(map(change, claim.contrasts)))

    return replace(table, claims=tuple(map(changed, table.claims)))


VARIANTS: Mapping[str, Callable[[Table], Table]] = {
    **{f"{factor:g} times": partial(_with_factor, factor) for factor in (1.25, 1.5, 2.0)},
    "margins halved": partial(_with_margins, 0.5),
    "margins doubled": partial(_with_margins, 2.0),
    **{f"threshold {threshold:g}": partial(_with_threshold, threshold) for threshold in (0.4, 0.6)},
}
