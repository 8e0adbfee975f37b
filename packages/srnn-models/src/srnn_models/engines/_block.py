"""z_t = (H_t, Y_t) of a block RNN with its own backward pass, in the layout of the loop, (T, B, N + O).

All entries of the weights are multiplied: with the blocks side by side, a time step is one product, or two.
"""

from typing import Any, Literal

import torch
from torch import Tensor

from ._replay import Loop, must_replay, replay


def block(
    reads: Literal["before", "after"], hidden: int, loop: Loop, drives: Tensor, weight: Tensor, state: Tensor
) -> Tensor:
    """Return z at all times (T, B, N + O).

    H_t = relu(drive + W_hh H_{t-1} + W_hy Y_{t-1}), and Y_t = drive + W_yh H + W_yy Y_{t-1}, where H is H_{t-1} or H_t.

    reads: which H, "before" or "after". hidden: N. loop: the same pass with autograd, of the three tensors. drives:
    (T, B, N + O). weight: the four blocks as one matrix (N + O, N + O). state: z_0 (B, N + O).
    """
    states: Tensor = _Block.apply(reads, hidden, loop, drives, weight, state)  # type: ignore[no-untyped-call]
    return states


class _Block(torch.autograd.Function):
    """It keeps z. delta_t is the gradient of z_t before the nonlinearity, and so of the drive."""

    @staticmethod
    def forward(ctx: Any, reads: str, hidden: int, loop: Loop, drives: Tensor, weight: Tensor, state: Tensor) -> Tensor:
        states = torch.cat([state[None], drives])  # (T + 1, B, N + O), z_0 to z_T
        before, after = _split(weight, hidden, reads)
        h, y = states[..., :hidden].unbind(0), states[..., hidden:].unbind(0)
        z = states.unbind(0)
        for t in range(1, len(z)):
            torch.addmm(z[t], z[t - 1], before.t(), out=z[t])
            h[t].relu_()
            if after is not None:
                torch.addmm(y[t], h[t], after.t(), out=y[t])
        ctx.reads, ctx.hidden, ctx.loop = reads, hidden, loop
        ctx.save_for_backward(drives, weight, state, states)
        return states[1:]

    @staticmethod
    def backward(ctx: Any, d_states: Tensor) -> tuple[Tensor | None, ...]:
        *tensors, states = ctx.saved_tensors
        needed = ctx.needs_input_grad[3:]
        if must_replay(d_states):
            return None, None, None, *replay(ctx.loop, tensors, needed, [d_states])
        hidden, (before, after) = ctx.hidden, _split(tensors[1], ctx.hidden, ctx.reads)
        deltas = d_states.clone(memory_format=torch.contiguous_format)  # (T, B, N + O)
        delta = deltas.unbind(0)
        delta_h, delta_y = deltas[..., :hidden].unbind(0), deltas[..., hidden:].unbind(0)
        h = states[1:, :, :hidden].unbind(0)
        for t in reversed(range(len(delta))):
            if t + 1 < len(delta):
                torch.addmm(delta[t], delta[t + 1], before, out=delta[t])
            if after is not None:
                torch.addmm(delta_h[t], delta_y[t], after, out=delta_h[t])
            torch.ops.aten.threshold_backward.grad_input(delta_h[t], h[t], 0, grad_input=delta_h[t])
        return (
            None,
            None,
            None,
            deltas if needed[0] else None,
            _weight_gradient(deltas, states, None if after is None else hidden) if needed[1] else None,
            delta[0] @ before if needed[2] else None,
        )


def _split(weight: Tensor, hidden: int, reads: str) -> tuple[Tensor, Tensor | None]:
    """Return the matrix that is multiplied with z_{t-1}, (N + O, N + O), and W_yh (O, N) if it reads H_t."""
    if reads == "before":
        return weight, None
    before = weight.clone()
    before[hidden:, :hidden] = 0
    return before, weight[hidden:, :hidden]


def _weight_gradient(deltas: Tensor, states: Tensor, hidden: int | None) -> Tensor:
    """Return the gradient of the matrix of the four blocks. hidden: N if W_yh reads H_t, None if it reads H_{t-1}."""
    columns = deltas.flatten(0, 1).t()  # (N + O, T B)
    gradient = columns @ states[:-1].flatten(0, 1)  # (N + O, N + O)
    if hidden is not None:
        gradient[hidden:, :hidden] = columns[hidden:] @ states[1:, :, :hidden].flatten(0, 1)
    return gradient
