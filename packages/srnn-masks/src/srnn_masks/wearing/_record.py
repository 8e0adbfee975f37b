"""Mask and signs of one parameter in the hooks of a module: before and after a forward, on saving and loading.

A record is stored in the hook tables of its module, so it is copied and pickled with the module. It holds no reference
to a module: each hook receives one. The mask is a bool buffer `<name>_mask` beside the parameter, the signs a float
buffer `<name>_signs`. Before each forward, versions and storage are checked, and mask and signs are enforced again only
if something else wrote (see `Enforced`).

A weight that torch computes from other parameters (a parametrization) has no hooks of its own: the record constrains it
out of place wherever it is computed, and its `parameter` is None.
"""

from typing import Any

import torch
from torch import Tensor, nn

from .._errors import MaskError
from ._computed import Computed, computed
from ._constraint import Constraint
from ._enforced import Enforced
from ._shown import show, unshow

_KEY = "srnn_masks:"  # prefix of keys in hook tables; torch's own counter restarts in a new process and would overwrite


class Record(Enforced):
    """Mask and signs of `module.get_parameter(path)`, where `module` is the one whose hook tables hold the record.

    Its state when copied or pickled is that of `Enforced`; setting that state registers it again.
    """

    def __init__(self, path: str, parameter: nn.Parameter | None) -> None:
        self._set(path, parameter)

    @property
    def __name__(self) -> str:
        """Torch asks a hook for its name only to compile it with `torch.jit.script`."""
        raise MaskError(
            f"torch.jit.script: parameter {self.path!r}: expected a module without masks, got a masked one; call "
            "srnn_masks.release first (the weights stay zero), or use torch.compile"
        )

    def _set(
        self,
        path: str,
        parameter: nn.Parameter | None,
        mask: Tensor | None = None,
        signs: Tensor | None = None,
    ) -> None:
        self.prefix, _, self.name = path.rpartition(".")
        self._substituted: list[Tensor | None] = []  # tensors of functional calls, to be put back after the forward
        self._substitutes: list[Constraint] = []  # constraints of functional calls on a computed weight
        super()._set(path, parameter, mask, signs)

    def owner(self, host: nn.Module) -> nn.Module:
        """Return the module that owns the parameter: the host, or a container below it that is never called."""
        return host.get_submodule(self.prefix) if self.prefix else host

    def identity(self, host: nn.Module) -> int:
        """Return a number that all records of a tied parameter share."""
        held = self._held(host)
        if held is None:
            return id(self)
        return id(held) if isinstance(held, Tensor) else held.identity()

    def attach(self, host: nn.Module) -> None:
        """Add the record to the hook tables of the host."""
        key = _KEY + self.path
        show(host)
        host._forward_pre_hooks[key] = self  # type: ignore[index]
        host._forward_hooks[key] = self.restore  # type: ignore[index]
        host._forward_hooks_always_called[key] = True  # type: ignore[index]
        host._load_state_dict_post_hooks[key] = self.after_load  # type: ignore[index]
        host._state_dict_pre_hooks[key] = self.before_save  # type: ignore[index]

    def set_buffer(self, host: nn.Module, kind: str, value: Tensor) -> None:
        """Set the "mask" or the "signs" (`kind`), in the existing buffer or a new one. Does not enforce it yet."""
        buffer = getattr(self.constraint, kind)
        if buffer is None:
            buffer = value.clone()
            self.owner(host).register_buffer(f"{self.name}_{kind}", buffer)
            self.constraint = Constraint(**{"mask": self.mask, "signs": self.signs, kind: buffer})
        else:
            with torch.inference_mode(buffer.is_inference()):
                buffer.copy_(value)

    def detach(self, host: nn.Module) -> None:
        """Remove all hooks and buffers from the host and the owner. The weights stay as they are."""
        self._unregister()
        owner = self.owner(host)
        held = self._held(host)
        if held is not None and not isinstance(held, Tensor):
            held.remove(self)
        for kind in ("mask", "signs"):
            own, name = getattr(self.constraint, kind), f"{self.name}_{kind}"
            buffer = owner._buffers.get(name)
            if own is not None and buffer is not None and buffer.dtype is own.dtype:  # torch.nn.utils.prune has its own
                del owner._buffers[name]
                owner._non_persistent_buffers_set.discard(name)
        tables = (host._forward_pre_hooks, host._forward_hooks, host._forward_hooks_always_called)
        for table in (*tables, host._load_state_dict_post_hooks, host._state_dict_pre_hooks):
            table.pop(_KEY + self.path, None)  # type: ignore[call-overload]
        if not any(isinstance(hook, Record) for hook in host._forward_pre_hooks.values()):
            unshow(host)

    def __call__(self, host: nn.Module, args: Any) -> None:
        """Before the forward: substitute in a functional call, else enforce again if anything was written."""
        owner = self.owner(host)
        if getattr(owner, "_is_replica", False):  # DataParallel: its weights were made from masked ones
            return
        parameter = owner._parameters.get(self.name)
        mask, signs = self._current(owner, "mask"), self._current(owner, "signs")
        functional = parameter is not None and not isinstance(parameter, nn.Parameter)
        if functional or _is_substitute(mask, self.mask) or _is_substitute(signs, self.signs):
            self._substitute(owner, parameter, Constraint(mask, signs))
        elif not torch.compiler.is_compiling():
            self.sync(host)
        elif parameter is None and self.parameter is not None:
            raise MaskError(f"parameter {self.path!r} was parametrized: call srnn_masks.enforce before torch.compile")

    def _current(self, owner: nn.Module, kind: str) -> Tensor | None:
        """Return the buffer that is now on the owner; the record's own tensor if the buffer was removed."""
        own: Tensor | None = getattr(self.constraint, kind)
        buffer = None if own is None else owner._buffers.get(f"{self.name}_{kind}")
        return own if buffer is None else buffer

    def _substitute(self, owner: nn.Module, weight: Tensor | None, constraint: Constraint) -> None:
        """Constrain the weight of a `functional_call` out of place, by the buffers of that call (per seed in vmap)."""
        self._substituted.append(weight)
        if weight is None:
            self._substitutes.append(constraint)
        else:
            constrained = constraint.constrained(weight, lifted=self.lifted > 0)
            owner._parameters[self.name] = constrained  # type: ignore[assignment]

    def restore(self, host: nn.Module, args: Any, output: Any) -> None:
        """After the forward: put the caller's tensors back, because a functional call returns them to the caller."""
        if not self._substituted:
            return
        weight = self._substituted.pop()
        if weight is None:
            self._substitutes.pop()
        else:
            self.owner(host)._parameters[self.name] = weight  # type: ignore[assignment]

    def constrain(self, weight: Tensor) -> Tensor:
        """Return a computed weight with mask and signs, out of place; in a functional call, with those of the call."""
        constraint = self._substitutes[-1] if self._substitutes else self.constraint
        return constraint.constrained(weight, lifted=self.lifted > 0)

    def after_load(self, host: nn.Module, incompatible: Any) -> None:
        """After `load_state_dict`: enforce the loaded mask and signs on the loaded parameter."""
        self.sync(host)

    def before_save(self, host: nn.Module, prefix: str, keep_vars: bool) -> None:
        """Before `state_dict`: enforce after any write by hand, also one that torch does not count."""
        self.sync(host)
        if self.parameter is not None and self.constraint.violated(self.parameter):
            self.enforce()

    def sync(self, host: nn.Module, *, exact: bool = False) -> None:
        """Rebind to the module, and enforce if anything changed. `exact`: always, and NaN at masked entries too."""
        self.rebind(host)
        if self.parameter is not None and (exact or self._stamp() != self._seen):
            self.enforce(exact=exact)

    def rebind(self, host: nn.Module) -> None:
        """Adopt a new parameter, parametrization, mask or signs on the module. The weights stay as they are.

        Raises MaskError if the weight is now something that the mask cannot be enforced on.
        """
        owner, held = self.owner(host), self._held(host)
        if held is None:
            raise MaskError(self._lost(owner))
        parameter = held if isinstance(held, nn.Parameter) else None
        if parameter is not self.parameter and (parameter is not None or not isinstance(held, Tensor)):
            self._unregister()
            self.parameter = parameter
            self._register()
        mask, signs = self._current(owner, "mask"), self._current(owner, "signs")
        if mask is not self.mask or signs is not self.signs:
            if mask is not None and mask.dtype is not torch.bool:  # module.type(dtype) casts every buffer
                mask = owner._buffers[f"{self.name}_mask"] = mask.bool()
            self.constraint, self._seen = Constraint(mask, signs), None
            self.flag_mask()
        if not isinstance(held, Tensor):
            held.install(self, host, _KEY + self.path)

    def _held(self, host: nn.Module) -> Tensor | Computed | None:
        """Return the parameter (in a functional call, a tensor), or how torch computes the weight; None if neither."""
        owner = self.owner(host)
        parameter = owner._parameters.get(self.name)
        return computed(owner, self.name) if parameter is None else parameter

    def _lost(self, owner: nn.Module) -> str:
        """Return the message about a weight that is neither a parameter nor computed in a way that is known."""
        got = getattr(owner, self.name, None)
        said = "none" if got is None else f"a {type(got).__name__} set by something else"
        return (
            f"parameter {self.path!r}: expected a parameter or a weight of torch.nn.utils.parametrize, to enforce its "
            f"mask on, got {said} in a {type(owner).__name__}; call srnn_masks.release before torch.nn.utils.prune, "
            "FSDP, or whatever replaced the parameter"
        )


def _is_substitute(buffer: Tensor | None, own: Tensor | None) -> bool:
    """Return whether a functional call supplied the buffer; another dtype or device means the own buffer, moved."""
    if buffer is own or buffer is None or own is None:
        return False
    return buffer.device == own.device and buffer.dtype is own.dtype
