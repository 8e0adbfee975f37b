"""Which runs are stacked: laws over any list of runs."""

from collections import defaultdict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srnn_bench import Experiment, Job, Stage, Training
from srnn_bench.sweep import stacks
from srnn_models import ElmanRNN, SequenceModel
from srnn_tasks import Adding

# measured on the CPU, estimated on a GPU
FEWEST, LARGEST, NEURONS = 4, {"cpu": 16, "cuda": 32}, {"cpu": 128, "cuda": 1024}
DEVICES = [torch.device("cpu"), torch.device("cuda")]
STAGES = (Stage(name="only", training=Training(epochs=1, batches=1, batch_size=1, learning_rate=1.0)),)
SIZES = (1, *NEURONS.values(), *(size + 1 for size in NEURONS.values()))
EXPERIMENTS = [
    Experiment(task=Adding(steps=steps), model=SequenceModel(recurrence=ElmanRNN(hidden=hidden)), stages=STAGES)
    for hidden in SIZES
    for steps in (5, 6)
]

EDGES = sorted({size + more for size in (1, FEWEST, *LARGEST.values()) for more in (-1, 0, 1)} - {0})
counts = st.sampled_from(EDGES) | st.integers(1, 70)
devices = st.sampled_from(DEVICES)
ways = st.sampled_from(["auto", "always", "never"])


@st.composite
def lists(draw):
    """Give runs of some experiments, each of some seeds, in any order."""
    chosen = draw(st.lists(st.sampled_from(EXPERIMENTS), min_size=1, max_size=3, unique=True))
    jobs = [
        Job(experiment, seed, f"{experiment.model.recurrence.hidden} {seed}")
        for experiment in chosen
        for seed in range(draw(counts))
    ]
    return draw(st.permutations(jobs)) if draw(st.booleans()) else jobs


def by_experiment(units):
    found = defaultdict(list)
    for unit in units:
        found[unit[0].experiment].append(unit)
    return found


@given(lists(), devices, ways)
@settings(max_examples=60)
def test_every_run_is_in_one_stack_of_its_experiment(jobs, device, how):
    units = stacks(jobs, device, how)
    assert sorted(job.key for unit in units for job in unit) == sorted(job.key for job in jobs)
    assert all(len({job.experiment for job in unit}) == 1 for unit in units)


@given(lists(), devices, ways)
@settings(max_examples=60)
def test_stacks_are_few_and_even_and_none_too_large(jobs, device, how):
    for experiment, units in by_experiment(stacks(jobs, device, how)).items():
        seeds = sum(job.experiment == experiment for job in jobs)
        sizes = [len(unit) for unit in units]
        if max(sizes) > 1:
            assert len(units) == -(-seeds // LARGEST[device.type])
            assert max(sizes) <= LARGEST[device.type]
            assert max(sizes) - min(sizes) <= 1
        else:
            assert len(units) == seeds


@given(lists(), devices, ways)
@settings(max_examples=60)
def test_who_is_stacked(jobs, device, how):
    for experiment, units in by_experiment(stacks(jobs, device, how)).items():
        seeds = sum(job.experiment == experiment for job in jobs)
        small = experiment.model.recurrence.hidden <= NEURONS[device.type]
        worth = {"auto": small and seeds >= FEWEST, "always": seeds > 1, "never": False}[how]
        assert all((len(unit) > 1) == worth for unit in units)


@pytest.mark.parametrize("device", DEVICES, ids=str)
@pytest.mark.parametrize(("more", "larger", "stacked"), [(0, 0, True), (-1, 0, False), (0, 1, False)])
def test_the_limits_of_auto(device, more, larger, stacked):
    recurrence = ElmanRNN(hidden=NEURONS[device.type] + larger)
    experiment = Experiment(task=Adding(steps=5), model=SequenceModel(recurrence=recurrence), stages=STAGES)
    jobs = [Job(experiment, seed, "x") for seed in range(FEWEST + more)]
    assert (len(stacks(jobs, device, "auto")) == 1) == stacked


@given(lists(), devices, ways)
@settings(max_examples=60)
def test_the_order_is_that_of_the_runs(jobs, device, how):
    place = {job.key: number for number, job in enumerate(jobs)}
    units = [[place[job.key] for job in unit] for unit in stacks(jobs, device, how)]
    assert all(unit == sorted(unit) for unit in units)
    assert [unit[0] for unit in units] == sorted(unit[0] for unit in units)
    for same in by_experiment(stacks(jobs, device, how)).values():
        together = [place[job.key] for unit in same for job in unit]
        assert together == sorted(together), "the first seeds are in the first stack"


@given(lists(), lists(), devices, ways)
@settings(max_examples=40)
def test_other_experiments_do_not_change_a_stack(jobs, others, device, how):
    """A run's place in its stack decides its last bits."""
    mine = {job.experiment for job in jobs}
    others = [job for job in others if job.experiment not in mine]
    units = stacks([*others, *jobs], device, how)
    assert [unit for unit in units if unit[0].experiment in mine] == stacks(jobs, device, how)


def test_no_runs_are_no_stacks():
    assert stacks([], DEVICES[0], "always") == []


@pytest.mark.parametrize("jobs", [[], [Job(EXPERIMENTS[0], 0, "x")]], ids=["none", "one"])
def test_an_unknown_way_is_refused(jobs):
    with pytest.raises(ValueError, match="stack: expected auto, always, never, got 'sometimes'"):
        stacks(jobs, DEVICES[0], "sometimes")
