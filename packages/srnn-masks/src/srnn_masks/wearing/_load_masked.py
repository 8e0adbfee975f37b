"""Load a `state_dict` with or without masks and signs into a module with or without them."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from .._errors import MaskError
from ._find import records, targets
from ._key_advice import key_advice
from ._plan import plan
from ._signs import apply_signs, check_signs
from ._wear import check_mask, replace


def load_masked(module: nn.Module, state_dict: Mapping[str, Any]) -> None:
    """Load a state into a module, either of which may have masks and signs on any of its parameters, or none.

    Masks and signs in the state (`<name>_mask`, `<name>_signs`) replace those of the module, which needs none before. A
    parameter for which the state has none keeps those of the module, and the loaded weights are constrained by them.
    Everything else is loaded as `module.load_state_dict(state_dict)` does.

    Raises MaskError, before anything is changed, if another key is missing or unexpected, or a shape does not fit.

    >>> import torch
    >>> masked, plain = nn.Linear(2, 2), nn.Linear(2, 2)
    >>> replace(masked, {"weight": torch.eye(2, dtype=torch.bool)})
    >>> load_masked(plain, masked.state_dict())
    >>> plain
    Linear(in_features=2, out_features=2, bias=True, weight: density 0.5)
    """
    verb = "load_masked"
    places = {name for target in targets(module) for name in target.names}
    new: dict[str, dict[str, Tensor]] = {"mask": {}, "signs": {}}
    own = set(module.state_dict())
    ours = {f"{name}_{kind}" for kind in new for name in _with(module, kind)}
    for key, value in state_dict.items():
        name, _, kind = key.rpartition("_")
        if kind in new and name in places and (key in ours or key not in own):
            new[kind][name] = value
    read = {f"{name}_{kind}" for kind, tensors in new.items() for name in tensors}
    _check_keys(verb, module, own - ours, state_dict, read)
    check_fit(verb, module, new["mask"], new["signs"])
    replace(module, new["mask"])
    apply_signs(module, new["signs"])
    state = OrderedDict(module.state_dict())
    state.update(state_dict)
    if hasattr(state_dict, "_metadata"):
        state._metadata = state_dict._metadata  # type: ignore[attr-defined]
    module.load_state_dict(state)


def check_fit(verb: str, module: nn.Module, masks: Mapping[str, Tensor], signs: Mapping[str, Tensor]) -> None:
    """Raise MaskError if masks or signs do not fit the module. Changes nothing."""
    plan(verb, module, masks, check_mask, "mask")
    plan(verb, module, signs, check_signs, "signs")


def _with(module: nn.Module, kind: str) -> Iterable[str]:
    """Return the names, all of a tied parameter, of the weights that have masks ("mask") or signs ("signs")."""
    held = {
        (id(record.owner(host)), record.name)
        for _, host, record in records(module)
        if getattr(record.constraint, kind) is not None
    }
    for prefix, owner in module.named_modules(remove_duplicate=False):
        for identity, leaf in held:
            if identity == id(owner):
                yield f"{prefix}.{leaf}" if prefix else leaf


def _check_keys(
    verb: str, module: nn.Module, expected: set[str], state: Mapping[str, Any], read: Iterable[str]
) -> None:
    """Raise MaskError unless the keys of the state, without those of masks and signs, and their shapes fit."""
    given = state.keys() - set(read)
    missing, unexpected = sorted(expected - given), sorted(given - expected)
    if missing or unexpected:
        keys = f"missing {missing} and unexpected {unexpected}"
        raise MaskError(f"{verb}: expected the keys of the module, got {keys}{key_advice(missing, unexpected)}")
    own = module.state_dict()
    for key in expected:
        if isinstance(own[key], Tensor) and own[key].shape != state[key].shape:
            shape, got = tuple(own[key].shape), tuple(state[key].shape)
            raise MaskError(f"{verb}: {key!r}: expected shape {shape}, got {got}")
