"""A page of results under `docs/results`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def write(path: Path, title: str, docstring: str, lines: Iterable[str]) -> None:
    """Write a page: title, the docstring of the benchmark from its commands on, and the lines measured."""
    explained = docstring.partition("\n\n")[2].rstrip()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([f"# {title}", "", explained, "", *lines]) + "\n", encoding="utf-8")
