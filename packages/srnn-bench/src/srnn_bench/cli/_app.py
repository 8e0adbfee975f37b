"""The typer application of the command `srnn`, its console, and how errors are printed."""

from __future__ import annotations

import re
import sys
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from typer.core import TyperGroup

from srnn_manifolds import ManifoldError
from srnn_masks import MaskError
from srnn_models import ModelError
from srnn_pruning import PruningError
from srnn_tasks import TaskError

from .._errors import BenchError, validation_message
from .._wording import plain, suggestion
from ._terminal import drop_unusable_sizes, new_console, prepare

USER_ERRORS = (BenchError, ManifoldError, MaskError, ModelError, PruningError, TaskError)

# Base class of the errors that typer raises for unknown commands and options; typer does not export it.
CommandLineError: type[Exception] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)

# The order of the overview: that of first use.
COMMANDS = (
    "demo",
    "list",
    "new",
    "plan",
    "run",
    "report",
    "claims",
    "figure",
    "export",
    "publish",
    "import",
    "backup",
    "schema",
    "doctor",
)


class _Ordered(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands in the order of `COMMANDS`."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: COMMANDS.index(name) if name in COMMANDS else len(COMMANDS))


app = typer.Typer(
    cls=_Ordered,
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
        # without arguments, the overview of the commands
        raise SystemExit(app(sys.argv[1:] or ["--help"], prog_name="srnn", standalone_mode=False))
    except USER_ERRORS as error:
        _refuse(str(error))
    except CommandLineError as error:
        _refuse(_usage_message(error))
    except ValidationError as error:  # raised by code of a plug-in, e.g. a table that builds an invalid experiment
        traceback.print_tb(error.__traceback__)
        _refuse(f"{error.title}: {validation_message(error)}")


def _version(asked: bool) -> None:
    if asked:
        print_line(f"srnn-bench {version('srnn-bench')}")
        raise typer.Exit


@app.callback()
def options_(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version of srnn-bench.")
    ] = False,
) -> None:
    """Experiments with sparse recurrent networks, and the tables of the papers."""


def print_line(text: str, console: Console = console) -> None:
    """Print plain text, without markup and without wrapping."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _refuse(message: str) -> None:
    """Print an error of the user and exit."""
    print_line(f"srnn: {message}", new_console(stderr=True))
    raise SystemExit(2) from None


def _usage_message(error: Any) -> str:
    """Return what is wrong with the arguments, in one line that names the command whose help explains them."""
    context: Any = getattr(error, "ctx", None)
    command = "srnn" if context is None else context.command_path
    named = f"{command.removeprefix('srnn ')}: " if " " in command else ""
    if isinstance(error, typer.BadParameter):
        if not error.message and error.param is not None:  # a missing argument
            return f"{named}expected {error.param.name}: {getattr(error.param, 'help', '')} See `{command} --help`."
        error.message = plain(error.message)
    message = error.format_message()
    if context is not None and (option := getattr(error, "option_name", None)) and message.startswith("No such option"):
        known = [name for each in context.command.params for name in each.opts if name.startswith("--")]
        message = f"no option {option!r}{suggestion(option, known)}"
    elif match := re.match(r"No such command '(.*?)'", message):
        message = f"no command {match[1]!r}{suggestion(match[1], context.command.commands)}"
    message = named + message[0].lower() + message[1:].rstrip(".")
    return f"{message}{' ' if message.endswith('?') else '; '}`{command} --help` shows what there is"


def print_progress(text: str) -> None:
    """Print what a command is doing, on stderr: stdout holds only what was asked for."""
    print_line(text, new_console(stderr=True))
