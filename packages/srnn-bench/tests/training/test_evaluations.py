"""Evaluation after the epochs of a stage, and the number of weights present."""

import json
import math
from types import SimpleNamespace

import numpy
import pytest
import torch
from safetensors.numpy import load
from torch import nn

from srnn_bench import SGD, Annealing, BenchError, Conditions, Experiment, Result, Stage, Training, run
from srnn_bench.experiment import Epoch, StageResult
from srnn_bench.training import ZERO, CheckpointPolicy, assemble, run_together, stream, weights_present
from srnn_masks import apply
from srnn_models import ElmanRNN, SequenceModel
from srnn_pruning import Pruning
from srnn_tasks import Adding, BaseSource, Batch, Metric, Task, TaskSpec

TRAINING = Training(epochs=4, batches=3, batch_size=6, learning_rate=1e-2)


def trained(**changes):
    return TRAINING.model_copy(update=changes)


def experiment(*trainings, task=None, **stage):
    stages = tuple(Stage(name=f"s{number}", training=each, **stage) for number, each in enumerate(trainings))
    task = Adding(steps=5, held_out=50) if task is None else task
    return Experiment(task=task, model=SequenceModel(recurrence=ElmanRNN(hidden=6)), stages=stages)


def outputs_of(one, seeds=(0,)):
    return run_together(one, seeds, conditions=Conditions("cpu"), policy=CheckpointPolicy(weights=True))


# --- a task whose metrics are given in advance, and that logs its evaluations ----------------------------------------

EVALUATIONS: list[SimpleNamespace] = []  # every evaluation of a scripted task


class Scripted(Task):
    """A task whose validation metrics are given in advance: the k-th evaluation of a run gives the k-th of each."""

    kind: str = "scripted"
    loss: tuple[float | None, ...]
    accuracy: tuple[float | None, ...] = ()
    bad_seed: int | None = None  # only the runs with this seed have accuracies that are NaN

    def open(self, *, device, generator):
        return ScriptedSource(self, device, generator.initial_seed())


class ScriptedSource(BaseSource):
    def __init__(self, task, device, seed):
        metrics = (Metric(name="loss", better="lower"), Metric(name="accuracy", better="higher"))
        super().__init__(TaskSpec(inputs=1, outputs=1, loss="mean_squared_error", metrics=metrics), device=device)
        self.task, self.evaluated, self.seed = task, 0, seed

    def draw(self, size, *, generator):
        return Batch(inputs=torch.rand(2, size, 1, generator=generator), targets=torch.ones(2, size, 1))

    def evaluate(self, model, *, split, generator):
        bits = generator.get_state().numpy().tobytes()
        EVALUATIONS.append(SimpleNamespace(split=split, generator=bits, seed=self.seed))
        if split == "test":
            return {"loss": 0.0, "accuracy": 0.0}
        number, self.evaluated = self.evaluated, self.evaluated + 1
        accuracy = (self.task.accuracy or (0.5,) * 99)[number]
        bad = self.task.bad_seed is None or self.seed == stream(self.task.bad_seed, "task").initial_seed()
        loss = self.task.loss[number]
        return {
            "loss": math.inf if loss is None else loss,
            "accuracy": math.nan if accuracy is None and bad else accuracy or 0.5,
        }


@pytest.fixture(autouse=True)
def no_evaluations_yet():
    EVALUATIONS.clear()


# --- when -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epochs", "every", "expected"),
    [
        (5, None, []),
        (5, 1, [1, 2, 3, 4, 5]),
        (5, 2, [2, 4, 5]),
        (4, 2, [2, 4]),
        (7, 3, [3, 6, 7]),
        (3, 10, [3]),
        (1, 1, [1]),
    ],
)
@pytest.mark.parametrize("rates", [None, Annealing()], ids=["constant", "annealing"])
def test_metrics_every_n_epochs_and_after_the_last_of_each_stage(epochs, every, expected, rates):
    training = trained(epochs=epochs, batches=1, evaluate_every=every, **({"rates": rates} if rates else {}))
    losses = tuple(float(number) for number in range(1, 2 * epochs + 1))
    stages = run(
        experiment(training, training, task=Scripted(loss=losses)), seed=0, conditions=Conditions("cpu")
    ).stages
    for stage in stages:
        assert [number for number, epoch in enumerate(stage.history, 1) if epoch.metrics] == expected
    evaluations = [each.split for each in EVALUATIONS].count("validation")
    assert evaluations == 2 * (epochs if rates else len(expected)), "never twice after one epoch"
    history = [epoch for stage in stages for epoch in stage.history]
    values = [epoch.metrics["loss"] for epoch in history if epoch.metrics]
    if rates:
        assert [epoch.validation for epoch in history] == list(losses)
        assert values == [epoch.validation for epoch in history if epoch.metrics]
    else:
        assert values == list(losses[: 2 * len(expected)])
        assert all(epoch.validation is None for epoch in history)


def test_the_draws_are_the_same_every_time_and_those_of_no_other_purpose():
    run(experiment(trained(evaluate_every=1), task=Scripted(loss=(1.0,) * 4)), seed=5, conditions=Conditions("cpu"))
    *validations, test = EVALUATIONS
    assert {each.split for each in validations} == {"validation"} and test.split == "test"
    assert {each.generator for each in validations} == {stream(5, "validate").get_state().numpy().tobytes()}
    assert test.generator not in {each.generator for each in validations}


# --- what -------------------------------------------------------------------------------------------------------------


def by_hand(one, seed, weights):
    """Return the error on the validation split of a network with these weights: the recurrence in numpy."""
    parts = assemble(one, seed, torch.device("cpu"))
    batches = list(parts.source.held_out("validation", generator=stream(seed, "validate")))
    w = {name: weight.astype(float) for name, weight in load(weights).items()}
    bias = sum(value for name, value in w.items() if name.startswith("recurrence.bias"))
    squares = []
    for batch in batches:
        h = numpy.zeros((batch.size, 6))
        for inputs in batch.inputs.numpy():
            h = numpy.tanh(inputs @ w["recurrence.weight_ih"].T + h @ w["recurrence.weight_hh"].T + bias)
        answer = h @ w["readout.weight"].T + w["readout.bias"]
        squares += list(((answer - batch.targets[-1].numpy()) ** 2).ravel())
    return sum(squares) / len(squares)


@pytest.mark.parametrize("seeds", [(0,), (0, 3)], ids=["single", "stacked"])
def test_a_metric_of_an_epoch_is_that_of_the_weights_after_it(seeds):
    """A run of n epochs ends with the weights that a longer run has after n epochs."""
    whole = outputs_of(experiment(trained(evaluate_every=1)), seeds)
    for epochs in (1, 4):
        short = experiment(trained(epochs=epochs))
        for each, other in zip(whole, outputs_of(short, seeds), strict=True):
            seed = each.result.seed
            got = each.result.stages[0].history[epochs - 1].metrics
            assert got == {"mse": pytest.approx(by_hand(short, seed, other.weights["s0"]), rel=1e-4)}
    ends = [each.result.stages[0].history[-1].metrics["mse"] for each in whole]
    assert len(set(ends)) == len(seeds), "each member by its own weights"


@pytest.mark.parametrize("seeds", [(0,), (0, 3)], ids=["single", "stacked"])
def test_evaluation_changes_no_bit_of_the_training(seeds):
    pruning = Pruning(sparsity=0.5)
    both = [outputs_of(experiment(trained(evaluate_every=every), pruning=pruning), seeds) for every in (None, 1)]
    for plain, evaluated in zip(*both, strict=True):
        assert plain.weights == evaluated.weights
        (one,), (other,) = plain.result.stages, evaluated.result.stages
        assert (one.metrics, one.densities, one.present) == (other.metrics, other.densities, other.present)
        assert one.history == tuple(epoch.model_copy(update={"metrics": {}}) for epoch in other.history)
        assert all(epoch.metrics for epoch in other.history)


def test_the_time_of_an_evaluation_is_not_that_of_the_steps(monkeypatch):
    now = 0.0
    monkeypatch.setattr("time.perf_counter", lambda: now)
    draw, evaluate = ScriptedSource.draw, ScriptedSource.evaluate

    def slow_draw(self, *args, **how):
        nonlocal now
        now += 2.0
        return draw(self, *args, **how)

    def slow_evaluation(self, *args, **how):
        nonlocal now
        now += 1000.0
        return evaluate(self, *args, **how)

    monkeypatch.setattr(ScriptedSource, "draw", slow_draw)
    monkeypatch.setattr(ScriptedSource, "evaluate", slow_evaluation)
    task = Scripted(loss=(1.0,) * 4)
    result = run(experiment(trained(evaluate_every=1), task=task), seed=0, conditions=Conditions("cpu"))
    assert result.stages[0].step_ms == pytest.approx(2000.0)


class RareTask(Scripted):
    """A task that measures its accuracy on the test split only, and its loss there only if `rare` says so."""

    kind: str = "rare"
    rare: tuple[str, ...] = ("accuracy",)

    def open(self, *, device, generator):
        source = RareSource(self, device, generator.initial_seed())
        other = Metric(name="other", better="lower")
        metrics = (
            metric.model_copy(update={"splits": ("test",)}) if metric.name in self.rare else metric
            for metric in (*source.spec.metrics, other)
        )
        source.spec = source.spec.model_copy(update={"metrics": tuple(metrics)})
        return source


class RareSource(ScriptedSource):
    def evaluate(self, model, *, split, generator):
        scores = super().evaluate(model, split=split, generator=generator) | {"other": 0.0}
        return {name: scores[name] for name in self.spec.measured(split)}


def test_a_metric_of_the_test_split_is_measured_after_the_stage_only():
    one = experiment(trained(evaluate_every=1, rates=Annealing()), task=RareTask(loss=(1.0, 2.0, 3.0, 4.0)))
    (stage,) = run(one, seed=0, conditions=Conditions("cpu")).stages
    assert [set(epoch.metrics) for epoch in stage.history] == [{"loss", "other"}] * 4
    assert set(stage.metrics) == {"loss", "accuracy", "other"}


def test_annealing_needs_a_loss_of_the_validation_split():
    one = experiment(trained(rates=Annealing()), task=RareTask(loss=(1.0,) * 4, rare=("loss",)))
    with pytest.raises(BenchError, match="annealing needs the validation metric 'loss'; the task has accuracy, other"):
        assemble(one, 0, torch.device("cpu"))


# --- metrics that are not finite --------------------------------------------------------------------------------------


def test_a_metric_that_is_not_finite_is_a_divergence():
    one = experiment(trained(evaluate_every=2), task=Scripted(loss=(1.0,) * 4, accuracy=(0.5, None)))
    result = run(one, seed=0, conditions=Conditions("cpu"))
    assert (result.status, result.stages) == ("diverged", ())
    assert result.reason == "validation accuracy is nan at stage 's0', epoch 4 of 4"


def test_a_metric_that_is_not_recorded_may_be_not_finite():
    task = Scripted(loss=(1.0,) * 4, accuracy=(None, 0.5, None, 0.5))
    plain = experiment(trained(rates=Annealing(), optimizer=SGD()), task=task)
    assert run(plain, seed=0, conditions=Conditions("cpu")).status == "done"
    asked = experiment(trained(rates=Annealing(), optimizer=SGD(), evaluate_every=2), task=task)
    assert run(asked, seed=0, conditions=Conditions("cpu")).status == "done"
    bad = Scripted(loss=(1.0, None, 1.0, 1.0))
    result = run(experiment(trained(rates=Annealing()), task=bad), seed=0, conditions=Conditions("cpu"))
    assert result.reason == "validation loss is inf at stage 's0', epoch 2 of 4"


def test_in_a_stack_only_the_run_itself_diverges():
    task = Scripted(loss=(1.0,) * 4, accuracy=(0.25, None, 0.75, 1.0), bad_seed=3)
    results = [each.result for each in outputs_of(experiment(trained(evaluate_every=1), task=task), (0, 3, 4))]
    assert [result.status for result in results] == ["done", "diverged", "done"]
    assert results[1].reason == "validation accuracy is nan at stage 's0', epoch 2 of 4"
    for result in (results[0], results[2]):
        assert [epoch.metrics["accuracy"] for epoch in result.stages[0].history] == [0.25, 0.5, 0.75, 1.0]


# --- names, keys, older results ---------------------------------------------------------------------------------------


def test_the_numbers_of_an_epoch_name_the_split():
    epoch = Epoch(loss=1.0, penalty=2.0, density=0.5, validation=3.0, metrics={"loss": 3.0, "accuracy": 0.25})
    assert epoch.numbers == {
        "loss": 1.0,
        "penalty": 2.0,
        "density": 0.5,
        "validation": 3.0,
        "validation_loss": 3.0,
        "validation_accuracy": 0.25,
    }
    assert Epoch(loss=1.0, penalty=2.0, density=0.5).numbers == {"loss": 1.0, "penalty": 2.0, "density": 0.5}


def test_the_key_does_not_change_unless_evaluations_are_requested(tiny):
    old = tiny()
    stages = [stage.model_dump() for stage in old.stages]
    for stage in stages:
        stage["training"].pop("evaluate_every")
    assert tiny(stages=tuple(Stage.model_validate(stage) for stage in stages)).key(0) == old.key(0)
    explicit = [stage | {"training": stage["training"] | {"evaluate_every": None}} for stage in stages]
    assert tiny(stages=tuple(Stage.model_validate(stage) for stage in explicit)).key(0) == old.key(0)
    asked = [stage | {"training": stage["training"] | {"evaluate_every": 2}} for stage in stages]
    assert tiny(stages=tuple(Stage.model_validate(stage) for stage in asked)).key(0) != old.key(0)


@pytest.mark.parametrize("every", [0, -1, 1.5, "often"])
def test_an_invalid_number_of_epochs_is_refused_by_name(every):
    with pytest.raises(ValueError, match="evaluate_every"):
        Training.model_validate(TRAINING.model_dump() | {"evaluate_every": every})


def test_a_result_without_the_newer_fields_is_still_read():
    result = run(experiment(trained(evaluate_every=1)), seed=0, conditions=Conditions("cpu"))
    data = json.loads(result.model_dump_json())
    assert Result.model_validate(data) == result
    for stage in data["stages"]:
        assert stage.pop("present") and all(epoch.pop("metrics") for epoch in stage["history"])
    older = Result.model_validate(data)
    assert older.stages[0].present == {} and {len(epoch.metrics) for epoch in older.stages[0].history} == {0}
    assert StageResult.model_fields["present"].get_default(call_default_factory=True) == {}


# --- weights present --------------------------------------------------------------------------------------------------


def test_a_weight_is_present_above_a_hundred_thousandth():
    layer = nn.utils.skip_init(nn.Linear, 5, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0, 0.99e-5, -0.99e-5, 1.01e-5, -1.01e-5], [1.0, -1.0, 1e-30, 2e-5, 0.0]]))
        layer.bias.fill_(1.0)
    assert weights_present(layer) == {"weight": 5} and ZERO == 1e-5
    apply(layer, {"weight": torch.tensor([[True] * 5, [False, True, True, True, True]])})
    assert weights_present(layer) == {"weight": 4}, "a masked weight is 0"


@pytest.mark.parametrize("seeds", [(0,), (0, 3)], ids=["single", "stacked"])
def test_a_result_counts_the_weights_of_its_stage(seeds):
    one = experiment(trained(), trained(epochs=1), pruning=Pruning(sparsity=0.6))
    for each in outputs_of(one, seeds):
        for stage in each.result.stages:
            tensors = load(each.weights[stage.name])
            matrices = {name: tensor for name, tensor in tensors.items() if name in stage.densities}
            counts = {name: sum(abs(float(x)) > 1e-5 for x in tensor.ravel()) for name, tensor in matrices.items()}
            assert stage.present == counts and len(counts) == 3
            assert list(stage.present) == list(stage.densities)
            assert sum(counts.values()) < sum(tensor.size for tensor in matrices.values()) / 2
