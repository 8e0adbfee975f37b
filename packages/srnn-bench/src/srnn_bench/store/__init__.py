"""Results on disk: one row per run in an SQLite file, weights beside it, and runs as JSON lines or one flat table.

A `Store` reads and writes the results of one folder. A `Session` is a process that works on a store together with
others: it leases runs, renews its leases with a heartbeat, and writes results. Published results are files of JSON
lines; `open_results` reads a folder of either kind, and `import_runs` writes published runs to a store.
"""

from ._backup import backup as backup
from ._export import export as export
from ._import import Imported as Imported
from ._import import import_runs as import_runs
from ._lines import PublishedRun as PublishedRun
from ._lines import published_files as published_files
from ._lines import read_lines as read_lines
from ._lines import write_lines as write_lines
from ._published import PublishedRuns as PublishedRuns
from ._published import has_results as has_results
from ._published import open_results as open_results
from ._record import Record as Record
from ._session import Session as Session
from ._store import Store as Store
from ._weights import weights as weights

__all__ = [
    "Imported",
    "PublishedRun",
    "PublishedRuns",
    "Record",
    "Session",
    "Store",
    "backup",
    "export",
    "has_results",
    "import_runs",
    "open_results",
    "published_files",
    "read_lines",
    "weights",
    "write_lines",
]
