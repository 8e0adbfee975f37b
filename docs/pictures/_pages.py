"""Read the tables of a Markdown page as numbers."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[1]

Value = tuple[float, float]  # mean and standard deviation; 0 if the page gives none


def table(page: str, *head: str) -> dict[str, dict[str, Value]]:
    """Return the numbers of the table of a page whose head begins with these cells, by row and column.

    Cells without a number are left out. Raises LookupError if the page has no such table, or more than one.
    """
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE):
        names, _, *rows = [[cell.strip() for cell in line.strip().split("|")[1:-1]] for line in block.splitlines()]
        if tuple(names[: len(head)]) == head:
            found.append(
                {
                    row[0]: {name: value for name, text in zip(names, row, strict=True) if (value := number(text))}
                    for row in rows
                }
            )
    if len(found) != 1:
        raise LookupError(f"{page}: expected one table with the head {head}, got {len(found)}")
    return found[0]


def number(text: str) -> Value | None:
    """Return mean and standard deviation of a cell such as ".55 ± .03", None if it has no number.

    >>> number(".55 ± .03"), number("1812 ± 207 (one never)"), number("none of 3")
    ((0.55, 0.03), (1812.0, 207.0), None)
    """
    match = re.match(r"(-?[\d.]+)(?: ± ([\d.]+))?", text)
    return match and (float(match[1]), float(match[2] or 0))
