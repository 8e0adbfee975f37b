"""Nonlinearities in place, and their slopes, for passes that keep one tensor per time step."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

aten = torch.ops.aten


def activate_(nonlinearity: str, x: Tensor) -> Tensor:
    """Return tanh, relu or softplus of x: in place, except softplus, whose slope needs x."""
    match nonlinearity:
        case "tanh":
            return x.tanh_()
        case "relu":
            return x.relu_()
        case _:
            return functional.softplus(x)


def slope(nonlinearity: str, gradient: Tensor, kept: Tensor, out: Tensor) -> None:
    """Write gradient times slope to out. kept: what `activate_` left in its argument."""
    SLOPES[nonlinearity](gradient, kept, out)


def tanh_slope(gradient: Tensor, value: Tensor, out: Tensor) -> None:
    """Write gradient (1 - value^2) to out, with value = tanh(x)."""
    aten.tanh_backward.grad_input(gradient, value, grad_input=out)


def sigmoid_slope(gradient: Tensor, value: Tensor, out: Tensor) -> None:
    """Write gradient value (1 - value) to out, with value = sigmoid(x)."""
    aten.sigmoid_backward.grad_input(gradient, value, grad_input=out)


def _relu_slope(gradient: Tensor, value: Tensor, out: Tensor) -> None:
    aten.threshold_backward.grad_input(gradient, value, 0, grad_input=out)


def _softplus_slope(gradient: Tensor, x: Tensor, out: Tensor) -> None:
    aten.softplus_backward.grad_input(gradient, x, 1, 20, grad_input=out)  # beta and threshold of functional.softplus


SLOPES: dict[str, Callable[[Tensor, Tensor, Tensor], None]] = {
    "tanh": tanh_slope,
    "relu": _relu_slope,
    "softplus": _softplus_slope,
}

# MKL selects the kernel of tanh at its first call. If several threads make it at once, as on a large tensor, one of
# them may get a less precise kernel, and equal runs differ (pytorch issue 188792). One element needs one thread.
for _dtype in (torch.float32, torch.float64):
    torch.zeros(1, dtype=_dtype).tanh()
