"""The estimate before a sweep: FLOPs against a count by hand, times of the right size, results that are known."""

import io

import pytest
from rich.console import Console

from srnn_bench import Conditions, Job, Stage, Store, run
from srnn_bench.sweep import estimate, print_estimates

CPU = Conditions(device="cpu")


def jobs(experiment, seeds=(0, 1, 2)):
    return [Job(experiment, seed, f"mine, seed {seed}") for seed in seeds]


def test_flops_are_those_of_the_matrix_products(tiny):
    """T = 5 steps, B = 8 rows, I = 2 inputs, N = 6 neurons, O = 1 output; two stages of 3 epochs of 2 batches."""
    (found,) = estimate(jobs(tiny()), None, CPU)
    times, rows, inputs, neurons, outputs = 5, 8, 2, 6, 1
    drive = times * rows * neurons * inputs
    recurrent = times * rows * neurons * neurons
    readout = times * rows * outputs * neurons
    forward = 2 * (drive + recurrent + readout)
    # the gradient of each product is one product for its weight, and one for its input where that has a gradient:
    # the task's input has none, and neither has the state of the first step
    backward = 2 * (drive + recurrent + (recurrent - recurrent // times) + 2 * readout)
    assert found.flops == 12 * (forward + backward)
    assert (found.wanted, found.held, found.steps, found.measured, found.label) == (3, 0, 12, 0, "mine")
    assert 0 < found.seconds < 5


def test_what_the_store_holds_tells_the_time(tiny, tmp_path):
    store = Store(tmp_path)
    for seed, seconds in ((0, 10.0), (1, 30.0)):
        store.put(run(tiny(), seed=seed, conditions=Conditions("cpu")).model_copy(update={"seconds": seconds}))
    (found,) = estimate(jobs(tiny()), store, CPU)
    assert (found.held, found.measured, found.seconds) == (2, 2, 20.0)
    (other,) = estimate(jobs(tiny()), store, Conditions("cpu", threads=2))
    assert (other.held, other.measured) == (2, 0), "results made otherwise tell no time"


def test_each_kind_of_network_is_measured_once(tiny, monkeypatch):
    taken = []
    monkeypatch.setattr("srnn_bench.sweep._estimate._step", lambda *given: taken.append(given) or Step)
    larger = tiny().stages[0].training.model_copy(update={"batch_size": 16})
    experiments = [tiny(), tiny(penalties=()), tiny(stages=(Stage(name="large", training=larger),))]
    found = list(estimate([job for experiment in experiments for job in jobs(experiment, (0,))], None, CPU))
    assert len(taken) == 2
    assert [each.flops for each in found] == [12 * 7, 12 * 7, 6 * 7]


class Step:
    flops, seconds, epoch_batches = 7, 0.5, 100


def test_the_length_of_the_tasks_own_epoch_is_counted(tiny):
    open_end = tiny().stages[0].training.model_copy(update={"batches": None})
    (found,) = estimate(jobs(tiny(stages=(Stage(name="own", training=open_end),))), None, CPU)
    assert found.steps == 3 * -(-10_000 // 8), "the adding task has 10,000 sequences an epoch"


@pytest.mark.parametrize("width", [80, 200])
def test_the_estimate_is_printed_with_its_sum(tiny, width):
    out = io.StringIO()
    found = list(estimate(jobs(tiny()), None, CPU))
    print_estimates(found, 2, Console(file=out, width=width))
    said = out.getvalue()
    assert "To be made: 3 runs" in said and "with 2 at once" in said
    assert f"{3 * found[0].flops:.3g} FLOPs" in said
