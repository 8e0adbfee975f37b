"""Experiments of one's own in the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

from ..tables import OwnExperiment
from ._own_section import own_sections
from ._terminal import _grid, _print

PAIRS = 15  # as many as 6 experiments have


def print_own(experiments: Iterable[OwnExperiment], console: Console) -> None:
    """Print one row per experiment, and the comparison of any two: of many pairs those with the smallest p values."""
    for section in own_sections(experiments):
        _print(console, section.heading, style="bold")
        console.print(_grid(section.results))
        _print(console, section.caption)
        for remark in section.remarks:
            _print(console, f"- {remark}")
        if section.comparison.rows:
            console.print()
            shown = section.strongest(PAIRS)
            _print(console, shown.title, style="bold")
            console.print(_grid(shown))
            _print(console, section.tests)
        console.print()
