"""What every recurrence module offers, whatever its cell."""

from torch import Tensor, nn


class Recurrence(nn.Module):
    """A recurrent layer as an explicit loop over time: it can be stepped, differentiated twice and mapped by `vmap`.

    Sizes: `inputs` (I) and `hidden` (N). A state is one tensor (B, N); no state means zeros. The rows of its weights
    are `gates` blocks of N, stacked as in torch: gate g owns rows gN to (g+1)N.
    `reset_parameters(generator=...)` draws the weights anew, in place.
    """

    inputs: int
    hidden: int
    gates: int = 1

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (B, N): all states (T, B, N) and the last one (B, N)."""
        raise NotImplementedError

    def step(self, input: Tensor, state: Tensor | None = None) -> Tensor:
        """One time step: input (B, I) and state (B, N) give the next state (B, N)."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """Show the sizes in `print(module)`."""
        return f"{self.inputs} -> {self.hidden}"


def check_sequence(inputs: Tensor, size: int) -> None:
    """Refuse anything but float inputs (T, B, size) with at least one time step."""
    if inputs.dim() != 3 or inputs.shape[2] != size or inputs.shape[0] == 0:
        raise ValueError(f"inputs: expected shape (T, B, {size}) with T >= 1, got {tuple(inputs.shape)}")
