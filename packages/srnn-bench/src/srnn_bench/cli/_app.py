"""The typer application of the command `srnn`, its console, and how errors are printed."""

from __future__ import annotations

import os

import typer
from rich.console import Console

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Experiments of sparse recurrent networks, and the tables of the papers.",
)

console = Console(emoji=False)

if not console.is_terminal and "COLUMNS" not in os.environ:
    console = Console(width=120, emoji=False)  # a file has no width; rich would take 80, too narrow for tables


def main() -> None:
    """Run the command line; a mistake of the user is one line on stderr, not a traceback."""
    try:
        app()
    except (ValueError, ImportError) as error:  # of an import: an extra that is not installed, by its name
        Console(stderr=True, emoji=False).print(f"srnn: {error}", markup=False, highlight=False, soft_wrap=True)
        raise SystemExit(2) from None


def print_line(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
