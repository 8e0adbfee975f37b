"""The requests of a store: which tables and experiments its sweeps were asked for, in an SQLite table of their own.

The table is created by the first request, so that a store of an earlier version, which has none, is read as it is.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable

from pydantic import ValidationError

from .._errors import validation_message
from ..experiment import REQUEST, Request
from ._rows import check_seed

SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    request TEXT PRIMARY KEY,
    seeds TEXT NOT NULL,
    recorded REAL NOT NULL
)
"""
PUT = """
INSERT INTO requests (request, seeds, recorded) VALUES (:request, :seeds, :recorded)
ON CONFLICT (request) DO UPDATE SET seeds = :seeds
"""


def add_requests(connection: sqlite3.Connection, requests: Iterable[Request]) -> None:
    """Add requests; the seeds of one that differs from a recorded one in its seeds only are added to that one."""
    connection.execute(SCHEMA)
    for request in requests:
        text = request.model_copy(update={"seeds": ()}).model_dump_json()
        row = connection.execute("SELECT seeds FROM requests WHERE request = ?", (text,)).fetchone()
        seeds = dict.fromkeys([*([] if row is None else json.loads(row["seeds"])), *map(check_seed, request.seeds)])
        connection.execute(PUT, {"request": text, "seeds": json.dumps(list(seeds)), "recorded": time.time()})


def read_requests(connection: sqlite3.Connection, where: str, on_note: Callable[[str], None]) -> list[Request]:
    """Return the requests in the order in which they were made first; `where` names the store in messages.

    One that cannot be read, e.g. because its task was uninstalled, is left out; `on_note` receives the reason.
    """
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'requests'").fetchone() is None:
        return []
    rows = connection.execute("SELECT request, seeds FROM requests ORDER BY rowid").fetchall()
    found = []
    for row in rows:
        try:
            parts = {**json.loads(row["request"]), "seeds": json.loads(row["seeds"])}
            found.append(REQUEST.validate_python(parts))
        except ValidationError as error:
            on_note(f"{where}: a request cannot be read by the installed packages: {validation_message(error)}")
        except (ValueError, TypeError, RecursionError) as error:
            on_note(f"{where}: a request cannot be read, it was damaged or edited by hand: {error}")
    return found
