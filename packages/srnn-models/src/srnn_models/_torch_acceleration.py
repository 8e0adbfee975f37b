"""How an `nn.RNN`, `nn.GRU` or `nn.LSTM` runs after `accelerate`: each layer and direction by its own engine."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from ._errors import ModelError
from ._selection import Plan, Selection, class_name, substituted
from ._torch_layers import layer_suffixes
from .engines import LayerWeights, choose_over_torch, layer_by_product, layer_by_torch, refusal


class TorchAcceleration(Selection):
    """The engine of one module of torch. "loop" is torch's own forward pass.

    The weights are read from the attributes of the module at each call, so that pruned and tied weights work.
    """

    loop_name = "torch's own forward pass"

    def run(self, module: nn.RNNBase, input: Any, hx: Any) -> Any:
        """Return what `forward` of the module returns; None where torch's own is to run.

        That is also the case for arguments that do not fit, for which torch raises its errors.
        """
        if self.engine == "loop":
            self.record("loop")
            return None
        state = _parts(module, hx)
        reason = _special(module, input) or _refused(module, input, state)
        if reason:
            self.step_aside(module, reason)
            return None
        plans = self._plans(module, _batch(module, input)) if _fits(module, input, state) else []
        self.record(*[plan.engine for plan in plans] or ["loop"])
        if all(plan.engine == "loop" for plan in plans):
            return None
        return _run(module, plans, input, state)

    def check(self, module: nn.RNNBase) -> None:
        """Raise `ModelError` if the engine is "sparse", and the module has a projection or a W_hh without mask."""
        if self.engine == "sparse":
            if module.proj_size:
                got = f"{class_name(module)} with {module.proj_size}"
                raise ModelError(f"accelerate: engine 'sparse': expected proj_size 0, got {got}")
            self._plans(module, batch=1)

    def _plans(self, module: nn.RNNBase, batch: int) -> list[Plan]:
        """Return the plans of all layers for B sequences, the reverse direction second."""

        def choose(density: float | None, device: torch.device) -> str:
            return choose_over_torch(module.mode, module.hidden_size, batch, density, device)

        return [self.plan(module, f"weight_hh_{suffix}", choose) for suffix in suffixes(module)]


def suffixes(module: nn.RNNBase) -> list[str]:
    """Return torch's suffix of each layer and direction of a module."""
    return list(layer_suffixes(module.num_layers, module.bidirectional))


def _weights(module: nn.RNNBase, suffix: str) -> LayerWeights:
    """Return the weights of one layer and direction, as they are now."""
    parts = LayerWeights._fields if module.bias else LayerWeights._fields[:2]  # as in the names of the parameters
    return LayerWeights(*[getattr(module, f"{part}_{suffix}") for part in parts])


def _parts(module: nn.RNNBase, hx: Any) -> tuple[Any, ...]:
    """Return the parts of a state as the caller gave it: none, h, or h and c."""
    if hx is None:
        return ()
    return tuple(hx) if module.mode == "LSTM" and isinstance(hx, tuple | list) else (hx,)


def _special(module: nn.RNNBase, input: Any) -> str | None:
    """Return what a module or input has that only torch's own forward pass can run; None if nothing."""
    if not isinstance(input, Tensor):
        return type(input).__name__  # PackedSequence
    if module.proj_size:
        return "proj_size"
    if module.training and module.dropout and module.num_layers > 1:
        return "dropout between layers"
    if is_parametrized(module):  # reading a weight computes it, which may change a state, as in spectral_norm
        return "parametrization"
    if getattr(module, "_is_replica", False):  # replicas on several devices share this object
        return "DataParallel"
    return None


def _refused(module: nn.RNNBase, input: Tensor, state: tuple[Any, ...]) -> str | None:
    """Return why passes cannot run over the tensors of a call; None if they can."""
    weights = [weight for suffix in suffixes(module) for weight in _weights(module, suffix) if weight is not None]
    reason = refusal(input, *(part for part in state if isinstance(part, Tensor)), *weights)
    names = (f"weight_hh_{suffix}" for suffix in suffixes(module))
    return reason or next(filter(None, (substituted(module, name) for name in names)), None)


def _fits(module: nn.RNNBase, input: Tensor, state: tuple[Any, ...]) -> bool:
    """Return whether an input, which is not empty, and a state have the shapes that the module expects."""
    if input.dim() not in (2, 3) or input.shape[-1] != module.input_size or not input.numel():
        return False
    batch = [] if input.dim() == 2 else [_batch(module, input)]
    shape = (len(suffixes(module)), *batch, module.hidden_size)
    parts = 2 if module.mode == "LSTM" else 1
    return len(state) in (0, parts) and all(isinstance(part, Tensor) and part.shape == shape for part in state)


def _batch(module: nn.RNNBase, input: Tensor) -> int:
    """Return the number of sequences; inputs of one sequence may have no dimension for it."""
    return 1 if input.dim() == 2 else input.shape[0 if module.batch_first else 1]


def _run(module: nn.RNNBase, plans: Sequence[Plan], input: Tensor, state: tuple[Tensor, ...]) -> Any:
    """Run all layers: return output and last state in the shapes and memory layouts of torch's."""
    batched = input.dim() == 3
    if not batched:
        input = input[:, None]  # (T, 1, I)
    elif module.batch_first:
        input = input.transpose(0, 1)  # (T, B, I)
    x = input.mT  # (T, I, B)
    directions = 2 if module.bidirectional else 1
    starts = _starts(module, x, state)
    ends: list[tuple[Tensor, ...]] = []
    outputs: list[Tensor] = []
    for number, (suffix, plan) in enumerate(zip(suffixes(module), plans, strict=True)):
        reverse = number % directions == 1
        h, end = _run_layer(module.mode, plan, _weights(module, suffix), x.flip(0) if reverse else x, starts[number])
        ends.append(end)
        outputs.append(h.flip(0) if reverse else h)  # (T, N, B)
        if len(outputs) == directions:
            x, outputs = torch.cat(outputs, 1) if reverse else h, []  # (T, directions N, B)
    output = x.mT.clone(memory_format=torch.contiguous_format)  # (T, B, directions N); callers may write to it
    last = [torch.stack([part.t() for part in parts]) for parts in zip(*ends, strict=True)]  # (layers directions, B, N)
    if not batched:
        output, last = output[:, 0], [part[:, 0] for part in last]
    elif module.batch_first:
        output = output.transpose(0, 1)  # (B, T, directions N)
    return output, tuple(last) if module.mode == "LSTM" else last[0]


def _starts(module: nn.RNNBase, x: Tensor, state: tuple[Tensor, ...]) -> list[tuple[Tensor, ...]]:
    """Return the first state of each layer and direction, parts (N, B), from those given or 0."""
    count = len(suffixes(module))
    if not state:
        zeros = x.new_zeros(module.hidden_size, x.shape[2])  # (N, B)
        return [(zeros,) * (2 if module.mode == "LSTM" else 1)] * count
    parts = [part if part.dim() == 3 else part[:, None] for part in state]  # (count, B, N)
    return [tuple(part[number].t() for part in parts) for number in range(count)]


def _run_layer(
    mode: str, plan: Plan, weights: LayerWeights, x: Tensor, state: tuple[Tensor, ...]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return h at all times (T, N, B) and the last state of one layer in one direction, parts (N, B)."""
    if plan.engine == "loop":
        return layer_by_torch(mode, weights, x, state)
    return layer_by_product(plan.product(), mode, weights, x, state)
