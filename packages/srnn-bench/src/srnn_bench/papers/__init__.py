"""The tables of the papers: one module a paper, one function a table."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from ..tables import SCALES, Scale, Table
from . import modcog, moduli

TABLES: dict[str, Callable[[Scale], Table]] = {**moduli.TABLES, **modcog.TABLES}


def table(name: str, scale: str) -> Table:
    """Return the table of that name at that scale; an unknown name or scale is an error with the known ones."""
    if name not in TABLES:
        near = difflib.get_close_matches(name, TABLES, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"table {name!r}: {hint}known tables are {', '.join(TABLES)}, and experiment files end in .json"
        )
    for known in SCALES:
        if scale == known:
            return TABLES[name](known)
    raise ValueError(f"scale: expected one of {', '.join(SCALES)}, got {scale!r}")
