"""Drawings, tables and their values as files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._files import write_atomically
from ._drawing import Drawing
from ._render import file_png, file_svg


def write_drawing(drawing: Drawing, folder: Path) -> list[Path]:
    """Write a drawing as SVG and PNG; return the paths."""
    paths = [folder / f"{drawing.name}.svg", folder / f"{drawing.name}.png"]
    write_atomically(paths[0], file_svg(drawing).encode())
    write_atomically(paths[1], file_png(drawing))
    return paths


def write_text(text: str, folder: Path, name: str) -> Path:
    """Write a text as Markdown; return the path."""
    path = folder / f"{name}.md"
    write_atomically(path, text.encode())
    return path


def write_values(seeds: Sequence[int], values: Mapping[str, Any], folder: Path, name: str) -> Path:
    """Write the numbers behind a table as JSON, `{"seeds": [...], row: {column: [one number per seed]}}`.

    `values` may be nested further; six significant digits are kept. Each row is one line. Returns the path.
    """
    path = folder / f"{name}.json"
    rows = {"seeds": list(seeds), **_rounded(values)}
    lines = ",\n".join(f"{json.dumps(row)}: {json.dumps(row_values)}" for row, row_values in rows.items())
    write_atomically(path, f"{{\n{lines}\n}}\n".encode())
    return path


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(inner) for name, inner in value.items()}
    return [float(f"{number:.6g}") for number in value]


def markdown_table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table with the first column left-aligned, the others right-aligned."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def significant(value: float, digits: int = 3) -> str:
    """Return a number with some significant digits, a dash for NaN."""
    if math.isnan(value):
        return "-"
    return f"{value:.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"
