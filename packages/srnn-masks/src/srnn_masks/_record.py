"""How one parameter wears a mask, signs or both: hooks in the forward, the gradient, and after every optimizer step.

A record sits in the module's own hook tables, so it is copied and pickled with the module; its state is its path,
the parameter, the mask and the signs, and setting that state attaches it again. It knows no module: each hook is
handed one. The mask is a bool buffer `<name>_mask` beside the parameter, the signs a float buffer `<name>_signs`.
Three things act on the parameter:

- before each forward, a check of versions and storage, which writes only after somebody else did;
- at each backward, the gradient times the mask, through a hook that refers to the record weakly (signs leave the
  gradient alone: an entry clamped at 0 comes back when the gradient asks);
- after each step of any optimizer, the parameter times the mask, clamped to the signs, without condition (fused
  optimizers raise no version), and once per optimizer and change of the mask, zeros for the removed entries of its
  moments.
"""

import weakref
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.hooks import RemovableHandle

from ._constraint import Constraint, version

_KEY = "srnn_masks:"  # hook tables are keyed by torch's counter, which restarts in a new process and would overwrite


class Record:
    """What is worn by `module.get_parameter(path)` of the module in whose hooks it sits."""

    def __init__(self, path: str, parameter: nn.Parameter) -> None:
        self._set(path, parameter)

    def _set(self, path: str, parameter: nn.Parameter, mask: Tensor | None = None, signs: Tensor | None = None) -> None:
        self.path = path
        self.prefix, _, self.name = path.rpartition(".")
        self.parameter = parameter
        self.worn = Constraint(mask, signs)
        self.lifted = 0  # depth of open `lifted` blocks: while above 0, gradients stay dense
        self.lifts = 0  # how many such blocks were closed
        self._seen: tuple[Any, ...] | None = None
        self._storage: torch.UntypedStorage | None = None  # held: its address, part of `_seen`, is not given out again
        self._cleaned: weakref.WeakKeyDictionary[Optimizer, tuple[Any, ...]] = weakref.WeakKeyDictionary()
        self._substituted: list[Tensor] = []
        self._handle: RemovableHandle | None = None
        self._attach()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "parameter": self.parameter, "mask": self.mask, "signs": self.signs}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._set(**state)

    @property
    def mask(self) -> Tensor | None:
        """The mask worn, bool of the parameter's shape; the buffer itself."""
        return self.worn.mask

    @property
    def signs(self) -> Tensor | None:
        """The signs worn, float `(cols,)`; the buffer itself."""
        return self.worn.signs

    # --- the module that wears it -------------------------------------------------------------------------------

    def owner(self, host: nn.Module) -> nn.Module:
        """The module that owns the parameter: the host, or a container below it that is never called itself."""
        return host.get_submodule(self.prefix) if self.prefix else host

    def put_on(self, host: nn.Module) -> None:
        """Enter the hook tables of the host."""
        key = _KEY + self.path
        host._forward_pre_hooks[key] = self  # type: ignore[index]
        host._forward_hooks[key] = self.restore  # type: ignore[index]
        host._forward_hooks_always_called[key] = True  # type: ignore[index]
        host._load_state_dict_post_hooks[key] = self.after_load  # type: ignore[index]

    def change(self, host: nn.Module, kind: str, value: Tensor) -> None:
        """Wear another "mask" or other "signs", in the buffer that is there or a new one; `hold` is left to do."""
        buffer = getattr(self.worn, kind)
        if buffer is None:
            buffer = value.clone()
            self.owner(host).register_buffer(f"{self.name}_{kind}", buffer)
            self.worn = Constraint(**{"mask": self.mask, "signs": self.signs, kind: buffer})
        else:
            with torch.inference_mode(buffer.is_inference()):
                buffer.copy_(value)

    def take_off(self, host: nn.Module) -> None:
        """Leave the host and the owner as if nothing had ever been worn there; the weights stay as they are."""
        self._detach()
        owner = self.owner(host)
        for kind in ("mask", "signs"):
            if getattr(self.worn, kind) is not None:
                owner._buffers.pop(f"{self.name}_{kind}", None)
                owner._non_persistent_buffers_set.discard(f"{self.name}_{kind}")
        tables = (host._forward_pre_hooks, host._forward_hooks, host._forward_hooks_always_called)
        for table in (*tables, host._load_state_dict_post_hooks):
            table.pop(_KEY + self.path, None)  # type: ignore[call-overload]

    def __call__(self, host: nn.Module, args: Any) -> None:
        """Before the forward: substitute in a functional call, else hold again if anything was written."""
        owner = self.owner(host)
        parameter = owner._parameters.get(self.name)
        if parameter is None:
            return
        given = parameter is not self.parameter and not isinstance(parameter, nn.Parameter)
        mask, signs = self._found(owner, "mask"), self._found(owner, "signs")
        if given or _lent(mask, self.mask) or _lent(signs, self.signs):
            self._substitute(owner, parameter, Constraint(mask, signs))
        elif not torch.compiler.is_compiling():
            self.sync(host)

    def _found(self, owner: nn.Module, kind: str) -> Tensor | None:
        """The mask or signs that lie on the owner now, if such are worn; the own ones if they were taken away."""
        worn: Tensor | None = getattr(self.worn, kind)
        found = None if worn is None else owner._buffers.get(f"{self.name}_{kind}")
        return worn if found is None else found

    def _substitute(self, owner: nn.Module, given: Tensor, worn: Constraint) -> None:
        """Hold the weight of a `functional_call` out of place, by what was given with it: one of each seed in vmap."""
        self._substituted.append(given)
        owner._parameters[self.name] = worn.held(given, lifted=self.lifted > 0)  # type: ignore[assignment]

    def restore(self, host: nn.Module, args: Any, output: Any) -> None:
        """After the forward: put back what a functional call gave, for it hands its tensors back to the caller."""
        if self._substituted:
            self.owner(host)._parameters[self.name] = self._substituted.pop()  # type: ignore[assignment]

    def after_load(self, host: nn.Module, incompatible: Any) -> None:
        """After `load_state_dict`: wear what was loaded on the loaded parameter at once."""
        self.sync(host)

    def sync(self, host: nn.Module, *, exact: bool = False) -> None:
        """Follow the module, and hold again if anything changed (`exact`: always, and NaN at masked entries too)."""
        self.follow(host)
        if exact or self._stamp() != self._seen:
            self.hold(exact=exact)

    def follow(self, host: nn.Module) -> None:
        """Take over a new parameter, mask or signs that lie on the module; the weights stay as they are."""
        owner = self.owner(host)
        parameter = owner._parameters.get(self.name)
        if parameter is not None and parameter is not self.parameter:
            self._detach()
            self.parameter = parameter
            self._attach()
        mask, signs = self._found(owner, "mask"), self._found(owner, "signs")
        if mask is not self.mask or signs is not self.signs:
            if mask is not None and mask.dtype is not torch.bool:  # module.type(dtype) casts every buffer
                mask = owner._buffers[f"{self.name}_mask"] = mask.bool()
            self.worn, self._seen = Constraint(mask, signs), None

    # --- the tensors --------------------------------------------------------------------------------------------

    def hold(self, *, exact: bool = False) -> None:
        """Hold the parameter in place (`exact`: masked entries are 0 even if they were NaN, in the gradient too).

        A tied parameter has a record at each of its places; all are held at once, or each would see the other write.
        """
        parameter = self.parameter
        tied = wearing(parameter)
        for record in tied:
            record.check()
        with torch.inference_mode(parameter.is_inference()), torch.no_grad():
            for record in tied:
                record.worn.hold(parameter, exact=exact)
                if exact:
                    record.mask_gradient()
        for record in tied:
            record._seen, record._storage = record._stamp(), parameter.untyped_storage()

    def align(self) -> None:
        """Turn the parameter to the signs in place, which keeps the size of each entry, and hold it."""
        with torch.inference_mode(self.parameter.is_inference()), torch.no_grad():
            self.worn.align(self.parameter)
        self.hold()

    def mask_gradient(self) -> None:
        """Zero the masked entries of a gradient that is there already, unless the mask is lifted."""
        if self.parameter.grad is not None and not self.lifted:
            self.worn.clear(self.parameter.grad)

    def clear_moments(self, optimizer: Optimizer) -> None:
        """Once per optimizer and mask, clear its moments at removed entries."""
        state = getattr(optimizer, "state", {}).get(self.parameter)
        if self.mask is None or not state:
            return
        now = (version(self.mask), self.lifts)
        before, mask, cleaned = self._cleaned.get(optimizer, (None, None, None))
        if now == before and mask is self.mask and cleaned is state:  # load_state_dict makes a new state
            return
        for key, value in state.items():
            if isinstance(value, Tensor) and value.shape == self.parameter.shape and key != "step":
                self.worn.clear(value)
        self._cleaned[optimizer] = (now, self.mask, state)

    def check(self) -> None:
        """What is worn must fit, and the gradient hook of a mask must be there."""
        shape = self.parameter.shape
        if self.mask is not None and self.mask.shape != shape:
            shapes = f"expected shape {tuple(self.mask.shape)}, that of its mask, got {tuple(shape)}"
            raise ValueError(f"parameter {self.path!r}: {shapes}")
        if self.signs is not None and self.signs.shape != shape[1:]:
            columns = f"expected shape (rows, {len(self.signs)}), as its signs have it, got {tuple(shape)}"
            raise ValueError(f"parameter {self.path!r}: {columns}")
        if self.mask is None:
            return
        hooks = self.parameter._backward_hooks
        if self._handle is None or self._handle.id not in (hooks or {}):
            self._handle = _hook_gradient(self.parameter, _GradientMask(self))
        elif self.parameter.untyped_storage() is not self._storage:
            self.parameter._backward_hooks = hooks  # torch.utils.swap_tensors cut the table off from the gradient

    def _stamp(self) -> tuple[Any, ...]:
        return version(self.parameter), self.parameter.data_ptr(), *self.worn.versions()

    def _attach(self) -> None:
        """Hook the parameter's gradient and enter the registry of the optimizer hook."""
        global _listening
        if not _listening:
            register_optimizer_step_post_hook(_after_step)
            _listening = True
        for identity in [identity for identity, records in _registry.items() if not records]:
            del _registry[identity]
        _registry.setdefault(id(self.parameter), weakref.WeakSet()).add(self)
        if self.mask is not None:
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
        return None if record is None or record.lifted else gradient * record.worn.factor(gradient)


_registry: dict[int, weakref.WeakSet[Record]] = {}  # by id(parameter), which the record keeps alive
_listening = False


def wearing(parameter: nn.Parameter) -> list[Record]:
    """All records of a parameter, in whichever modules they sit; a tied one has several."""
    return [record for record in _registry.get(id(parameter), ()) if record.parameter is parameter]


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


def _lent(found: Tensor | None, own: Tensor | None) -> bool:
    """Whether a buffer is lent by a functional call; one of another type or device is the own one, moved there."""
    if found is own or found is None or own is None:
        return False
    return found.device == own.device and found.dtype is own.dtype
