"""The estimate before a sweep: FLOPs against a count by hand, times of the right size, results that are known."""

from typing import ClassVar

from srnn_bench import Conditions, Job, Stage, Store, run
from srnn_bench.sweep import estimate
from srnn_tasks import Adding

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
    assert (found.wanted, found.stored, found.steps, found.measured, found.label) == (3, 0, 12, 0, "mine")
    assert 0 < found.seconds < 5


def test_what_the_store_holds_tells_the_time(tiny, tmp_path):
    store = Store(tmp_path)
    for seed, seconds in ((0, 10.0), (1, 30.0)):
        store.put(run(tiny(), seed=seed, conditions=Conditions("cpu")).model_copy(update={"seconds": seconds}))
    (found,) = estimate(jobs(tiny()), store, CPU)
    assert (found.stored, found.measured, found.seconds) == (2, 2, 20.0)
    (other,) = estimate(jobs(tiny()), store, Conditions("cpu", threads=2))
    assert (other.stored, other.measured) == (2, 0), "results produced under other conditions do not count"


class Counted(Adding):
    """A task that counts how often it is opened: once per kind of network that is timed."""

    opened: ClassVar[list[int]] = []

    def open(self, *, device, generator):
        self.opened.append(1)
        return super().open(device=device, generator=generator)


def test_each_kind_of_network_is_timed_once(tiny):
    larger = tiny().stages[0].training.model_copy(update={"batch_size": 16})
    experiments = [tiny(), tiny(penalties=()), tiny(stages=(Stage(name="large", training=larger),))]
    counted = [one.model_copy(update={"task": Counted(steps=5, held_out=50)}) for one in experiments]
    estimates = list(estimate([job for experiment in counted for job in jobs(experiment, (0,))], None, CPU))
    assert len(Counted.opened) == 2
    assert estimates[0].flops == estimates[1].flops
    assert estimates[2].flops > estimates[0].flops / 2, "half as many steps with twice the batch"


def test_the_length_of_the_tasks_own_epoch_is_counted(tiny):
    open_end = tiny().stages[0].training.model_copy(update={"batches": None})
    (found,) = estimate(jobs(tiny(stages=(Stage(name="own", training=open_end),))), None, CPU)
    assert found.steps == 3 * -(-10_000 // 8), "the adding task has 10,000 sequences an epoch"
