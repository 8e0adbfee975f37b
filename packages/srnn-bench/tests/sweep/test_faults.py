"""Sweeps that are killed, share a store or lose workers: in the end every run is stored once, unchanged."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from srnn_bench import Conditions, Job, Stage, Store, Training, sweep
from srnn_bench.store import Session
from srnn_bench.sweep import Watcher
from srnn_pruning import Pruning, Random

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="signals")]

# A sweep in its own process; its watcher writes one line per event, whole lines even if the process is killed.
DRIVER = """
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

from srnn_bench import Conditions, Experiment, Job, Store, sweep
from srnn_bench import Watcher

class Log(Watcher):
    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, *event):
        os.write(self.file, (json.dumps([os.getpid(), *event]) + "\\n").encode())

    def begun(self, job):
        self.write("begun", job.key)

    def reused(self, job, result, difference):
        self.write("reused", job.key)

    def epoch(self, job, end):
        workers = [worker.pid for worker in multiprocessing.active_children()]
        self.write("epoch", job.key, end.stage, end.number, workers)

    def ended(self, job, result):
        self.write("ended", job.key, result.status)

    def note(self, text):
        self.write("note", text)

if __name__ == "__main__":
    folder, how = Path(sys.argv[1]), json.loads(sys.argv[2])
    given = json.loads((folder / "jobs.json").read_text())
    jobs = [Job(Experiment.model_validate(experiment), seed, label) for experiment, seed, label in given]
    store, log = Store(folder / "store"), Log(folder / "log")
    while not (folder / "go").exists():
        (folder / f"ready.{os.getpid()}").touch()
        time.sleep(0.005)
    sweep(jobs, store, conditions=Conditions("cpu"), checkpoint_every=0.02, keep_weights=True, watcher=log, **how)
"""


class Log(Watcher):
    """A watcher that records its events."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []

    def begun(self, job):
        self.events.append(("begun", job.key))

    def reused(self, job, result, difference):
        self.events.append(("reused", job.key))

    def epoch(self, job, end):
        self.events.append(("epoch", job.key, end.stage, end.number))


class Sweeps:
    """Sweeps of the same runs in one folder, each in its own process and process group."""

    def __init__(self, folder: Path, jobs: list[Job], *, go: bool = True, **how: object) -> None:
        self.folder, self.how = folder, how
        folder.mkdir()
        given = [[job.experiment.model_dump(mode="json"), job.seed, job.label] for job in jobs]
        (folder / "jobs.json").write_text(json.dumps(given))
        (folder / "driver.py").write_text(DRIVER)
        if go:
            (folder / "go").touch()

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, str(self.folder / "driver.py"), str(self.folder), json.dumps(self.how)]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def finish(self, process: subprocess.Popen[str] | None = None) -> None:
        process = process or self.start()
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors

    def log(self) -> list[list[object]]:
        path = self.folder / "log"
        if not path.exists():
            return []
        lines, _, _ = path.read_text().rpartition("\n")  # the last line may be half written
        return [json.loads(line) for line in lines.splitlines()]

    def lines_of(self, kind: str) -> list[list[object]]:
        """Return the lines of this kind: process id, kind, content."""
        return [line for line in self.log() if line[1] == kind]

    def wait_for(self, kind: str, number: int = 1) -> list[object]:
        """Wait until there are `number` lines of this kind; return the first."""
        until = time.monotonic() + 120
        while len(self.lines_of(kind)) < number:
            assert time.monotonic() < until, f"no {kind} in {self.log()}"
            time.sleep(0.01)
        return self.lines_of(kind)[0]

    @property
    def store(self) -> Store:
        return Store(self.folder / "store")

    def outcomes(self) -> dict[str, object]:
        """Return the results without times, memory and place, and the weights as bytes."""
        weights = self.folder / "store" / "weights"
        return {
            result.key: (
                result.status,
                result.reason,
                result.environment.stacked,
                [(stage.name, stage.metrics, stage.densities, stage.history, stage.steps) for stage in result.stages],
                {path.name: path.read_bytes() for path in (weights / result.key).iterdir()},
            )
            for result in self.store
        }

    def left_over(self) -> list[str]:
        """Return the files that should not exist when all runs have ended."""
        store = self.folder / "store"
        checkpoints = list(store.glob("checkpoints/*"))
        halves = [path for path in store.rglob(".*") if path.is_file()]
        return [str(path.relative_to(store)) for path in (*checkpoints, *halves)]


def leased(store: Store, seconds: float) -> Store:
    """Return a store whose leases end after `seconds` without a heartbeat."""
    store.lease = seconds
    return store


def runs(tiny, epochs: int, number: int) -> list[Job]:
    """Return two short runs and `number` runs of `epochs` epochs, each with many checkpoints."""
    short = Training(epochs=2, batches=2, batch_size=8, learning_rate=1e-2)
    long = Training(epochs=epochs, batches=5, batch_size=8, learning_rate=1e-2, clip_norm=1.0)
    stages = (
        Stage(name="sparse", training=long, pruning=Pruning(sparsity=0.5, criterion=Random())),
        Stage(name="lottery", training=long, start="rewind"),
    )
    short_one = tiny(stages=(Stage(name="only", training=short),))
    return [Job(short_one, seed, f"short {seed}") for seed in range(2)] + [
        Job(tiny(stages=stages), seed, f"long {seed}") for seed in range(number)
    ]


def resumed(log: list[list[object]]) -> int:
    """Return how often a run resumed from a checkpoint: its first epoch after it began is not the first one."""
    count, waiting = 0, set[object]()
    for _, kind, *event in log:
        if kind == "begun":
            waiting.add(event[0])
        elif kind == "epoch" and event[0] in waiting:
            waiting.discard(event[0])
            count += (event[1], event[2]) not in (("sparse", 1), ("only", 1))
    return count


@pytest.mark.parametrize(("deaths", "stack", "whole_group"), [(20, "never", False), (10, "always", True)])
def test_a_sweep_that_is_killed_often_ends_like_an_uninterrupted_one(tiny, tmp_path, deaths, stack, whole_group):
    """Either the driver alone is killed, and its workers exit by themselves, or all its processes at once."""
    jobs = runs(tiny, 60, 10)
    unbroken = Sweeps(tmp_path / "unbroken", jobs, workers=2, stack=stack)
    begin = time.monotonic()
    unbroken.finish()
    seconds = time.monotonic() - begin
    expected = unbroken.outcomes()
    assert len(expected) == 12

    broken = Sweeps(tmp_path / "broken", jobs, workers=2, stack=stack)
    chance = random.Random(f"{stack} {whole_group}")
    for _ in range(deaths):
        before = len(broken.lines_of("epoch"))
        process = broken.start()
        if chance.random() < 0.3:  # at any time, mostly before the first step
            time.sleep(chance.uniform(0.0, 4 * seconds / deaths))
        else:  # at work
            broken.wait_for("epoch", before + chance.randint(1, 40))
            time.sleep(chance.uniform(0.0, 0.1))
        assert process.poll() is None, "the sweep ended before it was killed often enough"
        os.killpg(process.pid, signal.SIGKILL) if whole_group else process.kill()
        process.communicate()  # its workers hold the pipe: this returns when the last one has exited
    broken.finish()

    assert broken.outcomes() == expected
    assert broken.store.statuses() == {"done": 12}
    assert broken.left_over() == []
    assert resumed(broken.log()) >= deaths / 4


@pytest.mark.parametrize("stack", ["never", "always"])
def test_two_sweeps_on_one_store_execute_each_run_once(tiny, tmp_path, stack):
    jobs = runs(tiny, 10, 10)
    alone = Sweeps(tmp_path / "alone", jobs, stack=stack)
    both = Sweeps(tmp_path / "both", jobs, stack=stack, go=False)
    processes = [both.start(), both.start()]
    alone.finish()
    while len(list(both.folder.glob("ready.*"))) < 2:
        time.sleep(0.01)
    (both.folder / "go").touch()
    for process in processes:
        both.finish(process)
    assert both.outcomes() == alone.outcomes()
    assert both.store.statuses() == {"done": 12}
    assert both.left_over() == []
    for kind in ("begun", "ended"):
        assert Counter(line[2] for line in both.lines_of(kind)) == dict.fromkeys((job.key for job in jobs), 1)
    workers = Counter(line[0] for line in both.lines_of("ended"))
    assert len(workers) == 2, "both executed some runs"
    for process in processes:
        assert workers[process.pid] + sum(line[0] == process.pid for line in both.lines_of("reused")) == 12


def test_a_run_of_a_sleeping_sweep_is_claimed_and_its_late_result_is_not_stored(tiny, tmp_path):
    """As when a machine sleeps and wakes up after others have continued its run."""
    other, *jobs = runs(tiny, 100, 1)[1:]
    asleep = Sweeps(tmp_path / "asleep", jobs)
    with Session(asleep.store) as session:
        session.plan([other])  # another pending run, so that checkpoints left behind are not removed at the end
    process = asleep.start()
    asleep.wait_for("epoch", 5)
    process.send_signal(signal.SIGSTOP)
    try:
        assert asleep.store.statuses() == {"running": 1, "pending": 1}
        begun = time.monotonic()
        awake = Log()
        how = {"conditions": Conditions("cpu"), "checkpoint_every": 0.02, "keep_weights": True}
        sweep(jobs, leased(asleep.store, 1.5), **how, watcher=awake)
        assert awake.events[0] == ("begun", jobs[0].key), "it was claimed before it was done"
        assert time.monotonic() - begun > 1.0
    finally:
        process.send_signal(signal.SIGCONT)
    taken = asleep.outcomes()
    asleep.finish(process)
    assert asleep.lines_of("ended") == []
    assert [line[2] for line in asleep.lines_of("reused")] == [jobs[0].key]
    assert asleep.outcomes() == taken
    assert asleep.left_over() == []
    alone = Sweeps(tmp_path / "alone", jobs)
    alone.finish()
    assert alone.outcomes() == taken


def test_a_sweep_that_lost_a_lease_leaves_the_checkpoints_to_the_new_owner(tiny, tmp_path, monkeypatch):
    (job,) = runs(tiny, 5, 1)[2:]
    store, log = Store(tmp_path), Log()
    lost = []

    def lose(*_):
        if not lost:
            lost.append(True)
            with closing(sqlite3.connect(store.path)) as connection, connection:
                connection.execute("UPDATE runs SET owner = 'another-host/1/x'")

    monkeypatch.setattr(log, "epoch", lambda job, end: (lose(), Log.epoch(log, job, end)))
    sweep([job], leased(store, 1.5), conditions=Conditions("cpu"), checkpoint_every=0.0, watcher=log)
    # the other owner's lease ends too, and this sweep claims the run again and resumes from its last checkpoint
    assert [event[0] for event in log.events].count("begun") == 2
    assert Counter(event[2:] for event in log.events if event[0] == "epoch")["sparse", 1] == 1
    assert store.statuses() == {"done": 1}
    assert list(store.folder.glob("checkpoints/*")) == []


def test_checkpoints_of_other_stacks_are_removed_when_all_runs_have_ended(tiny, tmp_path):
    """With another stacking, no run resumes from the checkpoints of the old stacks."""
    one, other = runs(tiny, 1, 0)
    store = Store(tmp_path)
    old = tmp_path / "checkpoints" / "of an old stack"
    old.mkdir(parents=True)
    with Session(store) as session:
        session.plan([other])
    sweep([one], store, conditions=Conditions("cpu"), watcher=Log())
    assert old.exists(), "a run may still resume from it"
    sweep([other], store, conditions=Conditions("cpu"), watcher=Log())
    assert not old.exists()


@pytest.mark.parametrize("stack", ["never", "always"])
def test_the_runs_of_a_dead_sweep_are_claimed_at_once_and_resumed(tiny, tmp_path, stack):
    jobs = runs(tiny, 100, 2)[2:]
    dead = Sweeps(tmp_path / "dead", jobs, stack=stack)
    process = dead.start()
    dead.wait_for("epoch", 20)
    process.kill()
    process.communicate()
    assert dead.store.statuses()["running"] >= 1
    successor = Log()
    begun = time.monotonic()
    sweep(jobs, dead.store, conditions=Conditions("cpu"), stack=stack, keep_weights=True, watcher=successor)
    assert time.monotonic() - begun < Store.lease
    assert [event[0] for event in successor.events].count("begun") == 2
    first = next(event for event in successor.events if event[0] == "epoch")
    assert first[2:] != ("sparse", 1), "it resumed from its checkpoint"
    alone = Sweeps(tmp_path / "alone", jobs, stack=stack)
    alone.finish()
    assert dead.outcomes() == alone.outcomes()


def test_a_stack_of_another_machine_is_resumed_as_a_stack_when_its_lease_ends(tiny, tmp_path):
    """A process of another machine or container cannot be checked, but its heartbeat has stopped."""
    jobs = runs(tiny, 60, 3)[2:]
    dead = Sweeps(tmp_path / "dead", jobs, stack="always")
    process = dead.start()
    dead.wait_for("epoch", 20)
    process.kill()
    process.communicate()
    with closing(sqlite3.connect(dead.store.path)) as connection, connection:
        connection.execute("UPDATE runs SET owner = 'another-host/1/x'")
    successor = Log()
    sweep(
        jobs,
        leased(dead.store, 2.0),
        conditions=Conditions("cpu"),
        stack="always",
        keep_weights=True,
        watcher=successor,
    )
    assert next(event for event in successor.events if event[0] == "epoch")[2:] != ("sparse", 1)
    alone = Sweeps(tmp_path / "alone", jobs, stack="always")
    alone.finish()
    assert dead.outcomes() == alone.outcomes()
    assert dead.left_over() == []


def test_the_run_of_a_killed_worker_is_started_once_more_from_its_checkpoint(tiny, tmp_path):
    jobs = runs(tiny, 60, 3)[2:]
    sweeps = Sweeps(tmp_path / "killed", jobs, workers=2, stack="never")
    process = sweeps.start()
    sweeps.wait_for("epoch", 25)
    (*_, workers) = sweeps.lines_of("epoch")[-1]
    os.kill(workers[0], signal.SIGKILL)
    sweeps.finish(process)
    (note,) = sweeps.lines_of("note")
    assert note[2].endswith("the worker process was lost; started once more")
    assert Counter(line[2] for line in sweeps.lines_of("begun")) == dict.fromkeys((job.key for job in jobs), 1)
    first = Counter(line[2] for line in sweeps.lines_of("epoch") if line[3:5] == ["sparse", 1])
    assert first == dict.fromkeys((job.key for job in jobs), 1), "none started over"
    alone = Sweeps(tmp_path / "alone", jobs, stack="never")
    alone.finish()
    assert sweeps.outcomes() == alone.outcomes()
    assert sweeps.left_over() == []


# --- a disk that is full ----------------------------------------------------------------------------------------------

FULL = """
import resource
import sys
from pathlib import Path

from srnn_bench import Conditions, DiskError, Experiment, Job, Store, sweep
from srnn_bench import Watcher

class Narrow(Watcher):
    def __init__(self, limit):
        self.limit = limit

    def epoch(self, job, end):
        if job.seed == 1 and end.number == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.limit, resource.RLIM_INFINITY))

if __name__ == "__main__":
    store = Store(sys.argv[1])
    jobs = [Job(Experiment.model_validate_json(Path(sys.argv[2]).read_text()), seed, str(seed)) for seed in range(3)]
    try:
        sweep(jobs, store, conditions=Conditions("cpu"), stack="never", checkpoint_every=0.0,
            watcher=Narrow(int(sys.argv[3])))
    except DiskError as error:
        print(error)
        sys.exit(7)
"""


@pytest.mark.parametrize("limit", [2000, 0])
def test_a_full_disk_stops_the_sweep_and_leaves_the_store_intact(tiny, tmp_path, limit):
    """The system refuses to write files beyond a size: first those of checkpoints, then all, including the store's."""
    (tmp_path / "full.py").write_text(FULL)
    (tmp_path / "experiment.json").write_text(tiny().model_dump_json())
    command = [str(tmp_path / "full.py"), str(tmp_path / "store"), str(tmp_path / "experiment.json"), str(limit)]
    ended = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 7, ended.stderr
    assert str(tmp_path / "store" / "checkpoints") in ended.stdout
    assert "cannot be written: File too large" in ended.stdout
    store = Store(tmp_path / "store")
    (first,) = store
    assert (first.seed, first.status) == (0, "done")
    assert store.statuses() in ({"done": 1, "pending": 2}, {"done": 1, "running": 1, "pending": 1})
    successor = Log()
    sweep([Job(tiny(), seed, str(seed)) for seed in range(3)], store, conditions=Conditions("cpu"), watcher=successor)
    assert store.statuses() == {"done": 3}
    assert ("reused", tiny().key(0)) in successor.events
    assert ("epoch", tiny().key(1), "sparse", 1) not in successor.events, "it resumed from the earlier checkpoint"
    assert list(store.folder.glob("checkpoints/*")) == []
