"""The lottery: the same masks with other weights, new ones (`reinitialize`) or the original ones (`rewind`)."""

import inspect
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

import srnn_masks


def reinitialize(module: nn.Module, *, generator: torch.Generator) -> None:
    """Draw all weights anew under the present masks: the "lottery" of arXiv 2406.06290, section 4 of the facts sheet.

    Each part's own `reset_parameters` is called, inner parts first, with `generator=` where it takes one. Otherwise
    (torch's own modules) it runs on a fork of the global generator, seeded from `generator`; the global generator is
    afterwards as it was. A part that owns parameters but cannot reset them is an error, before anything is changed.

    Optimizers know nothing of this: make a new one.
    """
    if not isinstance(generator, torch.Generator):
        raise ValueError(f"generator: expected a torch.Generator to draw the weights from, got {generator!r}")
    parts = list(_inner_first(module, "", set()))
    for name, part in parts:
        owned = [key for key, _ in part.named_parameters(recurse=False)]
        if owned and _reset(part) is None:
            raise ValueError(
                f"reinitialize: expected a method reset_parameters on {name or 'the module'} "
                f"({type(part).__name__}), which owns {owned}, got none"
            )
    for _, part in parts:
        reset = _reset(part)
        if reset is None:
            continue
        if "generator" in inspect.signature(reset).parameters:
            reset(generator=generator)
        else:
            _reset_forked(part, reset, generator)
    srnn_masks.align_signs(module)  # before the next forward would clamp what has the wrong sign
    srnn_masks.enforce(module)


def snapshot(module: nn.Module) -> dict[str, Tensor]:
    """Copies of all parameters by name, for `rewind` later; on their devices, detached, tied ones once."""
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def rewind(module: nn.Module, original: Mapping[str, Tensor]) -> None:
    """Put the original weights back, in place, under the present masks.

    `original` has every parameter of the module, as `snapshot` gives it; a missing, unknown or misshapen one is an
    error, before anything is changed. Optimizers know nothing of this: make a new one.
    """
    parameters = dict(module.named_parameters())
    if parameters.keys() != original.keys():
        missing = sorted(parameters.keys() - original.keys())
        unknown = sorted(original.keys() - parameters.keys())
        raise ValueError(
            f"rewind: expected the names of the module's parameters, got missing {missing} and unknown {unknown}"
        )
    for name, parameter in parameters.items():
        if original[name].shape != parameter.shape:
            expected, got = tuple(parameter.shape), tuple(original[name].shape)
            raise ValueError(f"rewind: expected {name} of shape {expected}, got {got}")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(original[name])
    srnn_masks.enforce(module)


def _inner_first(module: nn.Module, name: str, seen: set[nn.Module]) -> Iterator[tuple[str, nn.Module]]:
    """Give all parts with their names, each once and after its own parts, so that the outer one has the last word."""
    if module in seen:
        return
    seen.add(module)
    for key, child in module.named_children():
        yield from _inner_first(child, f"{name}.{key}" if name else key, seen)
    yield name, module


def _reset(part: nn.Module) -> Callable[..., object] | None:
    reset = getattr(part, "reset_parameters", None)
    return reset if callable(reset) else None


def _reset_forked(part: nn.Module, reset: Callable[..., object], generator: torch.Generator) -> None:
    """Call `reset` with the global generators, of CPU and devices, seeded from `generator`; then restore them."""
    seed = int(torch.randint(2**63 - 1, (), generator=generator, device=generator.device))
    devices = {tensor.device for tensor in part.parameters()} - {torch.device("cpu")}
    kinds = {device.type for device in devices}
    if len(kinds) > 1:
        raise ValueError(
            f"reinitialize: expected parameters of {type(part).__name__} on one kind of device, got {kinds}"
        )
    kind = kinds.pop() if kinds else "cuda"  # with no devices the kind is not looked at
    with torch.random.fork_rng(devices=[device.index for device in devices], device_type=kind):
        torch.default_generator.manual_seed(seed)  # not torch.manual_seed, which would seed devices that are not saved
        for device in devices:
            state = torch.Generator(device).manual_seed(seed).get_state()
            torch.get_device_module(device).set_rng_state(state, device)
        reset()
