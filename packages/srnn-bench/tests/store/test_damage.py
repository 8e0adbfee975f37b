"""Damage to the rows and the file of a store: an error that names it, or exactly the results that were written."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from damage import altered, edited, many
from hypothesis import given
from hypothesis import strategies as st

from srnn_bench import Cell, Conditions, Job, Stage, Store, Table, Training, run, summarise
from srnn_bench.store import Session

COLUMNS = (
    *("key", "label", "experiment", "seed", "status", "owner", "heartbeat", "started", "ended", "seconds", "reason"),
    *("stages", "environment", "checksum"),
)


class Rows:
    """A store with results of a table; its rows can be changed without its knowledge, and restored."""

    def __init__(self, folder: Path, tiny) -> None:
        short = Training(epochs=2, batches=2, batch_size=8, learning_rate=1e-2)
        one, other = (
            tiny(penalties=(), stages=(Stage(name="only", training=short.model_copy(update={"epochs": epochs})),))
            for epochs in (2, 3)
        )
        cells = (Cell("one", "a", one, "only", "mse"), Cell("other", "a", other, "only", "mse"))
        self.table = Table("fuzz", "smoke", "t", "s", "mse", "", "lower", seeds=(0, 1, 2), cells=cells)
        self.store = Store(folder)
        for seed in (0, 1, 7):
            self.store.put(run(one, seed=seed, conditions=Conditions("cpu")))
        result = run(other, seed=0, conditions=Conditions("cpu"))
        self.store.put(result)
        for seed, status in ((1, "diverged"), (2, "failed")):
            changes = {"key": other.key(seed), "seed": seed, "status": status, "reason": "why", "stages": ()}
            self.store.put(result.model_copy(update=changes))
        with Session(self.store) as session:
            session.plan([Job(one, 2, "pending"), Job(one, 9, "pending")])
        self.connection = sqlite3.connect(self.store.path, isolation_level=None)
        self.connection.execute("PRAGMA synchronous = OFF")
        self.connection.execute("PRAGMA ignore_check_constraints = ON")
        self.rows = self.connection.execute(f"SELECT {', '.join(COLUMNS)} FROM runs").fetchall()
        self.keys = [row[0] for row in self.rows]
        self.expected = self.read()

    def read(self):
        """Return everything that a newly opened store reads, and the numbers of the table."""
        store = Store(self.store.folder)
        summary = summarise(self.table, store)
        return {
            "all": list(store),
            "keys": store.keys(),
            "results": {place: cell.results for place, cell in summary.cells.items()},
            "numbers": {
                place: (
                    cell.n,
                    cell.mean,
                    cell.sd,
                    cell.values,
                    cell.missing,
                    cell.densities,
                    [stage.step_ms for stage in cell.stages.values()],
                )
                for place, cell in summary.cells.items()
            },
            "done": (summary.done, summary.wanted, summary.stale),
        }

    def restore(self) -> None:
        self.connection.execute("BEGIN")
        self.connection.execute("DELETE FROM runs")
        marks = ", ".join("?" * len(COLUMNS))
        self.connection.executemany(f"INSERT INTO runs ({', '.join(COLUMNS)}) VALUES ({marks})", self.rows)
        self.connection.execute("COMMIT")


@pytest.fixture
def rows(tmp_path, tiny) -> Iterator[Rows]:
    made = Rows(tmp_path / "store", tiny)
    with closing(made.connection):
        yield made


@st.composite
def new_values(draw, value):
    """Draw another value of a column: its text edited or altered, or something of another type."""
    kinds = ["other"]
    if isinstance(value, str):
        kinds += ["edited"] * 4
        if value.startswith(("[", "{")):
            kinds += ["altered"] * 6
    if isinstance(value, int | float):
        kinds += ["number"] * 2
    kind = draw(st.sampled_from(kinds))
    if kind == "edited":
        return edited(draw, value)
    if kind == "altered":
        return altered(draw, value)
    if kind == "number":
        return value + draw(st.sampled_from([1, -1, 0.5, 1e-12, 1e300]))
    return draw(
        st.one_of(
            st.none(),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(),
            st.binary(max_size=5),
            st.text(max_size=5),
            st.sampled_from(
                ["done", "diverged", "failed", "pending", "running", "x" * 1_000_000, "[" * 5000, "{}", "[]"]
            ),
            st.just(value.encode() if isinstance(value, str) else b""),
            st.just(str(value)),
        )
    )


@st.composite
def damages(draw, rows: Rows):
    """Draw statements that change a column of a row, or swap it with that of another row."""
    column = draw(st.sampled_from(COLUMNS))
    one, other = draw(st.lists(st.sampled_from(range(len(rows.rows))), min_size=2, max_size=2, unique=True))
    place = COLUMNS.index(column)
    keys = [rows.keys[number] for number in (one, other)]
    if draw(st.integers(0, 3)) == 0:
        values = [rows.rows[number][place] for number in (one, other)]
        if column == "key":
            return column, [("for a while", keys[0]), (keys[0], keys[1]), (keys[1], "for a while")]
        return column, [(values[1], keys[0]), (values[0], keys[1])]
    return column, [(draw(new_values(rows.rows[one][place])), keys[0])]


@pytest.fixture
def counted() -> Iterator[list[str]]:
    """Count the outcomes of the examples: a test must not pass because all have the same outcome."""
    ends: list[str] = []
    yield ends
    assert ends.count("error") > 20 < ends.count("same"), (ends.count("error"), ends.count("same"))


@many(10)
@given(data=st.data())
def test_a_damaged_row_is_an_error_that_names_it_and_never_a_wrong_number(rows, counted, data):
    column, statements = data.draw(damages(rows))
    try:
        for value, key in statements:
            rows.connection.execute(f"UPDATE runs SET {column} = ? WHERE key = ?", (value, key))
    except (sqlite3.Error, UnicodeError):  # SQLite refuses the value
        rows.restore()
        return
    try:
        found = rows.read()
    except ValueError as error:
        where, _, rest = str(error).partition(": run ")
        assert where == str(rows.store.path)
        keys = rows.connection.execute("SELECT key FROM runs").fetchall()
        assert rest.startswith(tuple(f"{key} cannot be read" for (key,) in keys)), rest[:100]
        counted.append("error")
    else:
        assert found == rows.expected
        counted.append("same")
    finally:
        rows.restore()


@many(2)
@given(data=st.data())
def test_invalid_utf_8_is_an_error_that_names_the_row(rows, data):
    """A bit that flips in the file can make a text invalid UTF-8, which Python cannot decode."""
    column = data.draw(st.sampled_from(["key", "label", "experiment", "status", "reason", "stages", "environment"]))
    number = data.draw(st.sampled_from([n for n, row in enumerate(rows.rows) if row[COLUMNS.index(column)]]))
    text = rows.rows[number][COLUMNS.index(column)].encode()
    place = data.draw(st.integers(0, len(text) - 1))
    torn = text[:place] + bytes([text[place] | 0x80]) + text[place + 1 :]
    rows.connection.execute(f"UPDATE runs SET {column} = CAST(? AS TEXT) WHERE key = ?", (torn, rows.keys[number]))
    try:
        pending = rows.rows[number][COLUMNS.index("checksum")] is None
        if column == "label" or (pending and column != "status"):
            assert rows.read() == rows.expected
        else:
            with pytest.raises(ValueError, match=r"run .* cannot be read: its checksum does not match"):
                rows.read()
    finally:
        rows.restore()


@many(2)
@given(seed=st.integers(0, 2**32))
def test_a_damaged_file_gives_true_results_or_an_error(rows, tmp_path_factory, seed):
    """Bytes are changed anywhere in the file. SQLite has no checksums: a row may be lost, but none is changed."""
    folder = Path("/dev/shm") if Path("/dev/shm").is_dir() else tmp_path_factory.getbasetemp()
    chance = random.Random(seed)
    rows.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(rows.store.path.read_bytes())
    for _ in range(chance.choice([1, 1, 3, 30])):
        place = chance.randrange(chance.choice([100, 4096, len(data)]))
        data[place : place + 1] = bytes([chance.randrange(256)])
    folder = folder / f"srnn-fuzz-{seed}"
    try:
        folder.mkdir()
        (folder / "results.sqlite").write_bytes(
            data[: chance.choice([len(data), len(data), chance.randrange(len(data))])]
        )
        true = rows.expected["all"]
        store = Store(folder)
        assert all(result in true for result in store)
        summary = summarise(rows.table, store)
        assert all(result in true for result in summary.results)
        store.statuses()
        with Session(store) as session:
            session.claim(rows.table.jobs())
            session.look()
    except ValueError as error:
        assert str(folder) in str(error)
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
