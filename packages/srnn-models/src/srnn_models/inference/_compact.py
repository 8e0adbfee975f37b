"""`compact`: a copy of a trained model whose recurrences are inference modules."""

import copy
from typing import Any, cast

from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from .._errors import ModelError
from .._selection import class_name
from .._torch_layers import torch_class
from ..cells import EdgeWeight, ElmanModule, GRUModule, LeakyModule, LSTMModule, Recurrence
from ._recurrence import Compact, CompactLayers, CompactRecurrence
from ._settings import OwnSettings, Settings, TorchSettings
from ._weights import Weight, compress

OWN = {ElmanModule: "rate", LeakyModule: "rate", GRUModule: "gru", LSTMModule: "lstm"}
TORCH = {nn.RNN: "rate", nn.GRU: "gru", nn.LSTM: "lstm"}


def compact(model: nn.Module) -> nn.Module:
    """Return a copy of a trained model in which every recurrence is replaced by an inference module.

    Replaced are `ElmanRNN`, `LeakyRNN`, `GRU` and `LSTM` (also as layers of a `Stack`), `nn.RNN`, `nn.GRU` and
    `nn.LSTM`. The inference module has the same call and the same states, and `step`; results are equal up to rounding.
    It keeps every weight that is not exactly 0 after masks (of srnn-masks or `torch.nn.utils.prune`) and
    parametrisations, or of an `EdgeWeight`, as buffers. Hooks of a recurrence are not copied. A matrix of which less
    than a quarter is left is stored as its entries, whose product is faster; others stay dense. All other modules are
    copied.

    It prunes nothing, and nothing is quantised. There are no gradients through an inference module. The model that was
    given does not change.

    Raises `ModelError` for a model without a recurrence, and for a recurrence of another class, such as a
    `PeepholeLSTM`, or an `nn.LSTM` with `proj_size`.

    >>> import torch
    >>> from srnn_models import GRU
    >>> cell = GRU(hidden=300).build(2, generator=torch.Generator().manual_seed(0))
    >>> small = compact(cell)
    >>> states, state = small(torch.zeros(10, 3, 2))
    >>> small.step(torch.zeros(3, 2), state).shape
    torch.Size([3, 300])
    """
    try:
        recurrences = described(model)
    except ModelError as error:
        raise ModelError(f"compact: {error}") from error
    memo: dict[int, object] = {}
    for path, settings in recurrences.items():
        module = model.get_submodule(path)
        memo[id(module)] = _replacement(module, settings)
    for module in model.modules():
        for value in vars(module).values():
            if isinstance(value, Tensor) and value.grad_fn is not None:  # deepcopy refuses what prune computes
                memo[id(value)] = value.detach().clone()
    return copy.deepcopy(model, memo)


def described(model: nn.Module) -> dict[str, Settings]:
    """Return the settings of each recurrence of a model, by its path in the model.

    Raises `ModelError` if there is none, and for a recurrence that has no inference module.
    """
    found: dict[str, Settings] = {}
    for path, module in model.named_modules():
        if isinstance(module, nn.RNNBase):
            found[path] = _of_torch(module, path)
        elif isinstance(module, Recurrence) and not any(
            isinstance(part, Recurrence) for part in list(module.modules())[1:]
        ):
            found[path] = _of_own(module, path)
    if not found:
        raise ModelError(f"expected a model with a recurrence, got {type(model).__name__}")
    return found


def build(settings: Settings, tensors: dict[str, Weight | Tensor]) -> Compact:
    """Return the inference module of these settings and tensors."""
    if isinstance(settings, TorchSettings):
        return CompactLayers(settings, tensors)
    return CompactRecurrence(cast(OwnSettings, settings), tensors)


def _replacement(module: nn.Module, settings: Settings) -> Compact:
    tensors: dict[str, Weight | Tensor] = {}
    for cell in settings.cell_tensors():
        for key, name in cell.names.items():
            tensor = _effective(module, name)
            if tensor is not None:
                tensors[name] = compress(tensor) if key.startswith("weight") else cast(Tensor, tensor).detach().clone()
    compacted = build(settings, tensors)
    return compacted.train(module.training)


def _effective(module: nn.Module, name: str) -> Tensor | EdgeWeight | None:
    """Return a weight or bias as the next forward pass uses it; None if the module has none of this name."""
    mask = module._buffers.get(f"{name}_mask")
    original = module._parameters.get(f"{name}_orig")
    if original is not None and mask is not None:  # torch.nn.utils.prune
        return original * mask
    tensor = _computed(module, name)
    if tensor is None or mask is None:
        return tensor
    return cast(Tensor, tensor).masked_fill(mask == 0, 0)  # srnn-masks


def _computed(module: nn.Module, name: str) -> Tensor | EdgeWeight | None:
    """Return an attribute, and of one that a hook of torch computes before each forward pass, the value of the next."""
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, WeightNorm) and hook.name == name:
            return cast(Tensor, hook.compute_weight(module))
        if isinstance(hook, SpectralNorm) and hook.name == name:
            return hook.compute_weight(module, do_power_iteration=False)
    return getattr(module, name, None)


def _of_torch(module: nn.RNNBase, path: str) -> TorchSettings:
    base = _base(module)
    if base not in TORCH:
        raise _refused(path, class_name(module))
    if module.proj_size:
        raise _refused(path, f"{base.__name__}(proj_size={module.proj_size})")
    return TorchSettings(
        cell=TORCH[base],
        inputs=module.input_size,
        hidden=module.hidden_size,
        nonlinearity="relu" if module.mode == "RNN_RELU" else "tanh",
        layers=module.num_layers,
        batch_first=module.batch_first,
        bidirectional=module.bidirectional,
    )


def _of_own(module: Recurrence, path: str) -> OwnSettings:
    base = _base(module)
    if base not in OWN:
        raise _refused(path, type(module).__name__)
    return OwnSettings(
        cell=OWN[base],
        inputs=module.inputs,
        hidden=module.hidden,
        nonlinearity=getattr(module, "nonlinearity", "tanh"),
        alpha=getattr(module, "alpha", 1.0),
    )


def _base(module: nn.Module) -> type[Any]:
    """Return the class of a module without what `accelerate` and parametrisations, which make a subclass, set."""
    kind = type(module)
    return torch_class(kind.__bases__[0] if parametrize.is_parametrized(module) else kind)


def _refused(path: str, got: str) -> ModelError:
    names = "ElmanRNN, LeakyRNN, GRU, LSTM, nn.RNN, nn.GRU or nn.LSTM without proj_size"
    return ModelError(f"{path or 'the model'}: expected {names}, got {got}")
