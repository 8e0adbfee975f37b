"""The Elman loop with its own backward pass: the gradient of W_hh is one product over all time steps.

With delta_t the gradient with respect to the argument of the nonlinearity, dW = sum_t delta_t^T h_{t-1}. Autograd
accumulates this sum step by step: T products, each of which reads and writes all of dW. Here the pass backwards in
time computes only the deltas, and then one product over T and B gives dW.
"""

from typing import Any

import torch
from torch import Tensor


def runs_fused(weight: Tensor) -> bool:
    """Return whether an Elman layer with this W_hh (N, N) runs with `fused_elman`: on a GPU only.

    On the CPU the two are about as fast, and the shared loop keeps the bits of earlier results.
    """
    return weight.is_cuda


def fused_elman(drives: Tensor, state: Tensor, weight: Tensor, nonlinearity: str) -> tuple[Tensor, Tensor]:
    """Run h_t = s(drive_t + W h_{t-1}): all h (T, B, N) and the last one (B, N).

    drives: (T, B, N). state: h_0 (B, N). weight: W (N, N). nonlinearity: "tanh" or "relu". It can be mapped by `vmap`
    and differentiated twice, in reverse mode only: there is no `jvp`.
    """
    device = drives.device.type
    if torch.is_autocast_enabled(device):  # cast once the tensors that autocast would cast at each step
        dtype = torch.get_autocast_dtype(device)
        drives, state, weight = drives.to(dtype), state.to(dtype), weight.to(dtype)
    states, last = _Elman.apply(drives, state, weight, nonlinearity)  # type: ignore[no-untyped-call]
    return states, last


class _Elman(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(drives: Tensor, state: Tensor, weight: Tensor, nonlinearity: str) -> tuple[Tensor, Tensor]:
        activate = torch.tanh if nonlinearity == "tanh" else torch.relu
        states = []
        for drive in drives.unbind(0):
            state = activate(torch.addmm(drive, state, weight.t()))  # (B, N)
            states.append(state)
        return torch.stack(states), state  # (T, B, N), (B, N)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        _, state, weight, ctx.nonlinearity = inputs
        ctx.save_for_backward(output[0], state, weight)

    @staticmethod
    def backward(ctx: Any, d_states: Tensor, d_last: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None]:
        states, state, weight = ctx.saved_tensors
        gradient, deltas = d_last, []
        for d_state, h in zip(reversed(d_states.unbind(0)), reversed(states.unbind(0)), strict=True):
            deltas.append(_slope(d_state + gradient, h, ctx.nonlinearity))  # (B, N), with respect to the argument of s
            gradient = deltas[-1] @ weight  # (B, N), with respect to the previous h
        d_drives = torch.stack(deltas[::-1])  # (T, B, N)
        if not ctx.needs_input_grad[2]:
            return d_drives, gradient, None, None
        previous = torch.cat((state[None], states[:-1]))  # (T, B, N), h_0 to h_{T-1}
        d_weight = d_drives.flatten(0, 1).t() @ previous.flatten(0, 1)  # (N, N), one product over T and B
        return d_drives, gradient, d_weight, None


def _slope(gradient: Tensor, h: Tensor, nonlinearity: str) -> Tensor:
    """Multiply a gradient by the slope of s where its value is h, as autograd does, in one pass."""
    if nonlinearity == "tanh":
        return torch.ops.aten.tanh_backward(gradient, h)  # type: ignore[no-any-return]
    return torch.ops.aten.threshold_backward(gradient, h, 0)  # type: ignore[no-any-return]
