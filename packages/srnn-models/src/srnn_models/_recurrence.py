"""What every recurrence module offers, whatever its cell."""

import torch
from torch import Tensor, nn


class Recurrence(nn.Module):
    """A recurrent layer as an explicit loop over time: it can be stepped, differentiated twice and mapped by `vmap`.

    Sizes: `inputs` (I), `hidden` (N), `state_size` (S). A state is one tensor (B, S); no state means zeros. S is N
    where the state is h itself; an LSTM's is 2N, and several layers have one each (layers, B, S). `output` gives the
    h (B, N) of a state. The rows of its weights are `gates` blocks of N, stacked as in torch: gate g owns rows gN to
    (g+1)N.
    """

    inputs: int
    hidden: int
    state_size: int
    gates: int = 1

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (B, S): h at all times (T, B, N) and the last state (B, S)."""
        raise NotImplementedError

    def step(self, input: Tensor, state: Tensor | None = None) -> Tensor:
        """One time step: input (B, I) and state (B, S) give the next state (B, S)."""
        raise NotImplementedError

    def output(self, state: Tensor) -> Tensor:
        """The h (B, N) of a state (B, S): what `forward` gives for each time, and what a read-out reads."""
        return state

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw all weights anew, in place."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """Show the sizes in `print(module)`."""
        return f"{self.inputs} -> {self.hidden}"

    def _initial(self, input: Tensor, state: Tensor | None) -> Tensor:
        """The state (B, S), checked, or zeros for input (B, I)."""
        shape = (input.shape[0], self.state_size)
        if state is None:
            return input.new_zeros(shape)
        check_state(state, shape)
        return state


def check_sequence(inputs: Tensor, size: int) -> None:
    """Refuse anything but float inputs (T, B, size) with at least one time step."""
    if inputs.dim() != 3 or inputs.shape[2] != size or inputs.shape[0] == 0:
        raise ValueError(f"inputs: expected shape (T, B, {size}) with T >= 1, got {tuple(inputs.shape)}")


def check_state(state: Tensor, shape: tuple[int, ...]) -> None:
    """Refuse a state of any other shape."""
    if state.shape != shape:
        raise ValueError(f"state: expected shape {shape}, got {tuple(state.shape)}")
