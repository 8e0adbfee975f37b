"""Checks of a source and its batches against the spec: shapes, dtypes, ranges."""

import torch
from torch import Tensor

from ..contract import BaseSource, Batch, Source, TaskSpec
from ._tools import require, tensors


def check_source(source: object, size: int) -> None:
    """Require a `Source` with a spec and a valid number of batches per epoch."""
    require(
        isinstance(source, Source),
        f"open: expected a srnn_tasks.Source; {type(source).__name__} lacks an attribute or method of it",
    )
    assert isinstance(source, Source)
    require(isinstance(source.spec, TaskSpec), f"spec: expected a TaskSpec; got {source.spec!r}")
    require(
        source.spec.loss != "own" or getattr(type(source), "loss", None) is not BaseSource.loss,
        f"loss: expected {type(source).__name__} to override loss(outputs, batch), as its spec has loss='own'",
    )
    epoch = source.epoch_batches(size)
    require(
        epoch is None or (type(epoch) is int and epoch > 0),
        f"epoch_batches: expected an int > 0, or None; got {epoch!r}",
    )


def check_batch(batch: Batch, spec: TaskSpec, size: int) -> None:
    """Require a batch of `size` rows on the CPU whose tensors fit the spec."""
    require(isinstance(batch, Batch), f"batches: expected a srnn_tasks.Batch; got {type(batch).__name__}")
    shape = (batch.steps, size)
    require(batch.size == size, f"inputs: expected {size} rows; got {batch.size}")
    for name, value in batch.info.items():
        require(isinstance(value, Tensor), f"info: expected tensors; {name!r} is {type(value).__name__}")
    for name, tensor in tensors(batch).items():
        require(tensor.device.type == "cpu", f"{name}: expected the device of the source, cpu; got {tensor.device}")
        require(not tensor.requires_grad, f"{name}: requires a gradient")
    if spec.tokens:
        _require_index("inputs", batch.inputs, shape, spec.inputs)
    else:
        _require_float("inputs", batch.inputs, (*shape, spec.inputs))
    if spec.loss == "own":
        finite = bool(batch.targets.isfinite().all())
        require(finite, "targets: has entries that are not finite")  # the shape is the source's own
    elif spec.loss == "cross_entropy":
        _require_index("targets", batch.targets, shape, spec.outputs)
    else:
        _require_float("targets", batch.targets, (*shape, spec.outputs))
    if spec.loss == "distribution_cross_entropy":
        sums = batch.targets.sum(-1)
        require(bool((batch.targets >= 0).all()), "targets: expected a distribution without negative entries")
        require(
            bool(((sums - 1).abs() < 1e-4).all()),
            f"targets: expected a distribution that sums to 1; got {sums.min()} to {sums.max()}",
        )
    if batch.weight is not None:
        _require_float("weight", batch.weight, shape)
        require(bool((batch.weight >= 0).all()), "weight: has negative entries")
    require(
        (batch.start is None) == (spec.start is None),
        f"start: expected {spec.start} as in the spec; the batch has {batch.start}",
    )
    if batch.start is not None and spec.start is not None:
        _require_float("start", batch.start, (size, spec.start))
    require(spec.carry or batch.reset is None, "reset: expected None, as the spec does not carry the state")


def _require_float(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    require(tuple(tensor.shape) == shape, f"{name}: expected shape {shape} by the spec; got {tuple(tensor.shape)}")
    require(tensor.dtype == torch.float32, f"{name}: expected float32; got {tensor.dtype}")
    require(bool(tensor.isfinite().all()), f"{name}: has entries that are not finite")


def _require_index(name: str, tensor: Tensor, shape: tuple[int, int], count: int) -> None:
    require(tuple(tensor.shape) == shape, f"{name}: expected (T, B) = {shape}; got {tuple(tensor.shape)}")
    require(tensor.dtype == torch.int64, f"{name}: expected int64; got {tensor.dtype}")
    low, high = int(tensor.min()), int(tensor.max())
    require(low >= 0 and high < count, f"{name}: expected 0 to {count - 1} by the spec; got {low} to {high}")
