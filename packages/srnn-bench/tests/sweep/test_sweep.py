"""Sweeps: which results are reused and which runs are executed, in one process and in several."""

import signal
import subprocess
import sys

import pytest

from srnn_bench import Conditions, Job, Masked, Stage, Store, Training, sweep
from srnn_bench.sweep import Watcher, Work, execute, failures
from srnn_bench.training import CheckpointPolicy, stream
from srnn_masks import Bernoulli
from srnn_tasks import Adding


class Log(Watcher):
    """A watcher that records its events."""

    def __init__(self):
        self.reuses, self.epochs, self.ends = [], [], []

    def reused(self, job, result, difference):
        self.reuses.append((job.label, difference))

    def epoch(self, job, end):
        self.epochs.append((job.label, end.stage, end.number, end.epochs))

    def ended(self, job, result):
        self.ends.append((job.label, result.status))


CPU = Conditions(device="cpu")


def jobs(experiment, seeds=(0, 1, 2)):
    return [Job(experiment, seed, f"seed {seed}") for seed in seeds]


def outcomes(store):
    return {
        result.key: [(stage.name, stage.metrics, stage.densities, stage.history) for stage in result.stages]
        for result in store
    }


@pytest.mark.slow
def test_the_number_of_workers_does_not_change_a_bit(tiny, tmp_path):
    logs = {}
    for workers in (1, 2):
        logs[workers] = Log()
        sweep(jobs(tiny()), Store(tmp_path / str(workers)), workers=workers, conditions=CPU, watcher=logs[workers])
    assert outcomes(Store(tmp_path / "1")) == outcomes(Store(tmp_path / "2"))
    assert sorted(logs[1].ends) == sorted(logs[2].ends) == [(f"seed {seed}", "done") for seed in range(3)]
    assert sorted(logs[1].epochs) == sorted(logs[2].epochs)
    assert len(logs[1].epochs) == 3 * 2 * 3


def test_stored_results_are_reused(tiny, tmp_path):
    store, first, second = Store(tmp_path), Log(), Log()
    sweep(jobs(tiny(), (0, 1)), store, conditions=CPU, watcher=first)
    before = list(store)
    sweep(jobs(tiny(), (1, 2, 2)), store, conditions=CPU, watcher=second)
    assert [label for label, _ in first.ends] == ["seed 0", "seed 1"]
    assert second.reuses == [("seed 1", None)]
    assert second.ends == [("seed 2", "done")]
    assert all(result in list(store) for result in before)


def test_runs_without_weights_are_repeated_if_weights_are_to_be_kept(tiny, tmp_path):
    store, log = Store(tmp_path), Log()
    for keep in (False, True, True):
        sweep(jobs(tiny(), (0,)), store, conditions=CPU, keep_weights=keep, watcher=log)
    assert [label for label, _ in log.ends] == ["seed 0", "seed 0"]
    assert [label for label, _ in log.reuses] == ["seed 0"]
    assert store.has_weights(store.get(tiny().key(0)))


def test_the_weights_of_a_replaced_result_are_removed(tiny, tmp_path):
    store, log = Store(tmp_path), Log()
    sweep(jobs(tiny(), (0,)), store, conditions=CPU, keep_weights=True, watcher=log)
    sweep(jobs(tiny(), (0,)), store, conditions=Conditions("cpu", "bfloat16"), refresh=True, watcher=log)
    assert len(log.ends) == 2
    assert list((tmp_path / "weights").iterdir()) == []


def test_a_result_of_other_conditions_is_reused_with_the_difference_or_refreshed(tiny, tmp_path):
    store, log = Store(tmp_path), Log()
    sweep(jobs(tiny(), (0,)), store, conditions=CPU, watcher=log)
    (result,) = store
    old = {**result.environment.packages, "srnn-masks": "0.0.9"}
    store.put(result.model_copy(update={"environment": result.environment.model_copy(update={"packages": old})}))
    sweep(jobs(tiny(), (0,)), store, conditions=Conditions("cpu", threads=2), watcher=log)
    assert log.reuses == [("seed 0", "srnn-masks 0.0.9, now 0.2.0; threads 1, now 2")]
    sweep(jobs(tiny(), (0,)), store, conditions=CPU, refresh=True, watcher=log)
    assert len(log.ends) == 2
    assert next(iter(store)).environment == result.environment


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_error_in_one_run_is_recorded_and_stops_nothing_else(tiny, tmp_path, workers):
    wrong = tiny(masks=(Masked(parameter="nix", pattern=Bernoulli(density=0.5)),))
    store, log = Store(tmp_path), Log()
    sweep([*jobs(wrong, (0,)), *jobs(tiny(), (1,))], store, workers=workers, conditions=CPU, watcher=log)
    assert sorted(log.ends) == [("seed 0", "failed"), ("seed 1", "done")]
    failed = store.get(wrong.key(0))
    assert failed.reason.startswith("BenchError: masks.0.parameter: 'nix' matches no weight matrix")
    sweep(jobs(wrong, (0,)), store, conditions=CPU, watcher=log)
    assert log.reuses == [], "a failed run is tried again"


def test_wrong_conditions_are_refused_before_the_first_run(tiny, tmp_path):
    store, log = Store(tmp_path), Log()
    with pytest.raises(ValueError, match="precision: expected one of"):
        sweep(jobs(tiny()), store, conditions=Conditions("cpu", precision="fp8"), watcher=log)
    assert list(store) == [] == log.ends


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["never", "always"])
def test_a_lost_worker_costs_no_other_run(trial, tmp_path, stack):
    """One run of five kills its worker whenever it is tried, alone or in a stack."""
    experiment = trial(deadly_stream=stream(2, "task").initial_seed())
    store = Store(tmp_path / "store")
    sweep(jobs(experiment, range(5)), store, workers=2, conditions=CPU, stack=stack, watcher=Watcher())
    ends = {result.seed: (result.status, result.reason) for result in store}
    assert {seed: status for seed, (status, _) in ends.items()} == dict.fromkeys((0, 1, 3, 4), "done") | {2: "failed"}
    assert ends[2][1].startswith("BrokenProcessPool: the worker process was lost twice during this run")


class Interrupting(Adding):
    """A task during whose opening the user presses Ctrl-C."""

    def open(self, *, device, generator):
        raise KeyboardInterrupt


def test_an_interrupt_is_not_a_failed_run(tiny):
    experiment = tiny().model_copy(update={"task": Interrupting()})
    with pytest.raises(KeyboardInterrupt):
        execute(Work(tuple(jobs(experiment)), CPU, CheckpointPolicy()), RunEvents())


class RunEvents:
    def epoch(self, key, end): ...

    def note(self, text): ...


def test_the_reason_of_a_failure_names_file_and_line(tiny):
    try:
        [].pop()
    except IndexError as error:
        outputs = failures(Work(tuple(jobs(tiny())), CPU, CheckpointPolicy()), error, 1.5)
    assert [each.result.seed for each in outputs] == [0, 1, 2]
    for each in outputs:
        assert each.result.reason.startswith("IndexError: pop from empty list (test_sweep.py, line ")
        assert each.result.seconds == 0.5


SWEEP = """
import signal
import sys
from srnn_bench import Conditions, Experiment, Job, Store, sweep
from srnn_bench import Watcher

class Loud(Watcher):
    def epoch(self, *step):
        print("epoch", flush=True)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background processes with SIGINT ignored
    experiment = Experiment.model_validate_json(sys.argv[1])
    jobs = [Job(experiment, seed, "x") for seed in range(4)]
    sweep(jobs, Store(sys.argv[2]), workers=2, conditions=Conditions("cpu"), stack="never", watcher=Loud())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_the_workers_of_a_sweep_end_with_it(tiny, tmp_path, ending):
    # days of training, so nothing ends by itself
    long = Training(epochs=10**6, batches=1, batch_size=8, learning_rate=1e-9)
    (tmp_path / "sweep.py").write_text(SWEEP)
    experiment = tiny(stages=(Stage(name="long", training=long),)).model_dump_json()
    command = [sys.executable, str(tmp_path / "sweep.py"), experiment, str(tmp_path / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "epoch\n"
        process.send_signal(ending)
        process.communicate(timeout=30)  # workers hold the pipe: this returns when the last one has exited
    assert process.returncode != 0
    store = Store(tmp_path / "store")
    assert list(store) == []
    expected = {signal.SIGINT: {"pending": 4}, signal.SIGKILL: {"running": 2, "pending": 2}}
    assert store.statuses() == expected[ending]
