"""Damage of every kind to store rows, checkpoints and experiment files: a clear error, or exactly what was there."""

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from srnn_bench import Conditions, Experiment, Job, Stage, Store, Training, run
from srnn_bench.cli import read_experiment
from srnn_bench.papers import TABLES, table
from srnn_bench.store import Session
from srnn_bench.tables import Cell, Table, summarise
from srnn_bench.training import CheckpointPolicy, run_together
from srnn_pruning import Pruning, Random

# the fixtures hold what all examples share; each example puts back what it changes
FUZZ = {"suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow], "deadline": None}


# --- rows of a store --------------------------------------------------------------------------------------------------

COLUMNS = (
    *("key", "label", "experiment", "seed", "status", "owner", "heartbeat", "started", "ended", "seconds", "reason"),
    *("stages", "environment", "checksum"),
)


class Rows:
    """A store with results of a table, whose rows can be changed behind its back and put back."""

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
        """Return all that can be read, and the numbers of the table, by a store that was just opened."""
        store = Store(self.store.folder)
        summary = summarise(self.table, store)
        return {
            "all": list(store),
            "keys": store.keys(),
            "results": {place: cell.results for place, cell in summary.cells.items()},
            "numbers": {
                place: (cell.n, cell.mean, cell.sd, cell.values, cell.missing, cell.densities, cell.step_ms)
                for place, cell in summary.cells.items()
            },
            "done": (summary.done, summary.wanted, summary.stale),
        }

    def put_back(self) -> None:
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


def paths(data, path=()):
    """Give the path of every value in JSON data, itself included."""
    yield path
    if isinstance(data, dict | list):
        for name, part in data.items() if isinstance(data, dict) else enumerate(data):
            yield from paths(part, (*path, name))


def changed(data, path, change):
    """Return JSON data with the value at a path changed."""
    if not path:
        return change(data)
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = changed(copy[path[0]], path[1:], change)
    return copy


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10),
    st.sampled_from([2**63, -(2**64), 10**30, 1e308, -0.0, 0.5, "", "adding", "continue", "\ud800", "\x00"]),
    st.floats(),
    st.text(max_size=5),
)
JSON = st.recursive(
    LEAVES,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3),
    max_leaves=5,
)


def edited(draw, text: str) -> str:
    """Return a text with a character or a part inserted, deleted, replaced or doubled."""
    first = draw(st.integers(0, len(text)))
    last = min(len(text), first + draw(st.sampled_from([0, 1, 1, 2, 10, 10_000])))
    new = draw(
        st.one_of(
            st.just(""),
            st.sampled_from(
                [*'0123456789-+.eE"[]{},:\\', "null", "true", "NaN", "Infinity", "1e999", "\x00", "[" * 300]
            ),
            st.text(max_size=3),
            st.just(text[first:last] * 2),
        )
    )
    return text[:first] + new + text[last:]


def altered(draw, text: str) -> str:
    """Return JSON text with a value at some path changed, so that it is still JSON."""
    data = json.loads(text)
    path = draw(st.sampled_from(list(paths(data))))
    number = draw(st.sampled_from([1, -1, 0.5, 1e-9]))

    def change(value):
        if isinstance(value, int | float) and not isinstance(value, bool) and draw(st.booleans()):
            return value + number
        if isinstance(value, list) and value and draw(st.booleans()):
            return draw(st.sampled_from([value[:-1], value[::-1], value * 2]))
        if isinstance(value, dict) and value and draw(st.booleans()):
            name = draw(st.sampled_from(sorted(value)))
            return {key: held for key, held in value.items() if key != name}
        return draw(JSON)

    return json.dumps(changed(data, path, change))


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
    """Count what became of the examples, so that a test cannot pass by always meeting the same end."""
    ends: list[str] = []
    yield ends
    assert ends.count("error") > 50 < ends.count("same"), (ends.count("error"), ends.count("same"))


@settings(max_examples=2500, **FUZZ)
@given(data=st.data())
def test_a_damaged_row_is_an_error_that_names_it_and_never_a_wrong_number(rows, counted, data):
    column, statements = data.draw(damages(rows))
    try:
        for value, key in statements:
            rows.connection.execute(f"UPDATE runs SET {column} = ? WHERE key = ?", (value, key))
    except (sqlite3.Error, UnicodeError):  # the file itself does not take it
        rows.put_back()
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
        rows.put_back()


@settings(max_examples=300, **FUZZ)
@given(data=st.data())
def test_bytes_that_are_no_text_are_an_error_that_names_the_row(rows, data):
    """A bit that flips in the file makes a text that is no UTF-8, which Python cannot even read."""
    column = data.draw(st.sampled_from(["key", "label", "experiment", "status", "reason", "stages", "environment"]))
    number = data.draw(st.sampled_from([n for n, row in enumerate(rows.rows) if row[COLUMNS.index(column)]]))
    held = rows.rows[number][COLUMNS.index(column)].encode()
    place = data.draw(st.integers(0, len(held) - 1))
    torn = held[:place] + bytes([held[place] | 0x80]) + held[place + 1 :]
    rows.connection.execute(f"UPDATE runs SET {column} = CAST(? AS TEXT) WHERE key = ?", (torn, rows.keys[number]))
    try:
        pending = rows.rows[number][COLUMNS.index("checksum")] is None
        if column == "label" or (pending and column != "status"):
            assert rows.read() == rows.expected
        else:
            with pytest.raises(ValueError, match=r"run .* cannot be read: its checksum does not fit"):
                rows.read()
    finally:
        rows.put_back()


@settings(max_examples=200, **FUZZ)
@given(seed=st.integers(0, 2**32))
def test_a_damaged_file_gives_true_results_or_an_error(rows, tmp_path_factory, seed):
    """Bytes changed anywhere in the file: SQLite has no checksums, so a row may be lost, but none becomes another."""
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


# --- checkpoints ------------------------------------------------------------------------------------------------------


class Stop(BaseException):
    """The end of the process, as far as the engine can see."""


class Torn:
    """A run that was stopped, with its two checkpoints, and the results of the unbroken run."""

    def __init__(self, tiny, folder: Path) -> None:
        short = Training(epochs=2, batches=2, batch_size=4, learning_rate=1e-2)
        pruned = Pruning(sparsity=0.5, criterion=Random())
        self.experiment = tiny(penalties=(), stages=(Stage(name="only", training=short, pruning=pruned),))
        self.folder, self.told = folder, []
        self.expected = self.run(None)
        with pytest.raises(Stop):
            self.run(self.folder, stop=True)
        self.held = {path.name: path.read_bytes() for path in self.place().iterdir()}
        assert len(self.held) == 2

    def place(self) -> Path:
        return self.folder / self.experiment.key(0)

    def run(self, folder, stop=False):
        def stop_first(end):
            if stop:
                raise Stop

        self.told.clear()
        policy = CheckpointPolicy(folder, every=0.0, weights=True)
        (made,) = run_together(
            self.experiment,
            (0,),
            conditions=Conditions("cpu"),
            policy=policy,
            on_epoch=stop_first,
            on_note=self.told.append,
        )
        (stage,) = made.result.stages
        return made.result.status, stage.metrics, stage.densities, stage.history, made.weights

    def lay(self, files) -> None:
        self.place().mkdir(parents=True, exist_ok=True)
        for path in self.place().iterdir():
            path.unlink()
        for name, data in files.items():
            (self.place() / name).write_bytes(data)


@pytest.fixture
def torn(tiny, tmp_path, monkeypatch) -> Torn:
    monkeypatch.setattr("os.fsync", lambda _: None)
    return Torn(tiny, tmp_path)


@st.composite
def torn_files(draw, held: dict[str, bytes]):
    """Draw the files of checkpoints with some changed: bytes, length, name, or gone."""
    files = {}
    names = sorted(held)
    for name in names:
        data = held[name]
        place = draw(st.integers(0, len(data)))
        how = draw(
            st.sampled_from(["none", "cut", "flip", "insert", "empty", "other", "gone", "name", "zeros", "append"])
        )
        if how == "cut":
            data = data[:place]
        elif how == "flip":
            place = min(place, len(data) - 1)
            data = data[:place] + bytes([data[place] ^ (1 << draw(st.integers(0, 7)))]) + data[place + 1 :]
        elif how == "insert":
            data = data[:place] + draw(st.binary(min_size=1, max_size=9)) + data[place:]
        elif how == "empty":
            data = b""
        elif how == "other":
            data = held[names[name == names[0]]]
        elif how == "zeros":
            data = data[:place] + b"\x00" * (len(data) - place)
        elif how == "append":
            data += draw(st.binary(min_size=1, max_size=9))
        elif how == "name":
            number = draw(st.sampled_from(["0", "00000000", "7", "99999999999999999999", "x", "-1", "1.5", ""]))
            name = number + name[8:]
        if how != "gone":
            files[name] = data
    return files


@settings(max_examples=400, **FUZZ)
@given(data=st.data())
def test_a_run_with_damaged_checkpoints_ends_like_an_unbroken_one(torn, data):
    files = data.draw(torn_files(torn.held))
    torn.lay(files)
    assert torn.run(torn.folder) == torn.expected
    aside = [path for path in torn.place().iterdir() if path.suffix == ".damaged"]
    assert len(aside) == len(torn.told)
    for path in aside:
        assert any(path.stem in text and "set aside as damaged" in text for text in torn.told)


@settings(max_examples=300, **FUZZ)
@given(data=st.data())
def test_bytes_of_any_kind_are_read_as_a_checkpoint_or_refused(tmp_path, data):
    """Even where somebody makes the checksum fit: what is unpacked is plain data, and any error is a ValueError."""
    from srnn_bench.training import pack, unpack

    whole = pack({"identity": 1, "state": [(1.5, None), {"a": True, 2: "b"}]})
    length = int.from_bytes(whole[:8], "little")
    header = edited(data.draw, whole[8 : 8 + length].decode()).encode(errors="replace")
    with suppress(ValueError):
        unpack(len(header).to_bytes(8, "little") + header + whole[8 + length :])


# --- experiment files -------------------------------------------------------------------------------------------------


@pytest.fixture
def texts(tiny) -> list[str]:
    """Give the JSON of experiments: the tiny one, and one of each table of the papers."""
    found = [table(name, "smoke").cells[-1].experiment for name in TABLES]
    return [experiment.model_dump_json() for experiment in (tiny(), *found)]


def check(path: Path, text: str | bytes) -> Experiment | None:
    """Return the experiment of a file with that text, None where it is refused as it should be."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode(errors="surrogatepass"))
    try:
        experiment = read_experiment(path)
    except ValueError as error:
        assert str(path) in str(error)
        assert type(error) is ValueError
        return None
    again = Experiment.model_validate_json(experiment.model_dump_json())
    assert again == experiment
    assert again.key(5) == experiment.key(5)
    return experiment


@settings(max_examples=1500, **FUZZ)
@given(data=st.data())
def test_an_edited_experiment_file_is_an_experiment_or_an_error_that_names_it(texts, tmp_path, data):
    text = data.draw(st.sampled_from(texts))
    for _ in range(data.draw(st.integers(1, 3))):
        text = edited(data.draw, text)
    check(tmp_path / "experiment.json", text)


@settings(max_examples=1500, **FUZZ)
@given(data=st.data())
def test_an_altered_experiment_file_is_an_experiment_or_an_error_that_names_it(texts, tmp_path, data):
    text = altered(data.draw, data.draw(st.sampled_from(texts)))
    check(tmp_path / "experiment.json", text)


@settings(max_examples=300, **FUZZ)
@given(data=st.binary(max_size=50) | JSON.map(json.dumps))
def test_anything_else_is_no_experiment(tmp_path, data):
    assert check(tmp_path / "experiment.json", data) is None


@pytest.mark.parametrize(
    "change",
    [
        ('"hidden":6', '"hidden":' + "9" * 5000),
        ('"hidden":6', '"hidden":"' + "9" * 5000 + '"'),
        ('"hidden":6', '"hidden":6e0e0'),
        ('"hidden":6', '"hidden":6.5'),
        ('"strength":0.1', '"strength":NaN'),
        ('"strength":0.1', '"strength":-Infinity'),
        ('"strength":0.1', '"strength":1e999'),
        ('"held_out":50', '"held_out":' + "[" * 100_000),
        ('"held_out":50', '"held_out":' + "[" * 100_000 + "]" * 100_000),
        ('"held_out":50', '"held_out":' + '{"a":' * 100_000 + "1" + "}" * 100_000),
        ('"kind":"adding"', '"kind":"' + "a" * 1_000_000 + '"'),
        ('"kind":"adding"', '"kind":{"kind":"adding"}'),
        ('"kind":"adding"', '"kind":"../adding"'),
        ('"name":"sparse"', '"name":"../../sparse"'),
        ('"name":"sparse"', '"name":"lottery"'),
        ('"name":"sparse"', '"name":"sparse\\n"'),
        ('"hidden":6', '"hidden":6,"hidden":7'),
        ('"hidden":6', '"hidden":6,"hidden":6'),
        ('"held_out":50', '"held_out":50,"held_out":50'),
        ('"task":', '"task":{"kind":"adding","steps":5,"held_out":50},"task":'),
    ],
    ids=lambda change: change[1][:30],
)
def test_what_is_no_experiment_is_refused(tiny, tmp_path, change):
    text = tiny().model_dump_json()
    assert change[0] in text
    assert check(tmp_path / "experiment.json", text) == tiny()
    assert check(tmp_path / "experiment.json", text.replace(*change, 1)) is None


def test_a_field_that_stands_twice_is_named(tiny, tmp_path):
    path = tmp_path / "experiment.json"
    path.write_text(tiny().model_dump_json().replace('"hidden":6', '"hidden":6,"hidden":7'))
    with pytest.raises(ValueError, match=r"experiment.json: expected each field once, but hidden stands twice"):
        read_experiment(path)
