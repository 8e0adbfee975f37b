"""Batch, TaskSpec, losses, and BaseSource."""

import math
from dataclasses import fields
from typing import NamedTuple

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from srnn_tasks import (
    BaseSource,
    Batch,
    Metric,
    TaskError,
    TaskSpec,
    adapt,
    carried,
    evaluating,
    position_losses,
    step_model,
    weighted_mean,
)

T, B, I, O = 4, 3, 2, 5  # noqa: E741 - the names of the dimensions
FITTING = {"inputs": torch.zeros(T, B, I), "targets": torch.zeros(T, B, O)}


# --- Batch ---


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("inputs", torch.zeros(T)),
        ("inputs", torch.zeros(T, B, I, 1)),
        ("targets", torch.zeros(T, B + 1)),
        ("targets", torch.zeros(B)),
        ("weight", torch.zeros(T, 1)),
        ("weight", torch.zeros(B)),
        ("start", torch.zeros(B + 1, 4)),
        ("start", torch.zeros(B)),
        ("reset", torch.zeros(B)),
        ("reset", torch.zeros(T, dtype=torch.bool)),
    ],
)
def test_a_tensor_of_wrong_shape_is_named(field: str, value: Tensor) -> None:
    with pytest.raises(TaskError, match=f"^{field}: expected .* got "):
        Batch(**{**FITTING, field: value})


def test_to_moves_every_tensor() -> None:
    rest = {"weight": torch.zeros(T, B), "start": torch.zeros(B, 4), "reset": torch.zeros(B, dtype=torch.bool)}
    moved = Batch(**FITTING, **rest, info={"place": torch.zeros(T, B, 2)}).to("meta")
    for field in fields(moved):
        if field.name != "info":
            assert getattr(moved, field.name).is_meta, field.name
    assert moved.info["place"].is_meta
    bare = Batch(**FITTING).to("meta")
    assert (bare.weight, bare.start, bare.reset, bare.info) == (None, None, None, {})


# --- TaskSpec ---

SPEC = {"inputs": I, "outputs": O, "loss": "cross_entropy", "metrics": [{"name": "loss", "better": "lower"}]}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"inputs": 0}, "inputs"),
        ({"outputs": -1}, "outputs"),
        ({"start": 0}, "start"),
        ({"loss": "hinge"}, "loss"),
        ({"metrics": []}, "metrics"),
        ({"metrics": [{"name": "a", "better": "up"}]}, r"metrics\.0\.better"),
        ({"metrics": [{"name": "a", "better": "lower"}] * 2}, "metrics: expected distinct names"),
        ({"start": 3, "carry": True}, "start, carry: "),
        ({"input_channels": [{"name": "cue", "size": I + 1}]}, "input_channels: expected sizes that sum to inputs = 2"),
        (
            {"output_channels": [{"name": "a", "size": 1}] * 2},
            "output_channels: .* sum to outputs = 5",
        ),
        ({"input_channels": [{"name": "cue", "size": 2, "labels": ["x"]}]}, "labels: expected none, or one for each"),
        ({"output": 3}, "output"),
    ],
)
def test_a_wrong_spec_is_refused(change: dict, named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        TaskSpec.model_validate(SPEC | change)


def test_a_spec_goes_to_json_and_back() -> None:
    spec = TaskSpec.model_validate(SPEC)
    assert TaskSpec.model_validate_json(spec.model_dump_json()) == spec
    assert hash(spec) == hash(TaskSpec.model_validate(SPEC))


# --- losses ---


def slow_loss(kind: str, outputs: Tensor, targets: Tensor, weight: Tensor) -> float:
    """One step and row at a time, from the definition."""
    total = 0.0
    for t in range(T):
        for b in range(B):
            row = outputs[t, b].tolist()
            if kind == "mean_squared_error":
                loss = sum((o - y) ** 2 for o, y in zip(row, targets[t, b].tolist(), strict=True)) / O
            else:
                log_sum = math.log(sum(math.exp(o) for o in row))
                if kind == "cross_entropy":
                    loss = log_sum - row[int(targets[t, b])]
                else:
                    loss = sum(y * (log_sum - o) for o, y in zip(row, targets[t, b].tolist(), strict=True))
            total += loss * float(weight[t, b])
    return total / float(weight.sum())


class Echo(BaseSource):
    """Fixed batches of which each has one more row, scored by loss and accuracy."""

    def __init__(self, kind: str = "cross_entropy", **spec: object) -> None:
        metrics = (Metric(name="loss", better="lower"), Metric(name="accuracy", better="higher"))
        super().__init__(TaskSpec(inputs=I, outputs=O, loss=kind, metrics=metrics, **spec), device="cpu")

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        inputs = torch.randn(T, size, I, generator=generator)
        weight = torch.rand(T, size, generator=generator).round(decimals=1)
        targets = torch.randint(O, (T, size), generator=generator)
        return Batch(inputs=inputs, targets=targets, weight=weight)


@pytest.mark.parametrize("kind", ["cross_entropy", "distribution_cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_the_weighted_mean_of_its_definition(kind: str, weighted: bool, generator) -> None:
    outputs = torch.randn(T, B, O, generator=generator)
    targets = torch.rand(T, B, O, generator=generator).softmax(-1)
    if kind == "cross_entropy":
        targets = torch.randint(O, (T, B), generator=generator)
    weight = torch.rand(T, B, generator=generator) if weighted else None
    batch = Batch(inputs=torch.zeros(T, B, I), targets=targets, weight=weight)
    expected = slow_loss(kind, outputs, targets, torch.ones(T, B) if weight is None else weight)
    assert Echo(kind).loss(outputs, batch).item() == pytest.approx(expected, rel=1e-5)
    assert position_losses(kind, outputs, targets).shape == (T, B)


def test_a_loss_of_its_own_must_be_written(generator) -> None:
    batch = Echo("own").draw(B, generator=generator)
    with pytest.raises(TaskError, match=r"loss: expected Echo to override loss\(outputs, batch\)"):
        Echo("own").loss(torch.zeros(T, B, O), batch)
    with pytest.raises(TaskError, match="loss: 'own' names no loss"):
        position_losses("own", torch.zeros(T, B, O), batch.targets)

    class Margin(Echo):
        def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
            return weighted_mean(outputs.square().sum(-1), batch.weight)

    scores = Margin("own").evaluate(
        lambda x, *_: (torch.ones(*x.shape[:2], O), None), split="test", generator=generator
    )
    assert scores["loss"] == pytest.approx(5.0)
    assert 0 < scores["accuracy"] < 1, "targets of classes have an accuracy under any loss"


def test_weights_that_are_all_zero_give_zero_and_no_nan() -> None:
    values = torch.ones(T, B, requires_grad=True)
    mean = weighted_mean(values, torch.zeros(T, B))
    mean.backward()
    assert mean.item() == 0
    assert torch.equal(values.grad, torch.zeros(T, B))


@pytest.mark.parametrize("kind", ["cross_entropy", "distribution_cross_entropy", "mean_squared_error"])
def test_outputs_that_do_not_fit_are_refused(kind: str) -> None:
    with pytest.raises(TaskError, match=rf"loss {kind}: outputs \(T, B, O\) \(4, 3, 5\) do not fit targets \(3, 4\)"):
        position_losses(kind, torch.zeros(T, B, O), torch.zeros(B, T))


# --- models ---


def test_evaluating_restores_every_part_even_after_an_error() -> None:
    model = nn.Sequential(nn.Dropout(), nn.Dropout().eval(), nn.Sequential(nn.Dropout()))
    modes = [module.training for module in model.modules()]
    with pytest.raises(RuntimeError), evaluating(model):
        assert not any(module.training for module in model.modules())
        assert not torch.is_grad_enabled()
        raise RuntimeError
    assert [module.training for module in model.modules()] == modes
    assert torch.is_grad_enabled()


class Cell(NamedTuple):
    hidden: Tensor
    memory: Tensor


def test_carried_detaches_and_resets_rows_in_any_nest() -> None:
    def state() -> Tensor:
        return torch.ones(2, B, 4, requires_grad=True) * 2

    reset = torch.tensor([True, False, True])
    expected = torch.tensor([0.0, 2.0, 0.0])[:, None].expand(2, B, 4)
    nest = carried({"a": [state(), None], "b": Cell(state(), state()), "c": (state()[0],)}, reset)
    leaves = [nest["a"][0], nest["b"].hidden, nest["b"].memory]
    assert isinstance(nest["b"], Cell)
    assert nest["a"][1] is None
    assert torch.equal(nest["c"][0], expected[0])
    assert all(torch.equal(leaf, expected) and not leaf.requires_grad for leaf in leaves)
    kept = carried(state(), None)
    assert torch.equal(kept, torch.full((2, B, 4), 2.0))
    assert not kept.requires_grad


@pytest.mark.parametrize("module", [nn.RNN, nn.GRU, nn.LSTM])
def test_steps_with_the_state_carried_are_the_whole_sequence(module, generator) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = adapt(module(I, 7, num_layers=2), readout=nn.Linear(7, O))
    inputs = torch.randn(9, B, I, generator=generator)
    expected, _ = model(inputs)
    state = None
    for x, outputs in zip(inputs, expected, strict=True):
        stepped, state = step_model(model, x, state, outputs=O)
        assert stepped.shape == (B, O)
        torch.testing.assert_close(stepped, outputs)
    with pytest.raises(TaskError, match=r"model: expected outputs \(T, B, O\) = \(1, 3, 4\)"):
        step_model(model, inputs[0], None, outputs=4)


# --- BaseSource ---


def test_evaluate_is_the_mean_over_all_scored_positions(generator) -> None:
    source = Echo()
    source.held_out = lambda split, *, generator: (source.draw(n, generator=generator) for n in (1, 4, 2))
    weights = torch.randn(I, O, generator=generator)

    def model(inputs: Tensor, start: object = None, state: object = None) -> tuple[Tensor, None]:
        return inputs @ weights, None

    results = source.evaluate(model, split="test", generator=generator.manual_seed(5))
    generator.manual_seed(5)
    right = loss = total = 0.0
    for n in (1, 4, 2):
        batch = source.draw(n, generator=generator)
        outputs = batch.inputs @ weights
        logs = outputs.log_softmax(-1)
        for t in range(T):
            for b in range(n):
                weight = float(batch.weight[t, b])
                total += weight
                right += weight * float(outputs[t, b].argmax() == batch.targets[t, b])
                loss -= weight * float(logs[t, b, batch.targets[t, b]])
    assert results == pytest.approx({"loss": loss / total, "accuracy": right / total}, rel=1e-5)


def test_evaluate_carries_the_state_only_if_the_spec_does(generator) -> None:
    for carry in (False, True):
        source = Echo(carry=carry)
        source.evaluation_batches = 3
        seen: list[object] = []

        def model(inputs: Tensor, start: object = None, state: object = None, seen=seen) -> tuple[Tensor, Tensor]:
            seen.append(state if state is None else state[0, 0].item())
            return torch.zeros(T, inputs.shape[1], O), torch.full((inputs.shape[1], 1), float(len(seen)))

        source.evaluate(model, split="validation", generator=generator)
        assert seen == ([None, 1.0, 2.0] if carry else [None, None, None])


def test_a_missing_or_undeclared_metric_is_an_error(generator) -> None:
    def model(inputs: Tensor, start: object = None, state: object = None) -> tuple[Tensor, None]:
        return torch.zeros(T, inputs.shape[1], O), None

    source = Echo()
    for wrong in ({"loss": torch.tensor(0.0)}, dict.fromkeys(["loss", "accuracy", "more"], torch.tensor(0.0))):
        source.measure = lambda outputs, batch, wrong=wrong: wrong
        with pytest.raises(TaskError, match=r"measure: expected the metrics of the spec \['loss', 'accuracy'\]; got "):
            source.evaluate(model, split="test", generator=generator)
    source.held_out = lambda split, *, generator: ()
    with pytest.raises(TaskError, match="held_out: expected at least one batch; the split 'test' has none"):
        source.evaluate(model, split="test", generator=generator)


def of_splits(**splits: tuple[str, ...]) -> Echo:
    """Return a source whose metrics are measured on these splits."""
    source = Echo()
    metrics = [Metric(name=name, better="lower", splits=each) for name, each in splits.items()]
    source.spec = source.spec.model_copy(update={"metrics": tuple(metrics)})
    return source


def test_a_metric_is_measured_on_its_splits_only(generator) -> None:
    def model(inputs: Tensor, start: object = None, state: object = None) -> tuple[Tensor, None]:
        return torch.zeros(*inputs.shape[:2], O), None

    source = of_splits(loss=("validation", "test"), accuracy=("test",))
    assert source.spec.measured("validation") == ("loss",)
    assert source.spec.measured("test") == ("loss", "accuracy")
    assert set(source.evaluate(model, split="validation", generator=generator)) == {"loss"}
    assert set(source.evaluate(model, split="test", generator=generator)) == {"loss", "accuracy"}
    assert set(source.batch_means(model, ["accuracy"], split="test", generator=generator)) == {"accuracy"}
    source.measure = lambda outputs, batch: {"loss": torch.tensor(2.0)}
    assert source.evaluate(model, split="validation", generator=generator) == {"loss": 2.0}
    with pytest.raises(TaskError, match=r"measure: expected the metrics of the spec .*; got \['loss'\]"):
        source.evaluate(model, split="test", generator=generator)


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ((), "splits"),
        (("train",), "splits"),
        (("test", "test"), "splits: expected distinct splits"),
    ],
)
def test_splits_of_a_metric_that_do_not_fit_are_refused(splits: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Metric(name="loss", better="lower", splits=splits)


def test_each_split_has_a_metric() -> None:
    for splits, missing in ((("test",), "validation"), (("validation",), "test")):
        metric = Metric(name="loss", better="lower", splits=splits)
        with pytest.raises(ValidationError, match=f"expected at least one that is measured on the split '{missing}'"):
            TaskSpec(inputs=1, outputs=1, loss="cross_entropy", metrics=(metric,))


def test_a_source_without_position_takes_no_other_state() -> None:
    source = Echo()
    assert source.state_dict() == {}
    source.load_state_dict({})
    with pytest.raises(TaskError, match=r"state: .* got \['order'\]"):
        source.load_state_dict({"order": 1})
