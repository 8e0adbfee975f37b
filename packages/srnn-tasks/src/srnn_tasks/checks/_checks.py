"""The parts of `srnn_tasks.testing.check_task`: each raises an AssertionError that names what is wrong."""

import io
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from itertools import islice
from math import isfinite
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from ..contract import Batch, Source, Split, Task, TaskSpec
from ..registry import AnyTask, kinds
from ._probe import Probe


def require(condition: object, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def seeded_generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def opened(task: Task) -> Source:
    dtype = torch.get_default_dtype()
    source = task.open(device="cpu", generator=seeded_generator(0))
    require(torch.get_default_dtype() == dtype, "open: torch's default dtype was changed")
    return source


@contextmanager
def globals_untouched() -> Iterator[None]:
    torch_state, numpy_state, python_state = torch.get_rng_state(), repr(np.random.get_state()), random.getstate()  # noqa: NPY002
    grad = torch.is_grad_enabled()
    yield
    touched = [
        name
        for name, same in (
            ("torch", torch.equal(torch.get_rng_state(), torch_state)),
            ("numpy.random", repr(np.random.get_state()) == numpy_state),  # noqa: NPY002
            ("random", random.getstate() == python_state),
        )
        if not same
    ]
    require(not touched, f"generator: the global generator of {', '.join(touched)} was used; use the one passed")
    require(torch.is_grad_enabled() == grad, "evaluate: the global gradient mode was not restored")


def check_value(task: Task) -> None:
    require(isinstance(task, Task), f"task: expected an instance of a subclass of srnn_tasks.Task; got {task!r}")
    default = type(task).model_fields["kind"].default
    require(
        default == task.kind, f"kind: must be a Literal with itself as default; default {default!r}, is {task.kind!r}"
    )
    try:
        hash(task)
    except TypeError as error:
        raise AssertionError(f"task: is not hashable: {error}; use tuples, and frozen values") from error
    text = task.model_dump_json()
    again = type(task).model_validate_json(text)
    require(again == task, f"JSON: the task came back changed: {task!r} became {again!r}")
    try:
        type(task).model_validate({**task.model_dump(), "no_such_field": 1})
    except ValueError:
        pass
    else:
        raise AssertionError("task: takes an unknown field; keep extra='forbid'")
    try:
        type(task).model_validate({**task.model_dump(), "kind": task.kind + "_"})
    except ValueError:
        pass
    else:
        raise AssertionError("kind: takes any text; must be a Literal with itself as default")
    if task.kind in kinds():
        adapter: TypeAdapter[Task] = TypeAdapter(AnyTask)
        try:
            found = adapter.validate_json(adapter.dump_json(task))
        except ValueError as error:
            raise AssertionError(f"JSON: by its kind the task did not come back: {error}") from error
        require(found == task, f"JSON: by its kind the task came back as {found!r}, not {task!r}")


def check_source(source: object, size: int) -> None:
    require(
        isinstance(source, Source), f"open: expected a srnn_tasks.Source; {type(source).__name__} lacks a part of it"
    )
    assert isinstance(source, Source)
    require(isinstance(source.spec, TaskSpec), f"spec: expected a TaskSpec; got {source.spec!r}")
    epoch = source.epoch_batches(size)
    require(
        epoch is None or (type(epoch) is int and epoch > 0),
        f"epoch_batches: expected an int > 0, or None; got {epoch!r}",
    )


def check_batch(batch: Batch, spec: TaskSpec, size: int) -> None:
    require(isinstance(batch, Batch), f"batches: expected a srnn_tasks.Batch; got {type(batch).__name__}")
    steps = batch.steps
    require(batch.size == size, f"inputs: expected {size} rows, as asked; got {batch.size}")

    def is_float(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
        require(tuple(tensor.shape) == shape, f"{name}: expected shape {shape} by the spec; got {tuple(tensor.shape)}")
        require(tensor.dtype == torch.float32, f"{name}: expected float32; got {tensor.dtype}")
        require(bool(tensor.isfinite().all()), f"{name}: has entries that are not finite")

    def is_index(name: str, tensor: Tensor, count: int) -> None:
        require(
            tuple(tensor.shape) == (steps, size),
            f"{name}: expected (T, B) = {(steps, size)}; got {tuple(tensor.shape)}",
        )
        require(tensor.dtype == torch.int64, f"{name}: expected int64; got {tensor.dtype}")
        low, high = int(tensor.min()), int(tensor.max())
        require(low >= 0 and high < count, f"{name}: expected 0 to {count - 1} by the spec; got {low} to {high}")

    for name, value in batch.info.items():
        require(isinstance(value, Tensor), f"info: expected tensors; {name!r} is {type(value).__name__}")
    for name, tensor in _tensors(batch).items():
        require(tensor.device.type == "cpu", f"{name}: expected the device of the source, cpu; got {tensor.device}")
        require(not tensor.requires_grad, f"{name}: requires a gradient")
    if spec.tokens:
        is_index("inputs", batch.inputs, spec.inputs)
    else:
        is_float("inputs", batch.inputs, (steps, size, spec.inputs))
    if spec.loss == "cross_entropy":
        is_index("targets", batch.targets, spec.outputs)
    else:
        is_float("targets", batch.targets, (steps, size, spec.outputs))
    if spec.loss == "distribution_cross_entropy":
        sums = batch.targets.sum(-1)
        require(bool((batch.targets >= 0).all()), "targets: a distribution has no negative entries")
        require(
            bool(((sums - 1).abs() < 1e-4).all()),
            f"targets: a distribution sums to 1; got {sums.min()} to {sums.max()}",
        )
    if batch.weight is not None:
        is_float("weight", batch.weight, (steps, size))
        require(bool((batch.weight >= 0).all()), "weight: has negative entries")
    require(
        (batch.start is None) == (spec.start is None), f"start: the spec says {spec.start}; the batch has {batch.start}"
    )
    if batch.start is not None and spec.start is not None:
        is_float("start", batch.start, (size, spec.start))
    require(spec.carry or batch.reset is None, "reset: given, but the spec does not carry the state")


def check_seeds(task: Task, batches: list[Batch], size: int, seeded: bool) -> None:
    again = list(islice(opened(task).batches(size, generator=seeded_generator(1)), 3))
    for first, second in zip(batches, again, strict=True):
        different = _different(first, second)
        require(not different, f"batches: the same seeds gave other {', '.join(different)}")
    if seeded:
        others = list(islice(opened(task).batches(size, generator=seeded_generator(2)), 3))
        same = all(not _different(first, other) for first, other in zip(batches, others, strict=True))
        require(not same, "batches: another seed gave the same batches; pass seeded=False if that is meant")
        require(
            _different(batches[0], batches[1]), "batches: the second batch equals the first; the stream stands still"
        )


def check_loss(source: Source, batch: Batch) -> None:
    spec = source.spec
    outputs = Probe(spec)(batch.inputs, batch.start)[0].detach().requires_grad_()
    loss = source.loss(outputs, batch)
    require(isinstance(loss, Tensor) and loss.shape == (), f"loss: expected a scalar tensor; got {loss!r}")
    require(bool(loss.isfinite()), f"loss: is not finite: {loss.item()}")
    require(loss.requires_grad, "loss: has no gradient to the outputs")
    (gradient,) = torch.autograd.grad(loss, outputs, allow_unused=True)
    require(
        gradient is not None and bool(gradient.isfinite().all()),
        "loss: its gradient to the outputs is missing or not finite",
    )
    require(bool((gradient != 0).any()), "loss: its gradient to the outputs is 0 everywhere")

    def weighted(weight: Tensor | None) -> Tensor:
        return source.loss(outputs, replace(batch, weight=weight))

    ones = torch.ones(batch.steps, batch.size)
    require(
        torch.allclose(weighted(None), weighted(ones), rtol=1e-4), "loss: weight None differs from weight 1 everywhere"
    )
    weight = ones.clone()
    weight[-1] = 0.5
    weight[0, 0] = 0.0 if weight.numel() > 1 else 0.5
    require(
        torch.allclose(weighted(weight), weighted(2 * weight), rtol=1e-4),
        "loss: changes if all weights double; it must be a weighted mean",
    )
    (gradient,) = torch.autograd.grad(weighted(weight), outputs)
    require(bool((gradient[weight == 0] == 0).all()), "loss: outputs of weight 0 have an influence on it")
    parts = [torch.zeros_like(ones), torch.zeros_like(ones)]
    parts[0][:, 0], parts[1][:, -1] = 1.0, 3.0
    means = (weighted(parts[0]) + 3 * weighted(parts[1])) / 4
    require(
        batch.size == 1 or torch.allclose(weighted(parts[0] + parts[1]), means, rtol=1e-4),
        "loss: is not the mean over steps and rows, each counted by its weight",
    )


def check_evaluate(task: Task, split: Split, size: int) -> None:
    source, training = opened(task), seeded_generator(1)
    stream = source.batches(size, generator=training)
    first = next(stream)
    probe = Probe(source.spec).train()
    probe.inner.eval()
    results = source.evaluate(probe, split=split, generator=seeded_generator(3))
    name = f"evaluate({split!r})"
    require(probe.training and not probe.inner.training, f"{name}: did not restore the mode of each part of the model")
    require(
        probe.calls and all(probe.calls), f"{name}: calls the model in training mode or with gradients, or not at all"
    )
    declared = [metric.name for metric in source.spec.metrics]
    require(
        isinstance(results, dict) and set(results) == set(declared),
        f"{name}: expected the metrics {declared}; got {results!r}",
    )
    for metric, value in results.items():
        require(type(value) is float and isfinite(value), f"{name}: {metric} must be a finite float; got {value!r}")
    other = opened(task).batches(size, generator=seeded_generator(1))
    require(not _different(first, next(other)), "batches: the same seeds gave other batches")
    require(not _different(next(stream), next(other)), f"{name}: moves the training stream")
    again = opened(task).evaluate(probe, split=split, generator=seeded_generator(3))
    require(again == results, f"{name}: the same seed gave {again}, and before {results}")


def check_state(task: Task, size: int) -> None:
    source, generator = opened(task), seeded_generator(1)
    list(islice(source.batches(size, generator=generator), 2))
    state, position = source.state_dict(), generator.get_state()
    saved = _saved(state)
    expected = list(islice(source.batches(size, generator=generator), 3))
    require(_saved(state) == saved, "state_dict: the state changed while the stream went on; return a copy")
    resumed, generator = opened(task), seeded_generator(9)
    resumed.load_state_dict(_loaded(saved))
    generator.set_state(position)
    for first, second in zip(expected, islice(resumed.batches(size, generator=generator), 3), strict=True):
        different = _different(first, second)
        require(
            not different, f"state_dict: after load_state_dict the stream goes on with other {', '.join(different)}"
        )


def _saved(state: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    try:
        _loaded(buffer.getvalue())
    except Exception as error:
        raise AssertionError(f"state_dict: torch.load(weights_only=True) refuses it: {error}") from error
    return buffer.getvalue()


def _loaded(data: bytes) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(io.BytesIO(data), weights_only=True)
    return loaded


def _tensors(batch: Batch) -> dict[str, Tensor]:
    named = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return {name: value for name, value in (named | dict(batch.info)).items() if isinstance(value, Tensor)}


def _different(first: Batch, second: Batch) -> list[str]:
    one, two = _tensors(first), _tensors(second)
    return [
        name
        for name in sorted(one.keys() | two.keys())
        if name not in one or name not in two or not torch.equal(one[name], two[name])
    ]
