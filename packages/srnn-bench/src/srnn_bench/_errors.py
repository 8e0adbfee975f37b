"""The error of a user's mistake."""

from __future__ import annotations


class BenchError(ValueError):
    """A mistake in what a user gave: a name, a file, a field, an option.

    The command line prints it as one line; any other exception keeps its traceback.
    """
