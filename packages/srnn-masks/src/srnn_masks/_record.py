"""How one parameter wears its mask: hooks that hold it in the forward, the gradient, and after every optimizer step.

A record sits in the module's own hook tables, so it is copied and pickled with the module; its state is its path,
the parameter and the mask, and setting that state attaches it again. It knows no module: each hook is handed one.
The mask itself is a bool buffer `<name>_mask` beside the parameter. Three things act on it:

- before each forward, a check of versions and storage, which writes only after somebody else did;
- at each backward, the gradient times the mask, through a hook that refers to the record weakly;
- after each step of any optimizer, the parameter times the mask without condition (fused optimizers raise no
  version), and once per optimizer and change of the mask, zeros for the removed entries of its moments.
"""

import weakref
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.hooks import RemovableHandle

_KEY = "srnn_masks:"  # hook tables are keyed by torch's counter, which restarts in a new process and would overwrite


class Record:
    """The mask of one parameter, worn by `module.get_parameter(path)` of the module in whose hooks it sits."""

    def __init__(self, path: str, parameter: nn.Parameter, mask: Tensor) -> None:
        self._set(path, parameter, mask)

    def _set(self, path: str, parameter: nn.Parameter, mask: Tensor) -> None:
        self.path = path
        self.prefix, _, self.name = path.rpartition(".")
        self.buffer = f"{self.name}_mask"
        self.parameter = parameter
        self.mask = mask
        self.lifted = 0  # depth of open `lifted` blocks: while above 0, gradients stay dense
        self.lifts = 0  # how many such blocks were closed
        self._seen: tuple[int, int, int] | None = None
        self._storage: torch.UntypedStorage | None = None  # held: its address, part of `_seen`, is not given out again
        self._factor: Tensor | None = None
        self._factor_key: tuple[Any, ...] | None = None
        self._cleaned: weakref.WeakKeyDictionary[Optimizer, tuple[Any, ...]] = weakref.WeakKeyDictionary()
        self._substituted: list[Tensor] = []
        self._handle: RemovableHandle | None = None
        self._attach()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "parameter": self.parameter, "mask": self.mask}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._set(**state)

    # --- the module that wears it -------------------------------------------------------------------------------

    def owner(self, host: nn.Module) -> nn.Module:
        """The module that owns the parameter: the host, or a container below it that is never called itself."""
        return host.get_submodule(self.prefix) if self.prefix else host

    def put_on(self, host: nn.Module) -> None:
        """Enter the hook tables of the host and the buffers of the owner."""
        key = _KEY + self.path
        self.owner(host).register_buffer(self.buffer, self.mask)
        host._forward_pre_hooks[key] = self  # type: ignore[index]
        host._forward_hooks[key] = self.restore  # type: ignore[index]
        host._forward_hooks_always_called[key] = True  # type: ignore[index]
        host._load_state_dict_post_hooks[key] = self.after_load  # type: ignore[index]
        self.sync(host)

    def take_off(self, host: nn.Module) -> None:
        """Leave the host and the owner as if no mask had ever been there; the weights stay as they are."""
        self._detach()
        self.owner(host)._buffers.pop(self.buffer, None)
        self.owner(host)._non_persistent_buffers_set.discard(self.buffer)
        tables = (host._forward_pre_hooks, host._forward_hooks, host._forward_hooks_always_called)
        for table in (*tables, host._load_state_dict_post_hooks):
            table.pop(_KEY + self.path, None)  # type: ignore[call-overload]

    def __call__(self, host: nn.Module, args: Any) -> None:
        """Before the forward: substitute in a functional call, else mask again if anything was written."""
        owner = self.owner(host)
        parameter, mask = owner._parameters.get(self.name), owner._buffers.get(self.buffer)
        if parameter is None:
            return
        given = parameter is not self.parameter and not isinstance(parameter, nn.Parameter)
        moved = mask is None or mask.device != self.mask.device or mask.dtype is not torch.bool
        if given or (mask is not self.mask and not moved):
            self._substitute(owner, parameter, self.mask if mask is None else mask)
        elif not torch.compiler.is_compiling():
            self.sync(host)

    def _substitute(self, owner: nn.Module, given: Tensor, mask: Tensor) -> None:
        """Mask the weight of a `functional_call` out of place, by the mask given with it: one of each seed in vmap."""
        masked = torch.where(mask, given, 0)
        if self.lifted:
            masked = given + (masked - given).detach()  # this value, with the dense gradient
        self._substituted.append(given)
        owner._parameters[self.name] = masked  # type: ignore[assignment]

    def restore(self, host: nn.Module, args: Any, output: Any) -> None:
        """After the forward: put back what a functional call gave, for it hands its tensors back to the caller."""
        if self._substituted:
            self.owner(host)._parameters[self.name] = self._substituted.pop()  # type: ignore[assignment]

    def after_load(self, host: nn.Module, incompatible: Any) -> None:
        """After `load_state_dict`: wear the loaded mask on the loaded parameter at once."""
        self.sync(host)

    def sync(self, host: nn.Module, *, exact: bool = False) -> None:
        """Take over a new parameter or mask, and mask again if anything changed (`exact`: always, and NaN too)."""
        owner = self.owner(host)
        parameter = owner._parameters.get(self.name)
        mask = owner._buffers.get(self.buffer)
        if parameter is not None and parameter is not self.parameter:
            self._detach()
            self.parameter = parameter
            self._attach()
        if mask is not None and mask is not self.mask:
            if mask.dtype is not torch.bool:  # module.type(dtype) casts every buffer
                mask = owner._buffers[self.buffer] = mask.bool()
            self.mask, self._seen, self._factor_key = mask, None, None
        if exact or self._stamp() != self._seen:
            self.hold(exact=exact)

    # --- the tensors --------------------------------------------------------------------------------------------

    def hold(self, *, exact: bool = False) -> None:
        """Zero the masked entries in place: by a product, which is quick and keeps NaN in sight, or exactly.

        A tied parameter has a record at each of its places; all are held at once, or each would see the other write.
        """
        parameter = self.parameter
        tied = [record for record in _registry[id(parameter)] if record.parameter is parameter]
        for record in tied:
            record._check()
        with torch.inference_mode(parameter.is_inference()), torch.no_grad():
            for record in tied:
                if exact:
                    parameter.masked_fill_(~record.mask.to(parameter.device), 0)
                    record.mask_gradient()
                else:
                    parameter.mul_(record.factor(parameter))
        for record in tied:
            record._seen, record._storage = record._stamp(), parameter.untyped_storage()

    def mask_gradient(self) -> None:
        """Zero the masked entries of a gradient that is there already, unless the mask is lifted."""
        gradient = self.parameter.grad
        if gradient is not None and not self.lifted:
            with torch.inference_mode(gradient.is_inference()), torch.no_grad():
                gradient.masked_fill_(~self.mask.to(gradient.device), 0)

    def change(self, mask: Tensor) -> None:
        """Write a new mask into the buffer that is worn, in place, and wear it at once; `(rows, cols)` bool."""
        with torch.inference_mode(self.mask.is_inference()):
            self.mask.copy_(mask)
        self.hold(exact=True)

    def factor(self, like: Tensor) -> Tensor:
        """The mask as 0 and 1 in the type and on the device of `like`: the quickest way to mask in place."""
        key = (_version(self.mask), like.dtype, like.device)
        if self._factor is None or key != self._factor_key:
            with torch.inference_mode(False):
                self._factor = self.mask.to(like.device, like.dtype, copy=True)
            self._factor_key = key
        return self._factor

    def clear_moments(self, optimizer: Optimizer) -> None:
        """Once per optimizer and mask, clear its moments at removed entries."""
        state = getattr(optimizer, "state", {}).get(self.parameter)
        if not state:
            return
        now = (_version(self.mask), self.lifts)
        before, mask, cleaned = self._cleaned.get(optimizer, (None, None, None))
        if now == before and mask is self.mask and cleaned is state:  # load_state_dict makes a new state
            return
        for key, value in state.items():
            moment = isinstance(value, Tensor) and value.shape == self.parameter.shape and key != "step"
            if moment:
                with torch.inference_mode(value.is_inference()), torch.no_grad():
                    value.masked_fill_(~self.mask.to(value.device), 0)
        self._cleaned[optimizer] = (now, self.mask, state)

    def _check(self) -> None:
        """The mask must fit, and the gradient hook must be there."""
        if self.mask.shape != self.parameter.shape:
            shapes = f"expected shape {tuple(self.mask.shape)}, that of its mask, got {tuple(self.parameter.shape)}"
            raise ValueError(f"parameter {self.path!r}: {shapes}")
        hooks = self.parameter._backward_hooks
        if self._handle is None or self._handle.id not in (hooks or {}):
            self._handle = _hook_gradient(self.parameter, _GradientMask(self))
        elif self.parameter.untyped_storage() is not self._storage:
            self.parameter._backward_hooks = hooks  # torch.utils.swap_tensors cut the table off from the gradient

    def _stamp(self) -> tuple[int, int, int]:
        return _version(self.parameter), self.parameter.data_ptr(), _version(self.mask)

    def _attach(self) -> None:
        """Hook the parameter's gradient and enter the registry of the optimizer hook."""
        global _listening
        if not _listening:
            register_optimizer_step_post_hook(_after_step)
            _listening = True
        for identity in [identity for identity, records in _registry.items() if not records]:
            del _registry[identity]
        _registry.setdefault(id(self.parameter), weakref.WeakSet()).add(self)
        self._handle = _hook_gradient(self.parameter, _GradientMask(self))

    def _detach(self) -> None:
        if self._handle is not None:
            self._handle.remove()
        self._handle = self._seen = None
        _registry.get(id(self.parameter), weakref.WeakSet()).discard(self)


class _GradientMask:
    """Gradient times mask; NaN times 0 stays NaN, so that who watches for divergence sees it."""

    __torch_unserializable__ = True  # no warning when the tensor is pickled: the record hooks the copy by itself

    def __init__(self, record: Record) -> None:
        self._record = weakref.ref(record)

    def __call__(self, gradient: Tensor) -> Tensor | None:
        record = self._record()
        return None if record is None or record.lifted else gradient * record.factor(gradient)


_registry: dict[int, weakref.WeakSet[Record]] = {}  # by id(parameter), which the record keeps alive
_listening = False


def _after_step(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
    """The one hook behind every optimizer of the process."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            records = list(_registry.get(id(parameter), ()))
            if records:
                records[0].hold()
            for record in records:
                record.clear_moments(optimizer)


def _hook_gradient(parameter: nn.Parameter, hook: _GradientMask) -> RemovableHandle | None:
    """Register on a frozen parameter too: a hook set while it asks for gradients works once it asks again."""
    if parameter.is_inference() or not (parameter.is_floating_point() or parameter.is_complex()):
        return None
    frozen = not parameter.requires_grad
    if frozen:
        parameter.requires_grad_(True)
    handle: RemovableHandle = parameter.register_hook(hook)  # type: ignore[no-untyped-call]
    if frozen:
        parameter.requires_grad_(False)
    return handle


def _version(tensor: Tensor) -> int:
    return -1 if tensor.is_inference() else tensor._version
