"""How mask and signs of one parameter are enforced: after writes, in the gradient, and after every optimizer step.

Two hooks act on the parameter:

- at each backward, gradient times mask (signs do not change the gradient, so that an entry clamped at 0
  can leave 0 again);
- after each step of any optimizer, parameter times mask and clamped to the signs, unconditionally (fused optimizers
  do not raise the version), and once per optimizer and change of the mask, zeros for the removed entries of its
  moments.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.hooks import RemovableHandle

from .._errors import MaskError
from ._constraint import Constraint, version
from ._gradient_hook import hook_gradient
from ._moments import Moments
from ._registry import Registry


class Enforced:
    """A parameter with its mask and signs; `parameter` is None for a weight that torch computes.

    It has more attributes than a class should, because torch offers no single place for them: each hook (gradient,
    optimizer) has its own state, with the lifetime of this object. Its state when copied or pickled is the path, the
    parameter, the mask and the signs; setting that state registers it again.
    """

    def _set(
        self,
        path: str,
        parameter: nn.Parameter | None,
        mask: Tensor | None = None,
        signs: Tensor | None = None,
    ) -> None:
        self.path = path
        self.parameter = parameter
        self.constraint = Constraint(mask, signs)
        self.lifted = 0  # number of open `lifted` blocks; gradients stay dense while it is above 0
        self.lifts = 0  # number of closed `lifted` blocks
        self._seen: tuple[Any, ...] | None = None  # the stamp after the last enforcement
        self._storage: torch.UntypedStorage | None = None  # kept alive, so that the address in `_seen` is not reused
        self._moments = Moments()
        self._handle: RemovableHandle | None = None
        self._register()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "parameter": self.parameter, "mask": self.mask, "signs": self.signs}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._set(**state)

    @property
    def mask(self) -> Tensor | None:
        """The mask buffer itself, bool of the parameter's shape."""
        return self.constraint.mask

    @property
    def signs(self) -> Tensor | None:
        """The signs buffer itself, float `(cols,)`."""
        return self.constraint.signs

    def enforce(self, *, exact: bool = False) -> None:
        """Enforce mask and signs in place. `exact`: masked entries become 0 even if NaN, in the gradient too.

        A tied parameter has one record per place. All are enforced together, or each would react to the other's write.
        """
        parameter = self.parameter
        if parameter is None:
            return
        tied = records_of(parameter)
        for record in tied:
            record.check()
        with torch.inference_mode(parameter.is_inference()), torch.no_grad():
            for record in tied:
                record.constraint.enforce(parameter, exact=exact)
                if exact:
                    record.mask_gradient()
        for record in tied:
            record._seen, record._storage = record._stamp(), parameter.untyped_storage()

    def align(self) -> None:
        """Give each entry the sign of its column in place, keeping its magnitude; then enforce."""
        if self.parameter is None:
            return
        with torch.inference_mode(self.parameter.is_inference()), torch.no_grad():
            self.constraint.align(self.parameter)
        self.enforce()

    def mask_gradient(self) -> None:
        """Zero the masked entries of an existing gradient, unless the mask is lifted."""
        if self.parameter is not None and self.parameter.grad is not None and not self.lifted:
            self.constraint.clear(self.parameter.grad)

    def lift(self) -> None:
        """Leave gradients dense until `lower` was called as often."""
        self.lifted += 1
        self.flag_mask()

    def lower(self) -> None:
        """Undo one `lift`, and mask an existing gradient again after the last."""
        self.lifted -= 1
        self.lifts += 1  # a step inside may have put dense gradients into moments
        self.flag_mask()
        self.mask_gradient()

    def flag_mask(self) -> None:
        """Set `mask.lifted` while gradients are dense: code that computes with the entries present reads it there."""
        if self.mask is None:
            return
        if self.lifted:
            self.mask.lifted = True  # type: ignore[attr-defined]
        else:
            vars(self.mask).pop("lifted", None)

    def clear_moments(self, optimizer: Optimizer) -> None:
        """Zero the optimizer's moments at removed entries, once per optimizer and change of the mask."""
        if self.parameter is not None:
            self._moments.clear(optimizer, self.parameter, self.constraint, self.lifts)

    def check(self) -> None:
        """Raise MaskError unless mask and signs fit the parameter; make sure that its gradient hook is there."""
        assert self.parameter is not None
        refusal = self.constraint.refusal(self.parameter)
        if refusal is not None:
            raise MaskError(f"parameter {self.path!r}: {refusal}")
        if self.mask is None:
            return
        hooks = self.parameter._backward_hooks
        if self._handle is None or self._handle.id not in (hooks or {}):
            self._handle = hook_gradient(self.parameter, self)
        elif self.parameter.untyped_storage() is not self._storage:
            self.parameter._backward_hooks = hooks  # torch.utils.swap_tensors disconnects the table from the gradient

    def _stamp(self) -> tuple[Any, ...]:
        assert self.parameter is not None
        return version(self.parameter), self.parameter.data_ptr(), *self.constraint.versions()

    def _register(self) -> None:
        """Hook the parameter's gradient, and register for optimizer steps."""
        global _hooked_optimizers
        if not _hooked_optimizers:
            register_optimizer_step_post_hook(_after_step)
            _hooked_optimizers = True
        if self.parameter is None:
            return
        _registry.add(self.parameter, self)
        if self.mask is not None:
            self._handle = hook_gradient(self.parameter, self)

    def _unregister(self) -> None:
        if self._handle is not None:
            self._handle.remove()
        self._handle = self._seen = None
        if self.parameter is not None:
            _registry.discard(self.parameter, self)


_registry: Registry[Enforced] = Registry()
_hooked_optimizers = False


def records_of(parameter: Tensor) -> list[Enforced]:
    """Return all records of a parameter, in any module; a tied parameter has several."""
    return [record for record in _registry.of(parameter) if record.parameter is parameter]


def _after_step(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
    """The one hook behind every optimizer of the process."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            records = _registry.of(parameter)
            if records:
                records[0].enforce()
            for record in records:
                record.clear_moments(optimizer)
