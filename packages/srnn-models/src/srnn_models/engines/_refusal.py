"""When the passes with their own backward cannot run, and the loop with autograd runs instead."""

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

DTYPES = (torch.float32, torch.float64)  # those with a sparse product
PLAIN = (Tensor, nn.Parameter)


def refusal(*tensors: Tensor) -> str | None:
    """Return why a pass over these tensors must run with the loop, such as "torch.func"; None if it need not."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined,no-untyped-call]
        return "torch.compile or torch.export"
    if torch._C._are_functorch_transforms_active():
        return "torch.func"
    first = tensors[0]
    for tensor in tensors:
        if tensor.dtype not in DTYPES or tensor.dtype is not first.dtype:
            return f"{tensor.dtype}"
        if type(tensor) not in PLAIN or tensor.device != first.device or tensor.device.type not in ("cpu", "cuda"):
            return f"{type(tensor).__name__} on {tensor.device}"
        if forward_ad.unpack_dual(tensor).tangent is not None:  # type: ignore[no-untyped-call]
            return "forward-mode differentiation"
    return "autocast" if torch.is_autocast_enabled(first.device.type) else None
