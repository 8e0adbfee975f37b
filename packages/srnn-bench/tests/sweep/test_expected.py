"""Expected times of runs, without executing a step, against the rules that they follow."""

import pytest

from srnn_bench import Job, Stage
from srnn_bench.sweep import Expectation, Speed, roughly
from srnn_models import ElmanRNN, SequenceModel
from srnn_tasks import Adding, WikiText

SPEED = Speed(operation=1e-6, flop=1e-11)


def test_a_run_takes_longer_with_more_steps_and_more_neurons(tiny):
    expectation = Expectation(SPEED)
    short = expectation.run(tiny())
    training = tiny().stages[0].training.model_copy(update={"epochs": 3000})
    long = expectation.run(tiny(stages=(Stage(name="long", training=training),)))
    assert 0 < short < 1
    assert long == pytest.approx(500 * short, rel=0.7), "6000 instead of 12 steps, beside the fixed time of a run"
    large = tiny(model=SequenceModel(recurrence=ElmanRNN(hidden=2000)), penalties=())
    flops = 12 * 6 * 5 * 8 * 2000 * 2003  # steps; forward and backward; T B; weights
    assert expectation.run(large) > flops * SPEED.flop


def test_a_slower_machine_takes_longer_and_more_workers_less(tiny):
    jobs = [Job(tiny(), seed, f"mine, seed {seed}") for seed in range(1000)]
    expectation = Expectation(SPEED)
    assert Expectation(Speed(2e-6, 2e-11)).jobs(jobs, 1) > 1.1 * expectation.jobs(jobs, 1)
    assert expectation.jobs(jobs, 4) < 0.5 * expectation.jobs(jobs, 1)
    assert expectation.jobs([], 2) == 0.0


def test_a_task_that_cannot_be_opened_has_no_time(tiny, monkeypatch):
    class Lost(Adding):
        def open(self, *, device, generator):
            raise OSError("lost")

    assert Expectation(SPEED).run(tiny(task=Lost(steps=5))) is None
    monkeypatch.delenv("SRNN_DATA", raising=False)
    assert WikiText().outline(20).epoch_batches == 2_088_628 // 20 // 35 + 1, "sizes are known without the data"
    assert roughly(None) == "?"
