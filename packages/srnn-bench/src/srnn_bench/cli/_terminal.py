"""What the command `srnn` takes from its surroundings to print: size and encoding of the terminal.

Values that nothing can be printed with are treated as if they were not set, so that no command depends on them.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Mapping

from rich.console import Console

SIZES: Mapping[str, int] = {"COLUMNS": 20, "LINES": 5}  # the least that a text of ours can be read in

FILE_WIDTH = 120  # in a file, rich would use 80 columns, too few for the tables

ERRORS = "srnn_bench.spell_out"  # name of the error handler of the codecs

SPELLED = {
    "±": "+-",
    "−": "-",
    "–": "-",
    "—": "-",
    "≤": "<=",
    "≥": ">=",
    "×": "x",
    "·": "*",
    "°": " deg",
    "…": "...",
    "•": "*",
    "→": "->",
    "━": "-",
    "─": "-",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "\xa0": " ",
    "\u202f": " ",
}


def drop_unusable_sizes() -> None:
    """Remove COLUMNS and LINES from the environment if they are no number, or too small to read anything.

    A terminal that does not know its size sets them to 0.
    """
    for name, least in SIZES.items():
        text = os.environ.get(name)
        if text is not None and not (text.isdecimal() and len(text) <= 4 and int(text) >= least):
            del os.environ[name]


def prepare() -> None:
    """Make stdout, stderr and matplotlib usable, whatever the encoding of the streams and the backend of the caller.

    Characters that an encoding lacks are spelled out instead of raising an error. A notebook sets a backend that need
    not be installed here; the command and its workers open no window, so they use one without.
    """
    drop_unusable_sizes()
    os.environ["MPLBACKEND"] = "agg"
    codecs.register_error(ERRORS, _spell_out)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERRORS)


def new_console(*, stderr: bool = False) -> Console:
    """Return a console on stdout or stderr that has a fixed width if it writes to a file."""
    console = Console(stderr=stderr, emoji=False)
    if console.is_terminal or "COLUMNS" in os.environ:
        return console
    return Console(stderr=stderr, width=FILE_WIDTH, emoji=False)


def _spell_out(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace characters by ASCII: those we print by their usual spelling, others as `backslashreplace` does."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    unknown = codecs.lookup_error("backslashreplace")
    return "".join(
        SPELLED[character]
        if character in SPELLED
        else str(unknown(UnicodeEncodeError(error.encoding, character, 0, 1, error.reason))[0])
        for character in text
    ), error.end
