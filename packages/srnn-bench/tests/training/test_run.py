"""Runs: same bits, divergence, stages, what is measured."""

import math
from importlib.metadata import version
from typing import Literal

import pytest
import torch

from srnn_bench import SGD, BenchError, Conditions, Masked, Penalty, Stage, Training, run
from srnn_bench.training import Parts, Penalties, Plan, Single, stream
from srnn_manifolds import L1, Moduli
from srnn_masks import Bernoulli, FixedInDegree
from srnn_models import ElmanRNN, SequenceModel
from srnn_pruning import Pruning
from srnn_tasks import Adding, BaseSource, Batch, Metric, Task, TaskSpec

TRAINING = Training(epochs=3, batches=2, batch_size=8, learning_rate=1e-2)


def outcome(result):
    """Return all of a result except times, memory and environment."""
    return [(stage.name, stage.metrics, stage.densities, stage.history, stage.steps) for stage in result.stages] + [
        result.status,
        result.reason,
    ]


def test_one_seed_gives_the_same_bits_and_another_does_not(tiny):
    first, again, other = (run(tiny(), seed=seed, conditions=Conditions("cpu")) for seed in (0, 0, 1))
    assert outcome(first) == outcome(again)
    assert outcome(first) != outcome(other)


def test_the_number_of_threads_is_that_of_the_run_and_is_restored(tiny):
    before = torch.get_num_threads()
    threads = []
    run(
        tiny(),
        seed=0,
        conditions=Conditions("cpu", threads=2),
        on_epoch=lambda end: threads.append(torch.get_num_threads()),
    )
    assert set(threads) == {2}
    assert torch.get_num_threads() == before


def test_the_lottery_keeps_the_masks_and_trains_new_weights(tiny):
    sparse, lottery = run(tiny(), seed=0, conditions=Conditions("cpu")).stages
    assert sparse.densities == lottery.densities
    weights = {"recurrence.weight_ih": 12, "recurrence.weight_hh": 36, "readout.weight": 6}
    present = sum(sparse.densities[name] * size for name, size in weights.items())
    assert present == pytest.approx(27)  # half of 54, over all matrices together
    assert sparse.metrics != lottery.metrics
    assert [epoch.density for epoch in sparse.history] == pytest.approx([1, 1 - round(13.5) / 54, 0.5])


def test_rewinding_differs_from_new_weights(tiny):
    stages = tiny().stages
    ends = {
        start: run(
            tiny(stages=(stages[0], stages[1].model_copy(update={"start": start}))),
            seed=0,
            conditions=Conditions("cpu"),
        )
        for start in ("continue", "rewind", "reinitialize")
    }
    assert len({end.stages[1].metrics["mse"] for end in ends.values()}) == 3


def test_experiments_of_one_seed_start_from_the_same_weights_and_batches(tiny):
    none, some = tiny(penalties=()), tiny(penalties=(Penalty(parameter="*hh*", regularizer=L1(), strength=0.0),))
    assert outcome(run(none, seed=0, conditions=Conditions("cpu"))) == outcome(
        run(some, seed=0, conditions=Conditions("cpu"))
    )


def test_the_penalty_acts_on_the_loss(tiny):
    dense = tiny(stages=(Stage(name="dense", training=TRAINING),))
    strong = (Penalty(parameter="*hh*", regularizer=Moduli(), strength=10.0),)
    (weak,), (driven,) = (
        run(experiment, seed=0, conditions=Conditions("cpu")).stages
        for experiment in (dense, dense.model_copy(update={"penalties": strong}))
    )
    assert weak.history[0].penalty > 0
    assert driven.history[-1].penalty / 10.0 < weak.history[-1].penalty / 0.1


def test_masks_apply_from_initialisation_and_count_as_removed(tiny):
    masks = (Masked(parameter="*weight_hh*", pattern=FixedInDegree(degree=2)),)
    result = run(tiny(masks=masks, penalties=()), seed=0, conditions=Conditions("cpu"))
    assert result.stages[0].history[0].density == pytest.approx((12 + 12 + 6) / 54)
    assert sum(
        result.stages[0].densities[name] * size
        for name, size in (("recurrence.weight_ih", 12), ("recurrence.weight_hh", 36), ("readout.weight", 6))
    ) == pytest.approx(27)


def test_each_parameter_has_its_own_draw(tiny):
    masks = (Masked(parameter="*weight*", pattern=Bernoulli(density=0.5)),)
    stage = run(
        tiny(masks=masks, penalties=(), stages=(Stage(name="dense", training=TRAINING),)),
        seed=0,
        conditions=Conditions("cpu"),
    )
    assert len(set(stage.stages[0].densities.values())) > 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"masks": (Masked(parameter="weight_xx", pattern=Bernoulli(density=0.5)),)}, "masks.0.parameter: 'weight_xx'"),
        (
            {"penalties": (Penalty(parameter="*nix*", regularizer=L1(), strength=1.0),)},
            "penalties.0.parameter: '.nix.'",
        ),
        ({"stages": (Stage(name="a", training=TRAINING, pruning=Pruning(sparsity=0.5, scope=("nix",))),)}, "scope"),
    ],
    ids=["masks", "penalties", "scope"],
)
def test_a_glob_that_matches_nothing_is_an_error_before_training(tiny, changes, message):
    with pytest.raises(ValueError, match=message) as refused:
        run(tiny(**changes), seed=0, conditions=Conditions("cpu"))
    assert "recurrence.weight_hh" in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": "tpu"}, "device: expected auto, cpu or cuda"),
        ({"precision": "float8"}, "precision: expected one of float32, tf32, bfloat16, got 'float8'"),
        ({"threads": 0}, "threads: expected at least 1, got 0"),
    ],
    ids=str,
)
def test_unknown_conditions_are_refused(tiny, arguments, message):
    with pytest.raises(BenchError, match=message):
        run(tiny(), seed=0, conditions=Conditions(**{"device": "cpu", **arguments}))


def test_bfloat16_runs_and_differs(tiny):
    exact, coarse = (
        run(tiny(), seed=0, conditions=Conditions("cpu", precision)) for precision in ("float32", "bfloat16")
    )
    assert coarse.status == "done"
    assert coarse.environment.precision == "bfloat16"
    assert coarse.stages[0].history[0].loss == pytest.approx(exact.stages[0].history[0].loss, rel=0.05)
    assert coarse.stages[0].metrics != exact.stages[0].metrics


def test_a_result_has_all_measurements(tiny):
    result = run(tiny(), seed=0, conditions=Conditions("cpu"))
    for stage in result.stages:
        assert stage.steps == 6
        assert 0 < stage.step_ms < 1000
        assert stage.peak_memory_mb > 50
        assert len(stage.history) == 3
    assert result.seconds > 0
    assert result.environment.threads == 1
    assert result.environment.packages["srnn-bench"] == version("srnn-bench")


# --- divergence -------------------------------------------------------------------------------------------------------


def test_a_run_that_diverges_ends_with_its_reason(tiny):
    wild = Training(epochs=3, batches=20, batch_size=8, learning_rate=1e30)
    relu = SequenceModel(recurrence=ElmanRNN(hidden=6, nonlinearity="relu"))
    stages = (
        Stage(name="calm", training=TRAINING),
        Stage(name="wild", training=wild),
        Stage(name="late", training=wild),
    )
    result = run(tiny(model=relu, stages=stages), seed=0, conditions=Conditions("cpu"))
    assert result.status == "diverged"
    assert [stage.name for stage in result.stages] == ["calm"]
    assert "at stage 'wild', epoch 1 of 3" in result.reason
    assert type(result).model_validate_json(result.model_dump_json()) == result


class Faulty(Task):
    """The adding problem with a fault at one of its batches."""

    kind: str = "faulty"
    fault: Literal["loss", "weight", "metric", "error"]

    def open(self, *, device, generator):
        source = Adding(steps=5, held_out=50).open(device=device, generator=generator)
        count = 0
        if self.fault == "metric":
            source.evaluate = lambda *_, **__: {"mse": math.inf}
            return source

        def loss(outputs, batch):
            nonlocal count
            count += 1
            value = type(source).loss(source, outputs, batch)
            if self.fault == "loss" and count == 2:
                return value / 0
            if self.fault == "weight" and count == 2:  # an infinite gradient of a finite loss, at the end of epoch 1
                return value + (outputs.square().sum() * 0).sqrt()
            if self.fault == "error" and count > 6 and outputs.requires_grad:  # the first step of the second stage
                raise OSError("the disk is gone")
            return value

        source.loss = loss
        return source


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("loss", "loss is inf at stage 'sparse', epoch 1 of 3"),
        ("weight", "parameter recurrence.weight_ih holds a value that is not finite at stage 'sparse', epoch 1 of 3"),
        ("metric", "mse is inf at stage 'sparse', held-out metrics"),
    ],
)
def test_each_kind_of_divergence_ends_the_run_with_its_reason(tiny, fault, reason):
    result = run(tiny(task=Faulty(fault=fault)), seed=0, conditions=Conditions("cpu"))
    assert (result.status, result.reason, result.stages) == ("diverged", reason, ())


def test_an_error_after_a_finished_stage_keeps_that_stage(tiny):
    result = run(tiny(task=Faulty(fault="error")), seed=0, conditions=Conditions("cpu"))
    assert result.status == "failed"
    assert [stage.name for stage in result.stages] == ["sparse"]
    assert result.reason.startswith("OSError: the disk is gone (test_run.py, line ")


# --- streams that carry their state -----------------------------------------------------------------------------------


class Count(Task):
    """An endless stream of ones: the model must carry its state to see more than T of them."""

    kind: str = "count"

    def open(self, *, device, generator):
        return CountSource(device)


class CountSource(BaseSource):
    def __init__(self, device):
        metrics = (Metric(name="loss", better="lower"),)
        super().__init__(
            TaskSpec(inputs=1, outputs=1, carry=True, loss="mean_squared_error", metrics=metrics), device=device
        )
        self.first = True

    def draw(self, size, *, generator):
        reset = torch.full((size,), self.first)
        self.first = False
        return Batch(inputs=torch.ones(2, size, 1), targets=torch.ones(2, size, 1), reset=reset)


def test_the_state_is_carried_detached_between_batches():
    source = Count().open(device="cpu", generator=torch.Generator())
    model = SequenceModel(recurrence=ElmanRNN(hidden=3)).build(source.spec, generator=torch.Generator().manual_seed(0))
    states = []
    model.register_forward_pre_hook(lambda module, args, kwargs: states.append(kwargs["state"]), with_kwargs=True)
    still = Training(epochs=1, batches=3, batch_size=4, learning_rate=1e-45, optimizer=SGD())
    trained = frozenset(name for name, _ in model.named_parameters())
    plan = Plan(Stage(name="still", training=still), 3, None, trained, None)
    engine = Single([Parts(0, source, model, Penalties([]), (plan,), {})], torch.device("cpu"))
    engine.begin(0)
    expected = None
    for _ in range(3):
        engine.step()
        _, expected = model.forward(torch.ones(2, 4, 1), None, expected)
    assert states[0] is None
    assert not any(state.requires_grad for state in states[1:])
    assert torch.equal(engine.state, expected)


def test_a_task_without_end_needs_the_length_of_an_epoch(tiny):
    endless = Stage(name="a", training=Training(epochs=1, batch_size=1, learning_rate=1.0))
    with pytest.raises(BenchError, match=r"stage 'a': training\.batches: expected the number of batches per epoch"):
        run(tiny(task=Count(), stages=(endless,)), seed=0, conditions=Conditions("cpu"))


def test_a_mistake_in_a_later_stage_shows_before_anything_is_trained(tiny):
    late = Stage(name="late", training=TRAINING, pruning=Pruning(sparsity=0.5, scope=("*nix*",)))
    ends = []
    with pytest.raises(ValueError, match=r"scope: expected '.nix.' to match"):
        run(
            tiny(stages=(tiny().stages[0], late)),
            seed=0,
            conditions=Conditions("cpu"),
            on_epoch=ends.append,
        )
    assert ends == []


# --- an oracle: the same run written as a plain loop ------------------------------------------------------------------


def test_a_run_is_what_a_plain_loop_computes(tiny):
    experiment = tiny(penalties=(Penalty(parameter="*hh*", regularizer=L1(), strength=0.1),), stages=tiny().stages[:1])
    (stage,) = run(experiment, seed=5, conditions=Conditions("cpu")).stages

    source = experiment.task.open(device="cpu", generator=stream(5, "task"))
    model = experiment.model.build(source.spec, generator=stream(5, "model"))
    weights = [weight for weight in model.parameters() if weight.dim() == 2]  # input, recurrent, read-out
    masks = [torch.ones_like(weight) for weight in weights]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    batches = source.batches(8, generator=stream(5, "batches", "sparse"))
    for removed in (0, round(0.25 * 54), 27):
        order = sorted(
            (weight[place].abs().item() if mask[place] else -1.0, number, place)
            for number, (weight, mask) in enumerate(zip(weights, masks, strict=True))
            for place in torch.cartesian_prod(*map(torch.arange, weight.shape)).unbind()
            for place in [tuple(place.tolist())]
        )
        for _, number, place in order[:removed]:
            masks[number][place] = 0.0
        with torch.no_grad():
            for weight, mask in zip(weights, masks, strict=True):
                weight.mul_(mask)
        for _ in range(2):
            batch = next(batches)
            state, error = torch.zeros(8, 6), 0.0
            for x in batch.inputs:
                state = torch.tanh(x @ weights[0].T + state @ weights[1].T + model.recurrence.bias)
            error = (state @ weights[2].T + model.readout.bias - batch.targets[-1]).square().mean()
            (error + 0.1 * weights[1].abs().sum() / 36).backward()
            with torch.no_grad():
                for weight, mask in zip(weights, masks, strict=True):
                    weight.grad.mul_(mask)
            optimizer.step()
            optimizer.zero_grad()
            with torch.no_grad():
                for weight, mask in zip(weights, masks, strict=True):
                    weight.mul_(mask)
                    optimizer.state[weight]["exp_avg"].mul_(mask)
                    optimizer.state[weight]["exp_avg_sq"].mul_(mask)
    metrics = source.evaluate(model, split="test", generator=stream(5, "evaluate"))
    assert stage.metrics["mse"] == pytest.approx(metrics["mse"], rel=1e-5)
    for share, mask in zip(stage.densities.values(), masks, strict=True):
        assert share == pytest.approx(mask.mean().item())


@pytest.mark.parametrize("stage", ["sparse", "lottery"])
def test_what_on_epoch_raises_is_passed_on_in_every_stage(tiny, stage):
    class Stopped(Exception):
        pass

    def stop(end):
        if end.stage == stage:
            raise Stopped(end.number)

    with pytest.raises(Stopped, match=r"^1$"):
        run(tiny(), seed=0, conditions=Conditions("cpu"), on_epoch=stop)
