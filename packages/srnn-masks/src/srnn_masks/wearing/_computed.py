"""Weights that torch computes from other parameters: parametrizations, and the older weight_norm and spectral_norm.

Such a weight is not a parameter, so it cannot be masked in place. Its mask is applied last, to the weight that torch
computes: as the last parametrization, or after the hook that sets the weight before each forward. The parameters that
it is computed from (its sources) stay dense.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from .._errors import MaskError
from ._constraint import Constraint


@runtime_checkable
class Constrains(Protocol):
    """What a computed weight needs of a record."""

    constraint: Constraint
    path: str

    def constrain(self, weight: Tensor) -> Tensor:
        """Return the constrained weight, out of place."""
        ...


class MaskedWeight(nn.Module):
    """The last parametrization of a masked weight."""

    def __init__(self, record: Constrains) -> None:
        super().__init__()
        self.record = record

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight with mask and signs."""
        return self.record.constrain(weight)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Return the weight: what is assigned at masked entries is kept in the sources and not used."""
        return weight


class Computed(Protocol):
    """A weight `owner.<leaf>` that torch computes."""

    def identity(self) -> int:
        """Return a number that is the same as long as the weight is computed by the same object."""
        ...

    def weight(self) -> Tensor:
        """Return the weight now, detached, with its mask if that is installed. Changes nothing."""
        ...

    def sources(self) -> list[nn.Parameter]:
        """Return the parameters it is computed from."""
        ...

    def install(self, record: Constrains, host: nn.Module, key: str) -> None:
        """Make sure that the constraint of a record is applied last, and that the weight in use has it."""
        ...

    def remove(self, record: Constrains) -> None:
        """Undo `install`."""
        ...


@dataclass(frozen=True)
class Parametrized:
    """A weight with `torch.nn.utils.parametrize`: weight_norm, spectral_norm, orthogonal, or a class of the user."""

    chain: ParametrizationList

    def identity(self) -> int:
        return id(self.chain)

    def weight(self) -> Tensor:
        training = [(module, module.training) for module in self.chain.modules()]
        try:
            for module, _ in training:
                module.training = False  # spectral_norm makes a step of its power iteration at each access in training
            with torch.no_grad():
                weight: Tensor = self.chain().detach()
                return weight
        finally:
            for module, mode in training:
                module.training = mode

    def sources(self) -> list[nn.Parameter]:
        return list(self.chain.parameters())

    def install(self, record: Constrains, host: nn.Module, key: str) -> None:
        places = self._places(record)
        if places == [len(self.chain) - 1]:
            return
        self.remove(record)
        weight = self.weight()
        _check(record, weight)
        if not places:
            self._repair(record.constraint.mask, weight)
        self.chain.append(MaskedWeight(record).train(self.chain.training))

    def remove(self, record: Constrains) -> None:
        for place in reversed(self._places(record)):
            del self.chain[place]

    def _places(self, record: Constrains) -> list[int]:
        modules: list[Any] = list(self.chain)
        return [place for place, each in enumerate(modules) if isinstance(each, MaskedWeight) and each.record is record]

    def _repair(self, mask: Tensor | None, weight: Tensor) -> None:
        """Give masked entries that are NaN a value: weight_norm divides by the norm, which is 0 in a masked row."""
        lost = _lost(mask, weight)
        invertible = all(hasattr(module, "right_inverse") for module in self.chain)
        if lost is not None and invertible:
            self.chain.right_inverse(torch.where(lost, 1, weight))


@dataclass(frozen=True)
class Recomputed:
    """A weight that the older `torch.nn.utils.weight_norm` or `spectral_norm` sets before each forward."""

    owner: nn.Module
    hook: WeightNorm | SpectralNorm

    def identity(self) -> int:
        return id(self.hook)

    def weight(self) -> Tensor:
        with torch.no_grad():
            if isinstance(self.hook, WeightNorm):
                weight: Tensor = self.hook.compute_weight(self.owner)
            else:
                weight = self.hook.compute_weight(self.owner, do_power_iteration=False)
            hooks: list[Any] = list(self.owner._forward_pre_hooks.values())
            for hook in hooks:
                if isinstance(hook, Constrains) and hook.path == self.hook.name:
                    weight = hook.constrain(weight)
            return weight.detach()

    def sources(self) -> list[nn.Parameter]:
        leaves = [f"{self.hook.name}_{kind}" for kind in ("g", "v", "orig")]
        found = [self.owner._parameters.get(leaf) for leaf in leaves]
        return [parameter for parameter in found if parameter is not None]

    def install(self, record: Constrains, host: nn.Module, key: str) -> None:
        if host is not self.owner:
            raise MaskError(
                f"parameter {record.path!r}: expected a parameter, got a weight that {type(self.hook).__name__} sets "
                f"before each forward of a {type(self.owner).__name__} that is never called"
            )
        hooks: dict[Any, Any] = host._forward_pre_hooks
        order = list(hooks.values())
        if order.index(record) < order.index(self.hook):
            _check(record, getattr(self.owner, self.hook.name))
            lost = _lost(record.constraint.mask, getattr(self.owner, self.hook.name))
            direction = self.owner._parameters.get(f"{self.hook.name}_v")
            if lost is not None and direction is not None:
                direction.data[lost] = 1  # as in `Parametrized`; the gain is 0 there
            hooks[key] = hooks.pop(key)  # from the next forward on, after the hook; in this one, the source has zeros
        setattr(self.owner, self.hook.name, record.constrain(getattr(self.owner, self.hook.name)))

    def remove(self, record: Constrains) -> None:
        pass


def computed(owner: nn.Module, leaf: str) -> Computed | None:
    """Return how torch computes `owner.<leaf>`; None if it does not."""
    return computed_weights(owner).get(leaf)


def computed_weights(owner: nn.Module) -> dict[str, Computed]:
    """Return all weights of a module that torch computes, by their name in the module."""
    weights: dict[str, Computed] = {}
    for leaf, chain in (owner._modules.get("parametrizations") or nn.ModuleDict()).named_children():
        if isinstance(chain, ParametrizationList):
            weights[leaf] = Parametrized(chain)
    for hook in owner._forward_pre_hooks.values():
        if isinstance(hook, WeightNorm | SpectralNorm) and hook.name not in weights:
            weights[hook.name] = Recomputed(owner, hook)
    return weights


def _check(record: Constrains, weight: Tensor) -> None:
    refusal = record.constraint.refusal(weight)
    if refusal is not None:
        raise MaskError(f"parametrized weight {record.path!r}: {refusal}")


def _lost(mask: Tensor | None, weight: Tensor) -> Tensor | None:
    """Return which masked entries are not finite; None if all are."""
    if mask is None or weight.is_meta:
        return None
    lost = ~mask.to(weight.device) & ~weight.isfinite()
    return lost if bool(lost.any()) else None
