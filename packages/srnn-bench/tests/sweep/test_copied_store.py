"""The main file of a store is copied at random moments of sweeps that are killed: each copy has what was announced."""

import json
import subprocess
import sys

import pytest

from srnn_bench import BenchError, Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

MOMENTS = 10

# Starts sweeps of the same runs in forked processes, so that torch is imported once, and kills each one after it has
# announced a few runs. The main file is copied while the sweep works and after it was killed.
DRIVER = """
import json, os, random, shutil, signal, sys, time
from pathlib import Path

from srnn_bench import Conditions, Experiment, Job, Stage, Store, Training, Watcher, sweep
from srnn_models import ElmanRNN, SequenceModel
from srnn_tasks import Adding

folder, moments = Path(sys.argv[1]), int(sys.argv[2])
training = Training(epochs=1, batches=1, batch_size=2, learning_rate=1e-3)
experiment = Experiment(
    task=Adding(steps=3, held_out=2),
    model=SequenceModel(recurrence=ElmanRNN(hidden=2)),
    stages=(Stage(name="only", training=training),),
)
jobs = [Job(experiment, seed, "x" * (seed % 7 * 30)) for seed in range(600)]

class Log(Watcher):
    def ended(self, job, result):
        os.write(log, (job.key + "\\n").encode())

def announced():
    return (folder / "log").read_text().split()

chance, copies = random.Random(0), []
log = os.open(folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def copy(kind):
    keys = announced()  # before the file is copied
    target = folder / f"{kind}-{len(copies)}"
    target.mkdir()
    shutil.copyfile(folder / "store" / "results.sqlite", target / "results.sqlite")
    beside = (folder / "store" / "results.sqlite-journal").exists()
    copies.append({"folder": str(target), "announced": keys, "beside": beside})

for moment in range(moments):
    before = len(announced())
    child = os.fork()
    if child == 0:
        sweep(jobs, Store(folder / "store"), conditions=Conditions("cpu"), stack="never", watcher=Log())
        os._exit(1)  # it should have been killed
    until = time.monotonic() + 300
    while len(announced()) <= before and time.monotonic() < until:
        time.sleep(0.001)
    copy("live")
    time.sleep(chance.random() * 0.1)
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    copy("killed")

(folder / "copies.json").write_text(json.dumps(copies))
"""


def test_a_copy_of_the_main_file_of_a_killed_sweep_has_every_announced_run(tmp_path):
    driver = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path), str(MOMENTS)], capture_output=True, text=True, timeout=1200
    )
    assert driver.returncode == 0, driver.stderr
    copies = json.loads((tmp_path / "copies.json").read_text())
    assert len(copies) == 2 * MOMENTS and len(copies[-1]["announced"]) >= MOMENTS
    whole = 0
    for copy in copies:
        try:
            found = Store(copy["folder"]).keys()
        except BenchError:  # copied within a write: refused, not silent
            assert copy["beside"] or "live" in copy["folder"]
        else:
            assert set(copy["announced"]) <= set(found), copy["folder"]
            whole += 1
    assert whole >= MOMENTS
    store = Store(tmp_path / "store")
    assert set(copies[-1]["announced"]) <= set(store.keys())
