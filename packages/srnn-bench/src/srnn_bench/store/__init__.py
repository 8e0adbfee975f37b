"""Results on disk: one row per run in an SQLite file, weights beside it, and the export to one flat table.

A `Store` reads and writes the results of one folder. A `Session` is a process that works on a store together with
others: it leases runs, renews its leases with a heartbeat, and writes results.
"""

from ._export import export as export
from ._session import Session as Session
from ._store import Store as Store
from ._weights import weights as weights

__all__ = ["Session", "Store", "export", "weights"]
