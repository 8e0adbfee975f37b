"""Expected times of runs, without executing a step, against the rules that they follow."""

import pytest

from srnn_bench import Job, Stage
from srnn_bench.sweep import Expectation, Speed, roughly
from srnn_models import LSTM, BlockRNN, ElmanRNN, ProjectedLSTM, SequenceModel
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


@pytest.mark.parametrize(
    ("model", "weights"),
    [(BlockRNN(hidden=2000), 2001 * 2003), (ProjectedLSTM(hidden=2000), 4 * 2000 * 3 + 2000)],
    ids=lambda value: getattr(value, "kind", None),
)
def test_models_without_a_recurrence_of_their_own_value_have_a_time(tiny, model, weights):
    flops = 12 * 6 * 5 * 8 * weights  # steps; forward and backward; T B; weights
    seconds = Expectation(Speed(0.0, 1e-11)).run(tiny(model=model, penalties=()))
    assert flops * SPEED.flop < seconds < 3 * flops * SPEED.flop + 12 * 6500 * 1.1 * weights * SPEED.flop + 0.05 + 1e-9


def test_a_small_projected_lstm_takes_about_as_long_as_an_lstm_and_a_block_rnn_less(tiny):
    times = [
        Expectation(SPEED).run(tiny(model=model, penalties=()))
        for model in (BlockRNN(hidden=4), SequenceModel(recurrence=LSTM(hidden=4)), ProjectedLSTM(hidden=4))
    ]
    assert times == sorted(times)
    assert times[2] < 1.5 * times[1]


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
