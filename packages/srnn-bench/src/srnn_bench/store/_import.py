"""Import of published runs into a store."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..experiment import RequestedTable
from ._database import transaction
from ._lines import PublishedRun
from ._record import Record, same_outcome, with_histories
from ._requests import add_requests
from ._store import Store, write


@dataclass(frozen=True)
class Imported:
    """How many runs were written, were in the store already, and are there with other numbers."""

    new: int = 0
    present: int = 0
    different: int = 0


def import_runs(store: Store, runs: Iterable[PublishedRun], *, replace: bool = False) -> Imported:
    """Write published runs to a store, all or none, so that a sweep reuses them; return how many there were.

    The tables for which they were published are recorded as requested, so that a report on the store shows them.

    A result that is in the store is kept unless it failed or `replace` is true. If it has the same numbers, it gets
    those parts of the history that only the published run has.

    Raises:
        BenchError: If the store cannot be written.
    """
    store.check_writable()
    new = present = different = 0
    changes: list[tuple[Record, Callable[[], None]]] = []
    seeds: dict[tuple[str, str], dict[int, None]] = {}
    for run in runs:
        for table in run.tables:
            seeds.setdefault(table, {})[run.record.result.seed] = None
        record, stored = run.record, store.record(run.record.result.key)
        remove_weights = _removal(store, record.result.key)
        if stored is not None and same_outcome(stored.result, record.result):
            present += 1
            joined = with_histories(stored, record)
            if joined != stored:
                changes.append((joined, lambda: None))
        elif stored is None or stored.result.status == "failed":
            new += 1
            changes.append((record, remove_weights))
        else:
            different += 1
            if replace:
                changes.append((record, remove_weights))
    with store.connected() as connection, transaction(connection):
        for record, move_weights in changes:
            write(connection, record, move_weights)
        add_requests(
            connection,
            [RequestedTable(name=name, scale=scale, seeds=tuple(found)) for (name, scale), found in seeds.items()],
        )
    return Imported(new, present, different)


def _removal(store: Store, key: str) -> Callable[[], None]:
    """Return a function that removes the weights of a run, which belong to the result that is replaced."""
    return lambda: shutil.rmtree(store.weights_folder(key), ignore_errors=True)
