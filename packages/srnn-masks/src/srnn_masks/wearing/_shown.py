"""What a module with masks prints: the densities of its masked weights, after its own description."""

from typing import Any, Protocol, runtime_checkable

from torch import nn

from ._constraint import Constraint


@runtime_checkable
class ShownRecord(Protocol):
    """What is shown of a record."""

    constraint: Constraint
    path: str


class _Description:
    """Replaces `extra_repr` of one module. It is copied and pickled with the module, and refers to the copy then."""

    def __init__(self, host: nn.Module) -> None:
        self.host = host

    def __call__(self) -> str:
        own = type(self.host).extra_repr(self.host)
        hooks: list[Any] = list(self.host._forward_pre_hooks.values())
        parts = [_densities(hook) for hook in hooks if isinstance(hook, ShownRecord)]
        if not parts:
            return own
        return ", ".join([own, *parts] if own else parts)


def show(host: nn.Module) -> None:
    """Let the module print the densities of its masks, unless it has a description of its own instance."""
    if "extra_repr" not in vars(host):
        vars(host)["extra_repr"] = _Description(host)


def unshow(host: nn.Module) -> None:
    """Undo `show`."""
    if isinstance(vars(host).get("extra_repr"), _Description):
        del vars(host)["extra_repr"]


def _densities(record: ShownRecord) -> str:
    mask, signs = record.constraint.mask, record.constraint.signs
    if mask is None:
        return f"{record.path}: signs"
    has_density = mask.numel() and not mask.is_meta
    density = f"density {int(mask.sum()) / mask.numel():.4g}" if has_density else "mask"
    return f"{record.path}: {density}" + ("" if signs is None else " and signs")
