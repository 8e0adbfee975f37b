"""What the tables of all papers share: which claims fit their cells, and cells that no paper has."""

from __future__ import annotations

from collections.abc import Sequence

from ..tables import Cell, Claim, Published


def fitting(claims: Sequence[Claim], cells: Sequence[Cell]) -> tuple[Claim, ...]:
    """Return the claims whose cells are all there."""
    places = {(cell.row, cell.column) for cell in cells}
    return tuple(claim for claim in claims if places.issuperset(claim.places))


def unpublished(row: str, column: str) -> Published | None:
    """Return nothing: the paper has a figure there, or nothing."""
    return None
