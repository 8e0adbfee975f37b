"""Claims of a paper that fit the cells of a table."""

from __future__ import annotations

from collections.abc import Sequence

from ..tables import Cell, Claim


def fitting(claims: Sequence[Claim], cells: Sequence[Cell]) -> tuple[Claim, ...]:
    """Return the claims whose cells are all present."""
    places = {(cell.row, cell.column) for cell in cells}
    return tuple(claim for claim in claims if places.issuperset(claim.places))
