"""The display of a sweep: what it counts, and what it says where there is no terminal."""

import io
import re
import time

import pytest
from rich.console import Console

from srnn_bench import Conditions, EpochEnd, Job, run
from srnn_bench.sweep import Display, duration


@pytest.fixture
def out():
    return io.StringIO()


def test_plain_lines_where_there_is_no_terminal(tiny, out):
    experiment = tiny()
    display = Display(3, Console(file=out, width=200))
    jobs = [Job(experiment, seed, f"job {seed}") for seed in range(3)]
    done = run(experiment, seed=0, conditions=Conditions("cpu"))
    failed = done.model_copy(update={"status": "failed", "reason": "because", "stages": ()})
    display.reused(jobs[0], done, "threads 1, now 2")
    display.begun(jobs[1])
    display.epoch(jobs[1], EpochEnd(0, "sparse", 1, 3, done.stages[0].history[0]))
    display.note("a checkpoint was damaged")
    display.ended(jobs[1], done)
    display.begun(jobs[2])
    display.ended(jobs[2], failed)
    display.close()
    lines = out.getvalue().splitlines()
    assert lines[0] == (
        "reused job 0, produced under different conditions (threads 1, now 2); pass --refresh to re-run it"
    )
    assert lines[1] == "a checkpoint was damaged"
    assert lines[2].startswith("[2/3] job 1: done, ") and "lottery mse" in lines[2]
    assert re.fullmatch(r"\[3/3\] job 2: failed: because, \d+ s", lines[3]), "no stages, so nothing after the time"
    assert lines[4].startswith("2 executed, 1 reused, in ")
    assert len(lines) == 5, "no line per epoch, no escape codes"
    assert display.statuses == {"done": 2, "failed": 1}


def test_without_a_terminal_a_long_run_prints_an_epoch_each_half_minute(tiny, out, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    display = Display(2, Console(file=out, width=200))
    job = Job(tiny(), 0, "job 0")
    epoch = run(tiny(), seed=0, conditions=Conditions("cpu")).stages[0].history[0].model_copy(update={"loss": 0.5})
    display.begun(job)
    for number, seconds in ((1, 10.0), (2, 31.0), (3, 40.0)):
        now[0] = 100.0 + seconds
        display.epoch(job, EpochEnd(0, "sparse", number, 3, epoch))
    assert out.getvalue() == "job 0: sparse 2/3, loss 0.5; in total 1 running, 2 min 35 s left\n"


def test_a_terminal_shows_states_and_the_time_left(tiny, out, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    display = Display(4, Console(file=out, width=120, force_terminal=True))
    experiment = tiny()
    jobs = [Job(experiment, seed, f"job {seed}") for seed in range(4)]
    result = run(experiment, seed=0, conditions=Conditions("cpu"))
    display.begun(jobs[0])
    display.begun(jobs[1])
    now[0] = 110.0
    display.ended(jobs[0], result)
    state = display.progress.tasks[0].fields["state"]
    assert state == "1 done, 1 running, 30 s left"  # 10 s for one run, three are left
    display.epoch(jobs[1], EpochEnd(0, "lottery", 3, 3, result.stages[1].history[2]))
    assert "20 s left" not in state
    assert display.progress.tasks[0].fields["state"] == "1 done, 1 running, 10 s left"  # two in 10 s, two are left
    display.close()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *[(0.4, "0 s"), (59.6, "1 min 0 s"), (3599.7, "1 h 0 min"), (90, "1 min 30 s")],
        *[(100000, "27 h 46 min"), (200000, "2 d 7 h")],
    ],
)
def test_durations_have_two_units(seconds, text):
    assert duration(seconds) == text
