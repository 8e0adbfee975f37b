"""What a criterion may need besides the weights, and the state of the module while it is asked for."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def offered(evidence: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the evidence of the caller; where there is a `loss` and no `run`, `run` is the loss."""
    found = dict(evidence or {})
    if found.get("run") is None and found.get("loss") is not None:
        found["run"] = found["loss"]
    return found


@contextmanager
def scoring(module: nn.Module, weights: Iterable[Tensor]) -> Iterator[None]:
    """Context in which a criterion may run the module; when it exits, also by an error, all is as before.

    Inside, the module is in evaluation mode, gradients are enabled, the given weights require them, `.grad` is None,
    and cuDNN is off, because it cannot differentiate a recurrent layer twice. Restored are weights, `.grad`,
    requires_grad, the mode of each submodule, buffers, and the global generators of the devices in use. Costs a copy
    of all weights and buffers.
    """
    weights = list(weights)
    parameters = list({id(each): each for each in (*module.parameters(), *weights)}.values())
    buffers = list(module.buffers())
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(_same_generators([*parameters, *buffers]))
        stack.enter_context(_same_values([*parameters, *buffers]))
        stack.enter_context(_same_buffers(module))
        stack.enter_context(_same_flags(parameters, weights))
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
    """Restore the values of tensors that were written to."""
    before = [(tensor, tensor.detach().clone(), tensor._version) for tensor in tensors if not tensor.is_inference()]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value, version in before:
                if tensor._version != version:
                    tensor.copy_(value)


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
