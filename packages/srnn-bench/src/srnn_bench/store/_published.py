"""Published runs: the JSON-lines files of a folder, also compressed ones, as a store that can only be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .._errors import BenchError
from ..experiment import Request, RequestedTable
from ._database import connected, prepare, transaction
from ._lines import published_files, read_lines
from ._read_only import temporary_file
from ._store import Store, write


class PublishedRuns(Store):
    """The runs of all `*.jsonl` and `*.jsonl.gz` files of a folder, read like those of a store; it cannot be written.

    `tables` are the tables with their scales for which the runs were published.

    Raises:
        BenchError: If a file cannot be read, see `read_lines`.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = self.path = Path(folder)
        self._checked = set()
        self.writable = False
        runs = read_lines(published_files(self.folder))
        self.tables = tuple(dict.fromkeys(table for run in runs for table in run.tables))
        self._file = temporary_file(self)
        prepare(self._file)
        with connected(self._file) as connection, transaction(connection):
            for run in runs:
                write(connection, run.record, lambda: None)

    def requests(self, on_note: Callable[[str], None] = lambda text: None) -> list[Request]:
        """Return a request for each table and scale that was published."""
        return [RequestedTable(name=name, scale=scale, seeds=()) for name, scale in self.tables]


def has_results(folder: Path) -> bool:
    """Return whether a folder holds a store or published runs."""
    return (folder / "results.sqlite").exists() or bool(published_files(folder))


def open_results(folder: str | Path) -> Store:
    """Return the store in a folder, or its published runs if it has no store.

    Raises:
        BenchError: If there is neither, or it cannot be read.
    """
    place = Path(folder)
    if (place / "results.sqlite").exists():
        return Store(place)
    if not has_results(place):
        raise BenchError(f"{place}: no results; produce some first, e.g. with `srnn run moduli/table1 --scale smoke`")
    return PublishedRuns(place)
