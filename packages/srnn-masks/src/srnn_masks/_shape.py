"""The shape of a weight with stacked gates: gate g owns the rows g * N to (g + 1) * N, as in torch."""


def rows_per_gate(pattern: str, rows: int, cols: int, gates: int) -> int:
    """Rows of one gate; a ValueError names `pattern` and the number that does not fit."""
    for name, value in (("rows", rows), ("cols", cols), ("gates", gates)):
        if value < 1:
            raise ValueError(f"{pattern}: expected {name} >= 1, got {name}={value}")
    if rows % gates:
        raise ValueError(f"{pattern}: expected rows to be a multiple of gates={gates}, got rows={rows}")
    return rows // gates
