"""The shape of a weight with stacked gates: gate g owns rows g * N to (g + 1) * N, as in torch."""

from .._errors import MaskError


def rows_per_gate(pattern: str, rows: int, cols: int, gates: int) -> int:
    """Return the number of rows of one gate.

    Raises MaskError, which names `pattern`, if a size is below 1 or the rows do not divide into gates.
    """
    for name, value in (("rows", rows), ("cols", cols), ("gates", gates)):
        if value < 1:
            raise MaskError(f"{pattern}: expected {name} >= 1, got {name}={value}")
    if rows % gates:
        raise MaskError(f"{pattern}: expected rows to be a multiple of gates={gates}, got rows={rows}")
    return rows // gates
