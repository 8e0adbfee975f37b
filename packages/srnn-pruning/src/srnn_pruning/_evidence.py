"""What a criterion may need besides the weights, and the state of the module while it is asked for."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ._errors import PruningError
from ._scope import check_initialized


def offered(evidence: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the evidence of the caller; where there is a `loss` and no `run`, `run` is the loss.

    Raises PruningError if the evidence is no mapping, or its `loss` or `run` no function.
    """
    if not isinstance(evidence, Mapping | None):
        raise PruningError(f"evidence: expected a mapping from names such as 'loss' to values, got {evidence!r}")
    offers = dict(evidence or {})
    for name in ("loss", "run"):
        if offers.get(name) is not None and not callable(offers[name]):
            raise PruningError(
                f"evidence: {name!r}: expected a function without arguments that runs the module, got {offers[name]!r}"
            )
    if offers.get("run") is None and offers.get("loss") is not None:
        offers["run"] = offers["loss"]
    return offers


def check_recordable(module: nn.Module) -> None:
    """Raise PruningError for a weight that autograd cannot record: it is lazy, or was created in inference mode."""
    for name, parameter in module.named_parameters():
        check_initialized(name, parameter)
        if parameter.is_inference():
            raise PruningError(
                f"{name}: expected a weight that autograd can record, got one created under torch.inference_mode; "
                "create the module outside of it"
            )


@contextmanager
def scoring(module: nn.Module, weights: Iterable[Tensor]) -> Iterator[None]:
    """Context in which a criterion may run the module, and which restores the module on exit, also after an error.

    Inside, the module is in evaluation mode, gradients are enabled, the given weights require them, `.grad` is None,
    and cuDNN is off, because it cannot differentiate a recurrent layer twice. On exit, weights, `.grad`, requires_grad,
    the mode of each submodule, buffers, and the global generators of the devices in use are restored. Costs a copy of
    all weights and buffers, and a comparison with it.

    Raises PruningError for a lazy parameter, which has no values yet.
    """
    weights = list(weights)
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        check_initialized(name, tensor)
    parameters = list({id(each): each for each in (*module.parameters(), *weights)}.values())
    buffers = list(module.buffers())
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(_same_generators([*parameters, *buffers]))
        stack.enter_context(_same_flags(parameters, weights))  # left last: a `.grad` has the shape of the values
        stack.enter_context(_same_values([*parameters, *buffers]))
        stack.enter_context(_same_buffers(module))
        stack.enter_context(_evaluation(module))
        stack.enter_context(_without_cudnn())
        stack.enter_context(torch.enable_grad())
        yield


def _same_generators(tensors: list[Tensor]) -> Any:
    """Return a context that restores the global generators of the CPU and of the devices of the tensors."""
    devices = {tensor.device for tensor in tensors if tensor.device.type not in ("cpu", "meta")}
    kind = next(iter(devices)).type if devices else "cuda"  # ignored if there are no devices
    return torch.random.fork_rng(devices=[each.index for each in devices if each.type == kind], device_type=kind)


@contextmanager
def _same_values(tensors: list[Tensor]) -> Iterator[None]:
    """Restore the values of tensors that were changed.

    They are compared, because not every write raises the version of a tensor: the statistics of a BatchNorm do not, nor
    do writes to `.data`. Tensors that did not change are not written to.
    """
    before = [(tensor, tensor.detach().clone()) for tensor in tensors if not tensor.is_inference()]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in before:
                if tensor.shape != value.shape or tensor.dtype != value.dtype or tensor.device != value.device:
                    tensor.data = value
                elif not _same_bits(tensor, value):
                    tensor.copy_(value)


def _same_bits(one: Tensor, other: Tensor) -> bool:
    """Return whether two tensors of one shape and dtype are equal bit for bit, so NaN equals the same NaN."""
    if one.is_meta:
        return True
    if one.layout is not torch.strided:
        return torch.equal(one, other)
    one, other = (each.detach().contiguous().reshape(-1).view(torch.uint8) for each in (one, other))
    return torch.equal(one, other)


@contextmanager
def _same_buffers(module: nn.Module) -> Iterator[None]:
    """Put back buffers that a forward replaced by other tensors, as modules that carry a state do."""
    before = [(each, dict(each._buffers)) for each in module.modules()]
    try:
        yield
    finally:
        for each, buffers in before:
            each._buffers.clear()
            each._buffers.update(buffers)


@contextmanager
def _same_flags(parameters: list[Tensor], weights: list[Tensor]) -> Iterator[None]:
    """Let weights require gradients and set every `.grad` aside."""
    before = [(parameter, parameter.requires_grad, parameter.grad) for parameter in parameters if parameter.is_leaf]
    try:
        for parameter, _, _ in before:
            parameter.grad = None
        for weight in weights:
            if weight.is_leaf and not weight.is_inference() and (weight.is_floating_point() or weight.is_complex()):
                weight.requires_grad_(True)
        yield
    finally:
        for parameter, flag, grad in before:
            if parameter.requires_grad != flag:
                parameter.requires_grad_(flag)
            parameter.grad = grad


@contextmanager
def _evaluation(module: nn.Module) -> Iterator[None]:
    """Set the module to evaluation mode, and each submodule back to its own mode."""
    before = [(each, each.training) for each in module.modules()]
    try:
        for each, _ in before:
            each.training = False  # not eval(), which a module may override
        yield
    finally:
        for each, mode in before:
            each.training = mode


@contextmanager
def _without_cudnn() -> Iterator[None]:
    """Turn cuDNN off; `torch.backends.cudnn.flags` would also change flags that are of no concern here."""
    before = torch.backends.cudnn.enabled
    torch.backends.cudnn.enabled = False
    try:
        yield
    finally:
        torch.backends.cudnn.enabled = before
