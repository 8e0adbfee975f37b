"""Sweeps that are killed, that share a store, that lose their workers: in the end every run is there once, unchanged."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from srnn_bench import Job, Stage, Store, Training
from srnn_bench._store import Session
from srnn_pruning import Pruning, Random

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="signals")]

# A sweep in a process of its own: it writes down what it is told, a line each, whole lines even when it is killed.
DRIVER = """
import json
import os
import sys
import time
from pathlib import Path

from srnn_bench import Conditions, Experiment, Job, Store, sweep
from srnn_bench._watch import Quiet

class Log(Quiet):
    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def tell(self, *said):
        os.write(self.file, (json.dumps([os.getpid(), *said]) + "\\n").encode())

    def begun(self, job):
        self.tell("begun", job.key)

    def reused(self, job, result, difference):
        self.tell("reused", job.key)

    def epoch(self, job, stage, number, epochs, epoch):
        self.tell("epoch", job.key, stage, number)

    def ended(self, job, result):
        self.tell("ended", job.key, result.status)

    def note(self, text):
        self.tell("note", text)

if __name__ == "__main__":
    folder, how = Path(sys.argv[1]), json.loads(sys.argv[2])
    given = json.loads((folder / "jobs.json").read_text())
    jobs = [Job(Experiment.model_validate(experiment), seed, label) for experiment, seed, label in given]
    store, log = Store(folder / "store"), Log(folder / "log")
    while not (folder / "go").exists():
        (folder / f"ready.{os.getpid()}").touch()
        time.sleep(0.005)
    log.tell("sweep")
    sweep(jobs, store, conditions=Conditions("cpu"), checkpoint_every=0.02, keep_weights=True, watcher=log, **how)
    log.tell("over")
"""


class Sweeps:
    """Sweeps of the same runs in a folder of their own, each in a process and a process group of its own."""

    def __init__(self, folder: Path, jobs: list[Job], **how: object) -> None:
        self.folder, self.how = folder, how
        folder.mkdir()
        given = [[job.experiment.model_dump(mode="json"), job.seed, job.label] for job in jobs]
        (folder / "jobs.json").write_text(json.dumps(given))
        (folder / "driver.py").write_text(DRIVER)
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
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def said(self, kind: str) -> list[list[object]]:
        return [line for line in self.log() if line[1] == kind]

    def wait_for(self, kind: str, number: int = 1) -> list[object]:
        """Return the first line of that kind, when there are so many of them."""
        until = time.monotonic() + 120
        while len(self.said(kind)) < number:
            assert time.monotonic() < until, f"no {kind} in {self.log()}"
            time.sleep(0.01)
        return self.said(kind)[0]

    @property
    def store(self) -> Store:
        return Store(self.folder / "store")

    def outcomes(self) -> dict[str, object]:
        """Return all of the results but times, memory and place, and the weights as bytes."""
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
        """Return what should not be there when all runs have ended."""
        store = self.folder / "store"
        checkpoints = [path for path in store.glob("checkpoints/*")]
        halves = [path for path in store.rglob(".*") if path.is_file()]
        return [str(path.relative_to(store)) for path in (*checkpoints, *halves)]


@pytest.fixture
def jobs(tiny):
    """Give two short runs and ten long ones: each of these has many checkpoints."""
    short = Training(epochs=2, batches=2, batch_size=8, learning_rate=1e-2)
    long = Training(epochs=60, batches=5, batch_size=8, learning_rate=1e-2, clip_norm=1.0)
    stages = (
        Stage(name="sparse", training=long, pruning=Pruning(sparsity=0.5, criterion=Random())),
        Stage(name="lottery", training=long, start="rewind"),
    )
    short_one = tiny(stages=(Stage(name="only", training=short),))
    return [Job(short_one, seed, f"short {seed}") for seed in range(2)] + [
        Job(tiny(stages=stages), seed, f"long {seed}") for seed in range(10)
    ]


def resumed(log: list[list[object]]) -> int:
    """Return how often a run went on from a checkpoint: its first epoch after it began is not the first there is."""
    count, waiting = 0, set()
    for _, kind, *said in log:
        if kind == "begun":
            waiting.add(said[0])
        elif kind == "epoch" and said[0] in waiting:
            waiting.discard(said[0])
            count += (said[1], said[2]) not in (("sparse", 1), ("only", 1))
    return count


@pytest.mark.parametrize(("stack", "whole_group"), [("never", False), ("always", True)])
def test_a_sweep_killed_twenty_times_ends_like_an_unbroken_one(jobs, tmp_path, stack, whole_group):
    """The driver alone is killed, whose workers then end by themselves, or all its processes at one blow."""
    unbroken = Sweeps(tmp_path / "unbroken", jobs, workers=2, stack=stack)
    begin = time.monotonic()
    unbroken.finish()
    seconds = time.monotonic() - begin
    expected = unbroken.outcomes()
    assert len(expected) == 12

    broken = Sweeps(tmp_path / "broken", jobs, workers=2, stack=stack)
    chance = random.Random(f"{stack} {whole_group}")
    for _ in range(20):
        before = len(broken.said("epoch"))
        process = broken.start()
        if chance.random() < 0.3:  # at any time, mostly before the first step
            time.sleep(chance.uniform(0.0, 0.5 * seconds))
        else:  # at work
            broken.wait_for("epoch", before + chance.randint(1, 40))
            time.sleep(chance.uniform(0.0, 0.1))
        assert process.poll() is None, "there was too little work for so many deaths"
        os.killpg(process.pid, signal.SIGKILL) if whole_group else process.kill()
        process.communicate()  # its workers hold the pipe: this returns when the last of them is gone
    broken.finish()

    assert broken.outcomes() == expected
    assert broken.store.statuses() == {"done": 12}
    assert broken.left_over() == []
    assert resumed(broken.log()) >= 5
