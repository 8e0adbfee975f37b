"""The typer application of the command `srnn`, its console, and how errors are printed."""

from __future__ import annotations

import sys
from pathlib import Path

import typer
from rich.console import Console

from srnn_manifolds import ManifoldError
from srnn_masks import MaskError
from srnn_models import ModelError
from srnn_pruning import PruningError
from srnn_tasks import TaskError

from .._errors import BenchError
from ._terminal import drop_unusable_sizes, new_console, prepare

USER_ERRORS = (BenchError, ManifoldError, MaskError, ModelError, PruningError, TaskError)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Experiments with sparse recurrent networks, and the tables of the papers.",
)

drop_unusable_sizes()  # before a console reads them

console = new_console()


def main() -> None:
    """Run the command line.

    Errors of the user are printed as one line on stderr, with exit code 2. Any other exception shows its traceback.
    Tasks, papers, trackers and executors named as `module:name` may be modules of the current folder.
    """
    prepare()
    if (folder := str(Path.cwd())) not in sys.path:
        sys.path.append(folder)  # a console script does not search it
    try:
        app()
    except USER_ERRORS as error:
        print_line(f"srnn: {error}", new_console(stderr=True))
        raise SystemExit(2) from None


def print_line(text: str, console: Console = console) -> None:
    """Print plain text, without markup and without wrapping."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def print_progress(text: str) -> None:
    """Print what a command is doing, on stderr: stdout holds only what was asked for."""
    print_line(text, new_console(stderr=True))
