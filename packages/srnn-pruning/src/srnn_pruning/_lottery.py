"""The lottery: the same masks with new weights (`reinitialize`) or the original ones (`rewind`)."""

import inspect
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

import srnn_masks

from ._errors import PruningError


def reinitialize(module: nn.Module, *, generator: torch.Generator) -> None:
    """Re-initialize all weights under the current masks: the "lottery" of arXiv 2406.06290.

    The `reset_parameters` of every submodule is called, inner ones first, with `generator=` if it takes one. Otherwise
    (torch's own modules) it runs on a fork of the global generator, seeded from `generator`; the state of the global
    generator is restored afterwards.

    Optimizers keep their state: create a new one.

    Raises PruningError, before anything is changed, if a submodule owns parameters but has no `reset_parameters`.
    """
    if not isinstance(generator, torch.Generator):
        raise PruningError(f"generator: expected a torch.Generator to draw the weights from, got {generator!r}")
    submodules = list(_inner_first(module, "", set()))
    for name, submodule in submodules:
        owned = [key for key, _ in submodule.named_parameters(recurse=False)]
        if owned and _reset_method(submodule) is None:
            raise PruningError(
                f"reinitialize: expected a method reset_parameters on {name or 'the module'} "
                f"({type(submodule).__name__}), which owns {owned}, got none"
            )
    for _, submodule in submodules:
        reset = _reset_method(submodule)
        if reset is None:
            continue
        if "generator" in inspect.signature(reset).parameters:
            reset(generator=generator)
        else:
            _reset_on_fork(submodule, reset, generator)
    srnn_masks.align_signs(module)  # before the next forward, which would clamp weights of the wrong sign
    srnn_masks.enforce(module)


def snapshot(module: nn.Module) -> dict[str, Tensor]:
    """Return detached copies of all parameters by name, on their devices, for a later `rewind`; tied ones once."""
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def rewind(module: nn.Module, original: Mapping[str, Tensor]) -> None:
    """Restore the original weights, in place, under the current masks.

    `original` has every parameter of the module, as `snapshot` returns it. Optimizers keep their state: create a new
    one.

    Raises PruningError, before anything is changed, for a missing or unknown name or another shape.
    """
    parameters = dict(module.named_parameters())
    if parameters.keys() != original.keys():
        missing = sorted(parameters.keys() - original.keys())
        unknown = sorted(original.keys() - parameters.keys())
        raise PruningError(
            f"rewind: expected the names of the module's parameters, got missing {missing} and unknown {unknown}"
        )
    for name, parameter in parameters.items():
        if original[name].shape != parameter.shape:
            expected, got = tuple(parameter.shape), tuple(original[name].shape)
            raise PruningError(f"rewind: expected {name} of shape {expected}, got {got}")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(original[name])
    srnn_masks.enforce(module)


def _inner_first(module: nn.Module, name: str, visited: set[nn.Module]) -> Iterator[tuple[str, nn.Module]]:
    """Yield all submodules with their names, each once and after its children, so that the outer reset comes last."""
    if module in visited:
        return
    visited.add(module)
    for key, child in module.named_children():
        yield from _inner_first(child, f"{name}.{key}" if name else key, visited)
    yield name, module


def _reset_method(module: nn.Module) -> Callable[..., object] | None:
    reset = getattr(module, "reset_parameters", None)
    return reset if callable(reset) else None


def _reset_on_fork(module: nn.Module, reset: Callable[..., object], generator: torch.Generator) -> None:
    """Call `reset` with the global generators of CPU and devices seeded from `generator`; then restore them."""
    seed = int(torch.randint(2**63 - 1, (), generator=generator, device=generator.device))
    devices = {tensor.device for tensor in module.parameters()} - {torch.device("cpu")}
    kinds = {device.type for device in devices}
    if len(kinds) > 1:
        raise PruningError(
            f"reinitialize: expected parameters of {type(module).__name__} on one kind of device, got {kinds}"
        )
    kind = kinds.pop() if kinds else "cuda"  # ignored if there are no devices
    with torch.random.fork_rng(devices=[device.index for device in devices], device_type=kind):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also seed devices whose state is not saved
        for device in devices:
            state = torch.Generator(device).manual_seed(seed).get_state()
            torch.get_device_module(device).set_rng_state(state, device)
        reset()
