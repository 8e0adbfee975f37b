"""`check_task` catches each breach of the contract, and passes a task that keeps it."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
import torch
from pydantic import ConfigDict, field_serializer
from torch import Tensor

from srnn_tasks import BaseSource, Batch, Metric, Task, TaskSpec, weighted_mean
from srnn_tasks.testing import check_task

T, I, O = 5, 2, 3  # noqa: E741 - the names of the dimensions


class Good(BaseSource):
    """A stream with a position, a start code, weights and info: everything that can go wrong."""

    loss_kind: Any = "cross_entropy"
    carry = False
    start: int | None = 4
    tokens = False

    def __init__(self) -> None:
        metrics = (Metric(name="loss", better="lower"), Metric(name="shown", better="higher"))
        spec = TaskSpec(
            inputs=I, outputs=O, start=self.start, tokens=self.tokens, carry=self.carry, loss=self.loss_kind,
            metrics=metrics,
        )  # fmt: skip
        super().__init__(spec, device="cpu")
        self.position = 0

    def make(self, size: int, generator: torch.Generator, position: int) -> Batch:
        inputs = torch.rand(T, size, I, generator=generator) + position
        if self.tokens:
            inputs = torch.randint(I, (T, size), generator=generator)
        targets = torch.randint(O, (T, size), generator=generator)
        if self.loss_kind != "cross_entropy":
            targets = torch.rand(T, size, O, generator=generator).softmax(-1)
        start = None if self.start is None else torch.rand(size, self.start, generator=generator)
        weight = torch.ones(T, size)
        weight[0] = 0.0
        return Batch(inputs=inputs, targets=targets, weight=weight, start=start, info={"step": torch.arange(T)})

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        self.position += 1
        return self.make(size, generator, self.position)

    def held_out(self, split: str, *, generator: torch.Generator) -> Iterator[Batch]:
        for position in range(3):
            yield self.make(4, generator, position)

    def measure(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        return {"loss": self.loss(outputs, batch), "shown": batch.inputs.float().mean()}

    def state_dict(self) -> dict[str, Any]:
        return {"position": self.position}

    def load_state_dict(self, state: Any) -> None:
        self.position = state["position"]


class Toy(Task):
    """Opens whatever source a test sets."""

    kind: Literal["toy"] = "toy"
    number: float = 0.1

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> Any:
        return OPENS["now"](generator)


OPENS: dict[str, Callable[[torch.Generator], Any]] = {}


def check(source: Callable[..., Any], **options: Any) -> None:
    OPENS["now"] = lambda generator: source()
    check_task(Toy(), **options)


class Tokens(Good):
    tokens = True


class Values(Good):
    loss_kind = "mean_squared_error"


class Distributions(Good):
    loss_kind = "distribution_cross_entropy"


class Stream(Good):
    carry = True
    start = None

    def make(self, size: int, generator: torch.Generator, position: int) -> Batch:
        batch = super().make(size, generator, position)
        return replace(batch, reset=torch.rand(size, generator=generator) < 0.5, weight=None)


class Ordered(Good):
    """A text read in order: no randomness at all."""

    def make(self, size: int, generator: torch.Generator, position: int) -> Batch:
        return super().make(size, torch.Generator().manual_seed(position), position)


class Huber(Values):
    """An own loss that keeps the rules."""

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        losses = torch.nn.functional.smooth_l1_loss(outputs, batch.targets, reduction="none").mean(-1)
        return losses.mean() if batch.weight is None else (losses * batch.weight).sum() / batch.weight.sum()


class Own(Huber):
    """The same loss, as a kind of its own."""

    loss_kind = "own"


class OwnClasses(Good):
    """A loss of classes `(T, B)` of its own: the margin to the best other output."""

    loss_kind = "own"

    def make(self, size: int, generator: torch.Generator, position: int) -> Batch:
        batch = super().make(size, generator, position)
        return replace(batch, targets=batch.targets.argmax(-1))

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        right = outputs.gather(-1, batch.targets[..., None])
        others = outputs.scatter(-1, batch.targets[..., None], -1e3)
        return weighted_mean((1 + others.amax(-1) - right[..., 0]).relu(), batch.weight)


@pytest.mark.parametrize("source", [Good, Tokens, Values, Distributions, Stream, Huber, Own, OwnClasses])
@pytest.mark.parametrize("size", [1, 3])
def test_a_task_that_keeps_the_contract_passes(source: type[Good], size: int) -> None:
    check(source, size=size)


def test_a_task_that_ignores_the_generator_passes_with_seeded_false() -> None:
    check(Ordered, seeded=False)
    with pytest.raises(AssertionError, match="another seed gave the same batches; pass seeded=False"):
        check(Ordered)


def test_only_the_given_splits_are_evaluated() -> None:
    class OneSplit(Good):
        def held_out(self, split: str, *, generator: torch.Generator) -> Iterator[Batch]:
            assert split == "test"
            return super().held_out(split, generator=generator)

    check(OneSplit, splits=("test",))


class Rare(Good):
    """A source that measures "shown" on the test split only, and breaks that if `also` is set."""

    also = False

    def __init__(self) -> None:
        super().__init__()
        loss, shown = self.spec.metrics
        metrics = (loss, shown.model_copy(update={"splits": ("test",)}))
        self.spec = self.spec.model_copy(update={"metrics": metrics})

    def evaluate(self, model: Any, *, split: Any, generator: torch.Generator) -> dict[str, float]:
        names = ["loss", "shown"] if split == "test" or self.also else ["loss"]
        return self.batch_means(model, names, split=split, generator=generator)


def test_metrics_are_those_of_the_split() -> None:
    class Everywhere(Rare):
        also = True

    check(Rare)
    with pytest.raises(AssertionError, match=r"evaluate\('validation'\): expected the metrics \['loss'\]; got "):
        check(Everywhere)


# --- violations by a source: the name of a change, and the expected message ---


def changed(base: type[Good], change: Callable[[Batch], Batch]) -> type[Good]:
    class Changed(base):  # type: ignore[valid-type,misc]
        def make(self, size: int, generator: torch.Generator, position: int) -> Batch:
            return change(super().make(size, generator, position))

    return Changed


def with_method(name: str, method: Any, base: type[Good] = Good) -> type[Good]:
    return type("Changed", (base,), {name: method})


def few_batches(self: Good, size: int, *, generator: torch.Generator) -> Iterator[Batch]:
    yield self.draw(size, generator=generator)


def from_global_torch(self: Good, size: int, *, generator: torch.Generator) -> Batch:
    torch.rand(1)
    return Good.draw(self, size, generator=generator)


def from_global_numpy(self: Good, size: int, *, generator: torch.Generator) -> Batch:
    np.random.rand()  # noqa: NPY002
    return Good.draw(self, size, generator=generator)


def from_global_random(self: Good, size: int, *, generator: torch.Generator) -> Batch:
    random.random()
    return Good.draw(self, size, generator=generator)


def own_noise(self: Good, size: int, *, generator: torch.Generator) -> Batch:
    return Good.draw(self, size, generator=torch.Generator().manual_seed(random.SystemRandom().getrandbits(40)))


def standing_still(self: Good, size: int, *, generator: torch.Generator) -> Batch:
    return self.make(size, torch.Generator().manual_seed(generator.initial_seed()), 0)


def evaluate_training_mode(self: Good, model: Any, *, split: str, generator: torch.Generator) -> dict[str, float]:
    modes = {module: module.training for module in model.modules()}
    with torch.no_grad():
        model.train()(torch.zeros(T, 1, I), torch.zeros(1, 4))
    for module, mode in modes.items():
        module.training = mode
    return {"loss": 0.0, "shown": 0.0}


def evaluate_with_gradients(self: Good, model: Any, *, split: str, generator: torch.Generator) -> dict[str, float]:
    modes = {module: module.training for module in model.modules()}
    model.eval()(torch.zeros(T, 1, I), torch.zeros(1, 4))
    for module, mode in modes.items():
        module.training = mode
    return {"loss": 0.0, "shown": 0.0}


def evaluate_no_restore(self: Good, model: Any, *, split: str, generator: torch.Generator) -> dict[str, float]:
    results = BaseSource.evaluate(self, model, split=split, generator=generator)
    model.train()  # restores the whole, not the parts that were frozen
    return results


def evaluating_as(results: Callable[[dict[str, float]], Any]) -> type[Good]:
    def evaluate(self: Good, model: Any, *, split: str, generator: torch.Generator) -> Any:
        return results(BaseSource.evaluate(self, model, split=split, generator=generator))

    return with_method("evaluate", evaluate)


def losing(loss: Callable[[Tensor, Batch], Any], base: type[Good] = Good) -> type[Good]:
    return with_method("loss", lambda self, outputs, batch: loss(outputs, batch), base)


def mean_square(outputs: Tensor, batch: Batch) -> Tensor:
    return (outputs - batch.targets).square().mean(-1)


def row_normed(outputs: Tensor, batch: Batch) -> Tensor:
    """Each row's own weighted mean first: rows do not count by their weight."""
    weight = torch.ones(outputs.shape[:2]) if batch.weight is None else batch.weight
    shown = weight.sum(0) > 0
    return ((mean_square(outputs, batch) * weight).sum(0)[shown] / weight.sum(0)[shown]).mean()


def leaky(outputs: Tensor, batch: Batch) -> Tensor:
    weight = torch.ones(outputs.shape[:2]) if batch.weight is None else batch.weight
    return (mean_square(outputs, batch) * weight).sum() / weight.sum() + 0.1 * outputs.square().mean()


def summed(outputs: Tensor, batch: Batch) -> Tensor:
    return (mean_square(outputs, batch) * (1.0 if batch.weight is None else batch.weight)).sum()


def unweighted_none(outputs: Tensor, batch: Batch) -> Tensor:
    losses = mean_square(outputs, batch)
    return losses[-1].mean() if batch.weight is None else (losses * batch.weight).sum() / batch.weight.sum()


class Aliased(Good):
    def __init__(self) -> None:
        super().__init__()
        self.positions = torch.zeros(1)

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        self.positions += 1
        return super().draw(size, generator=generator)

    def state_dict(self) -> dict[str, Any]:
        return {"positions": self.positions, "position": self.position}


class Unloadable(Good):
    def state_dict(self) -> dict[str, Any]:
        return {"position": self.position, "odd": random.Random(0)}


nan = float("nan")
BREACHES = {
    "not a source": (object, "open: expected a srnn_tasks.Source; object lacks"),
    "no spec": (with_method("spec", property(lambda self: None, lambda self, spec: None)), "spec: expected a TaskSpec"),
    "epoch 0": (with_method("epoch_batches", lambda self, size: 0), "epoch_batches: .* got 0"),
    "epoch float": (with_method("epoch_batches", lambda self, size: 1.5), "epoch_batches: .* got 1.5"),
    "ends": (with_method("batches", few_batches), "batches: the iterator ended"),
    "not a batch": (with_method("draw", lambda self, size, *, generator: {}), "batches: expected a srnn_tasks.Batch"),
    "rows": (changed(Good, lambda b: Good().make(b.size + 1, torch.Generator(), 0)), "inputs: expected 3 rows"),
    "input width": (
        changed(Good, lambda b: replace(b, inputs=b.inputs[..., :1])),
        r"inputs: expected shape \(5, 3, 2\)",
    ),
    "input dtype": (
        changed(Good, lambda b: replace(b, inputs=b.inputs.double())),
        "inputs: expected float32; got .*64",
    ),
    "input nan": (
        changed(Good, lambda b: replace(b, inputs=b.inputs * nan)),
        "inputs: has entries that are not finite",
    ),
    "input gradient": (
        changed(Good, lambda b: replace(b, inputs=b.inputs.requires_grad_())),
        "inputs: requires a grad",
    ),
    "input device": (changed(Good, lambda b: replace(b, inputs=b.inputs.to("meta"))), "inputs: expected the device"),
    "token range": (changed(Tokens, lambda b: replace(b, inputs=b.inputs + 1)), "inputs: expected 0 to 1 .* got"),
    "token dtype": (
        changed(Tokens, lambda b: replace(b, inputs=b.inputs.int())),
        "inputs: expected int64; got .*int32",
    ),
    "token shape": (changed(Tokens, lambda b: replace(b, inputs=b.inputs[..., None])), r"inputs: expected \(T, B\)"),
    "class range": (changed(Good, lambda b: replace(b, targets=b.targets + O)), "targets: expected 0 to 2 .* got"),
    "class negative": (changed(Good, lambda b: replace(b, targets=b.targets - O)), "targets: expected 0 to 2 .* got -"),
    "class shape": (changed(Good, lambda b: replace(b, targets=b.targets[..., None])), r"targets: expected \(T, B\)"),
    "value shape": (changed(Values, lambda b: replace(b, targets=b.targets[..., 0])), "targets: expected shape"),
    "value inf": (changed(Values, lambda b: replace(b, targets=b.targets / 0)), "targets: has entries that are not"),
    "not a distribution": (
        changed(Distributions, lambda b: replace(b, targets=b.targets * 2)),
        "targets: .* sums to 1",
    ),
    "negative": (changed(Distributions, lambda b: replace(b, targets=b.targets - 0.5)), "targets: .* without negative"),
    "weight negative": (changed(Good, lambda b: replace(b, weight=b.weight - 1)), "weight: has negative"),
    "weight dtype": (changed(Good, lambda b: replace(b, weight=b.weight > 0)), "weight: expected float32; got .*bool"),
    "start missing": (
        changed(Good, lambda b: replace(b, start=None)),
        "start: expected 4 as in the spec; .* None",
    ),
    "start width": (changed(Good, lambda b: replace(b, start=b.start[:, :2])), r"start: expected shape \(3, 4\)"),
    "start unasked": (
        changed(Stream, lambda b: replace(b, start=torch.ones(b.size, 2))),
        "start: expected None as in",
    ),
    "reset unasked": (
        changed(Good, lambda b: replace(b, reset=torch.ones(b.size, dtype=torch.bool))),
        "reset: expected None, as the spec does not carry",
    ),
    "info": (changed(Good, lambda b: replace(b, info={"name": "x"})), "info: expected tensors; 'name' is str"),
    "own noise": (with_method("draw", own_noise), "batches: the same seeds gave different inputs"),
    "stands still": (with_method("draw", standing_still), "batches: the second batch equals the first"),
    "own loss missing": (
        with_method("loss", BaseSource.loss, Own),
        r"loss: expected Changed to override loss\(outputs, batch\), as its spec has loss='own'",
    ),
    "own target inf": (changed(Own, lambda b: replace(b, targets=b.targets / 0)), "targets: has entries that are not"),
    "own loss sum": (losing(summed, Own), "loss: changes if all weights double"),
    "loss per row": (losing(lambda o, b: mean_square(o, b), Values), "loss: expected a scalar tensor"),
    "loss float": (losing(lambda o, b: 1.0), "loss: expected a scalar tensor; got 1.0"),
    "loss nan": (losing(lambda o, b: o.mean() * nan), "loss: is not finite"),
    "loss constant": (losing(lambda o, b: torch.tensor(1.0)), "loss: has no gradient with respect to the outputs"),
    "loss detached": (
        losing(lambda o, b: torch.tensor(1.0, requires_grad=True) * 2),
        "loss: its gradient .* is missing",
    ),
    "loss flat": (
        losing(lambda o, b: (o * 0).sum() + 1),
        "loss: its gradient .* is 0 everywhere",
    ),
    "loss gradient nan": (losing(lambda o, b: (o * 0).square().sum().sqrt()), "loss: its gradient .* not finite"),
    "loss ignores weight": (
        losing(lambda o, b: mean_square(o, b).mean(), Values),
        "loss: depends on outputs of",
    ),
    "loss leaks": (losing(leaky, Values), "loss: depends on outputs of"),
    "loss none": (losing(unweighted_none, Values), "loss: weight None differs from weight 1"),
    "loss sum": (losing(summed, Values), "loss: changes if all weights double"),
    "loss by row": (losing(row_normed, Values), "loss: is not the mean over steps and rows"),
    "training mode": (with_method("evaluate", evaluate_training_mode), "evaluate.* calls the model in training mode"),
    "gradients": (
        with_method("evaluate", evaluate_with_gradients),
        "evaluate.*calls the model in training mode or with",
    ),
    "mode of parts": (
        with_method("evaluate", evaluate_no_restore),
        "evaluate.* did not restore the mode",
    ),
    "metric missing": (evaluating_as(lambda r: {"loss": r["loss"]}), r"evaluate\('validation'\): expected the metrics"),
    "metric more": (evaluating_as(lambda r: {**r, "more": 0.0}), "evaluate.* expected the metrics"),
    "metric nan": (
        evaluating_as(lambda r: {**r, "shown": nan}),
        "evaluate.* expected shown .* finite float; got nan",
    ),
    "metric tensor": (
        evaluating_as(lambda r: {**r, "shown": torch.tensor(0.0)}),
        "evaluate.* expected shown to be a fin",
    ),
    "metric noise": (
        evaluating_as(lambda r: {**r, "shown": random.SystemRandom().random()}),
        "evaluate.* the same seed",
    ),
    "moves the stream": (with_method("held_out", BaseSource.held_out), "evaluate.* advances the training stream"),
    "no position": (
        with_method("state_dict", lambda self: {"position": 0}),
        "state_dict: after .* different inputs",
    ),
    "aliased": (Aliased, "state_dict: the state changed as the stream advanced"),
    "unloadable": (Unloadable, r"state_dict: torch.load\(weights_only=True\) rejects it"),
    "global torch": (with_method("draw", from_global_torch), "generator: the global generator of torch was used"),
    "global numpy": (with_method("draw", from_global_numpy), "generator: the global generator of numpy.random was"),
    "global random": (with_method("draw", from_global_random), "generator: the global generator of random was used"),
}


@pytest.mark.parametrize("name", BREACHES)
def test_each_breach_by_a_source_is_caught(name: str) -> None:
    source, message = BREACHES[name]
    with pytest.raises(AssertionError, match=f"^({message})"):
        check(source)


def test_fixed_parts_drawn_without_the_generator_are_caught() -> None:
    def open_with_noise(generator: torch.Generator) -> Good:
        offset = random.SystemRandom().random()
        return changed(Good, lambda b: replace(b, inputs=b.inputs + offset))()

    OPENS["now"] = open_with_noise
    with pytest.raises(AssertionError, match="batches: the same seeds gave different inputs"):
        check_task(Toy())


def test_a_change_of_torch_itself_is_caught() -> None:
    def open_doubles(generator: torch.Generator) -> Good:
        torch.set_default_dtype(torch.float64)
        return changed(Good, lambda b: replace(b, inputs=b.inputs.float(), start=b.start.float(), weight=None))()

    OPENS["now"] = open_doubles
    try:
        with pytest.raises(AssertionError, match="open: torch's default dtype was changed"):
            check_task(Toy())
    finally:
        torch.set_default_dtype(torch.float32)


# --- violations by the value ---


class AnyText(Toy):
    kind: str = "any_text"  # type: ignore[assignment]


class NoDefault(Toy):
    kind: Literal["one", "two"] = "one"  # type: ignore[assignment]


class Unhashable(Toy):
    kind: Literal["unhashable"] = "unhashable"  # type: ignore[assignment]
    sizes: list[int] = [1]  # noqa: RUF012


class Lossy(Toy):
    kind: Literal["lossy"] = "lossy"  # type: ignore[assignment]

    @field_serializer("number")
    def _round(self, number: float) -> float:
        return round(number)


class Loose(Toy):
    model_config = ConfigDict(extra="ignore")
    kind: Literal["loose"] = "loose"  # type: ignore[assignment]


class Impostor(Toy):
    """Takes a kind that is another's, whose fields differ."""

    kind: Literal["adding"] = "adding"  # type: ignore[assignment]


class Bare(Task):
    """Takes a kind that is another's, and has no fields."""

    kind: Literal["adding"] = "adding"

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> Any:
        return Good()


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("toy", "task: expected an instance of a subclass of srnn_tasks.Task; got 'toy'"),
        (AnyText(), "kind: accepts any text"),
        (
            NoDefault(kind="two"),
            "kind: expected a Literal with itself as default; got the default 'one' and the kind 'two'",
        ),
        (Unhashable(), "task: is not hashable: unhashable type: 'list'"),
        (Lossy(), "JSON: the task changed in a round trip"),
        (Loose(), "task: accepts an unknown field"),
        (Impostor(), "JSON: the task cannot be read back by its kind"),
        (Bare(), "JSON: expected Bare.* when read back by its kind; got Adding"),
    ],
)
def test_each_breach_by_a_value_is_caught(task: Any, message: str) -> None:
    OPENS["now"] = lambda generator: Good()
    with pytest.raises(AssertionError, match=f"^{message}"):
        check_task(task)
