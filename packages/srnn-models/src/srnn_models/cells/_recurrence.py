"""`Recurrence`, the base class of every recurrent layer, with the one time loop that all cells share.

A cell defines one step: `drive` maps the inputs of all steps at once, `advance` computes one step from the
drive and the state, `output` reads h from a state. The loop belongs to `Recurrence`, and so does the product with the
weights that are read from the state. `accelerate` gives a recurrence an `Acceleration`, which may run sequences
instead.
"""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from .._errors import ModelError
from ._edge_weight import EdgeWeight

State = Tensor | tuple[Tensor, ...]


@dataclass(frozen=True)
class Matrix:
    """How the entries of a weight matrix belong to neurons (row = target, column = source).

    `gates`: number of gates stacked in the rows, as blocks of equal size. `recurrent`: whether the columns are the
    neurons of the rows, in the same order. If not, the columns are another set: inputs, tokens or projections.

    `source`: where the columns are read: "input" (the input of the step), "state" (the state before or after it), or
    "step" (a value computed within the step, such as what a projection maps). Those of a recurrent matrix are read
    from the state. `offset`: place of the neuron of the first row of a gate among the neurons of the layer, for layers
    with separate matrices for some of their neurons. `shape`: the shape (rows, cols) of the matrix if the parameter
    holds the values (E,) of its edges (`EdgeWeight`); None if the parameter is the matrix.

    >>> Matrix(recurrent=True).source
    'state'
    """

    gates: int = 1
    recurrent: bool = False
    source: Literal["input", "state", "step"] = "input"
    offset: int = 0
    shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.recurrent:
            object.__setattr__(self, "source", "state")


class Recur(Protocol):
    """The product with a weight matrix that is read from the state, as `Recurrence.advance` receives it."""

    def __call__(self, name: str, x: Tensor, plus: Tensor | None = None, rows: slice | None = None) -> Tensor:
        """Return `plus + W x` (B, rows), with W the parameter `name` (rows, cols) and x (B, cols); no `plus` is 0.

        rows: use these rows of W only, such as those of one gate; None means all.
        """


class Acceleration(Protocol):
    """How `accelerate` has a recurrence run. As text: the engine and those that have run."""

    engine: str

    @property
    def used(self) -> tuple[str, ...]:
        """The engines that have run since."""

    def run(self, module: Any, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return h at all times (T, B, N) and the last state (B, S), or None if the loop is to run."""


class Recurrence(nn.Module):
    """A recurrent layer with an explicit loop over time: it can be stepped, differentiated twice and mapped by `vmap`.

    Sizes: `inputs` (I), `hidden` (N), `state_size` (S). A state is one tensor (B, S); None means zeros. `state_sizes`
    are the sizes of its parts, which sum to S: (N,) where the state is h itself, (N, N) for the h and c of an LSTM.

    A subclass sets `inputs`, `hidden` and `state_sizes`, and implements `drive`, `advance`, `matrices` and
    `reset_parameters`, and `output` where the state is not h. Inside the loop a state of one part is a tensor, a state
    of several parts is a tuple of them.
    """

    inputs: int
    hidden: int
    state_sizes: tuple[int, ...]
    acceleration: Acceleration | None = None

    @property
    def state_size(self) -> int:
        """Size S of a state."""
        return sum(self.state_sizes)

    @property
    def has_edges(self) -> bool:
        """Whether `weight_hh` is an `EdgeWeight`, whose parameter is the values of its edges."""
        return isinstance(self._modules.get("weight_hh"), EdgeWeight)

    def drive(self, inputs: Tensor) -> Tensor:
        """Map inputs (..., I) to the part of each step that does not depend on the state, (..., D)."""
        raise NotImplementedError

    def advance(self, drive: Tensor, recur: Recur, state: Any) -> Any:
        """Return the state after one step, from its drive (B, D) and the state before, each part (B, size).

        Every product with a weight that is read from the state is `recur(name, x, plus)`, which is `plus + W x`; with
        `rows=` it is that of some rows of W.
        """
        raise NotImplementedError

    def output(self, state: Any) -> Tensor:
        """Return the h (B, N) of a state, one tensor (B, S) or in parts; `forward` returns it for each step."""
        return state  # type: ignore[no-any-return]

    def matrices(self) -> dict[str, Matrix]:
        """Return a description of each weight matrix, by parameter name."""
        raise NotImplementedError

    @property
    def gate_names(self) -> tuple[str, ...]:
        """Names of the gates that are stacked in the rows of the weights: ("h",), or ("0", "1", ...) by default."""
        gates = max(matrix.gates for matrix in self.matrices().values())
        return ("h",) if gates == 1 else tuple(str(number) for number in range(gates))

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw all weights again, in place."""
        raise NotImplementedError

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (B, S): h at all times (T, B, N) and the last state (B, S).

        Raises `ModelError` if inputs or state have another shape.
        """
        check_sequence(inputs, self.inputs)
        state = self._initial(inputs[0], state)  # (B, S)
        if self.acceleration is not None:
            found = self.acceleration.run(self, inputs, state)
            if found is not None:
                return found  # (T, B, N), (B, S)
        return self._loop(self.drive(inputs), state)  # (T, B, N), (B, S)

    def step(self, input: Tensor, state: Tensor | None = None) -> Tensor:
        """Run one time step: input (B, I) and state (B, S) give the next state (B, S)."""
        state = self._initial(input, state)  # (B, S)
        return self._join(self.advance(self.drive(input), self._recur(), self.split(state)))  # (B, S)

    def split(self, state: State) -> State:
        """Split a state (..., S) into its parts; a state of one part, or already in parts, is returned as it is."""
        if isinstance(state, tuple) or len(self.state_sizes) == 1:
            return state
        return torch.split(state, list(self.state_sizes), dim=-1)

    def extra_repr(self) -> str:
        """Return the sizes, for `print(module)`."""
        return f"{self.inputs} -> {self.hidden}"

    def _get_name(self) -> str:
        """Return the name of the class and the engine, such as "GRUModule[auto: sparse]", for `print(module)`."""
        name = type(self).__name__
        return name if self.acceleration is None else f"{name}[{self.acceleration}]"

    def _loop(self, drives: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Run drives (T, B, D) from state (B, S), with autograd: h at all times (T, B, N) and the last state (B, S)."""
        states, parts = self.unroll(drives, self._recur(), self.split(state))
        return states, self._join(parts)  # (T, B, N), (B, S)

    def unroll(self, drives: Tensor, recur: Recur, state: State) -> tuple[Tensor, State]:
        """Run drives (T, B, D) from a state in parts, with this product: h at all times (T, B, N), the last state."""
        advance, output = self.advance, self.output
        outputs = []
        for drive in drives.unbind(0):
            state = advance(drive, recur, state)  # each part (B, size)
            outputs.append(output(state))  # (B, N)
        return torch.stack(outputs), state  # (T, B, N), each part (B, size)

    def _recur(self) -> Recur:
        """Return the product of one run. A weight whose product is added to a drive is transposed once per run."""
        transposed: dict[tuple[str, int | None, int | None], Tensor] = {}

        def recur(name: str, x: Tensor, plus: Tensor | None = None, rows: slice | None = None) -> Tensor:
            if plus is None or plus.dim() == 1:  # nothing, or a bias (rows,)
                weight = getattr(self, name)  # (rows, cols)
                if isinstance(weight, EdgeWeight):
                    return _linear(weight, x, plus, rows)
                return functional.linear(x, weight if rows is None else weight[rows], plus)  # (B, rows)
            key = (name, None, None) if rows is None else (name, rows.start, rows.stop)
            weight = transposed.get(key)  # (cols, rows)
            if weight is None:
                weight = getattr(self, name)
                if isinstance(weight, EdgeWeight):
                    return _linear(weight, x, plus, rows)
                weight = transposed[key] = (weight if rows is None else weight[rows]).t()
            return torch.addmm(plus, x, weight)  # (B, rows)

        return recur

    def _join(self, state: State) -> Tensor:
        """Return a state as one tensor (B, S)."""
        return torch.cat(state, dim=-1) if isinstance(state, tuple) else state

    def _initial(self, input: Tensor, state: Tensor | None) -> Tensor:
        """Return the state (B, S), checked, or zeros for input (B, I)."""
        shape = (input.shape[0], self.state_size)
        if state is None:
            return input.new_zeros(shape)
        check_state(state, shape)
        return state


def has_own_backward(module: nn.Module) -> bool:
    """Return whether the class of a module has its own backward pass. A subclass may change the step: it has none."""
    return "run_with" in vars(type(module))


def recurrent_matrix(weight: Tensor | EdgeWeight, gates: int = 1) -> dict[str, Matrix]:
    """Return the description of `weight_hh`, whose columns are the neurons of its rows, by parameter name."""
    if isinstance(weight, EdgeWeight):
        return {"weight_hh.values": Matrix(gates, recurrent=True, shape=weight.shape)}
    return {"weight_hh": Matrix(gates, recurrent=True)}


def _linear(weight: EdgeWeight, x: Tensor, plus: Tensor | None, rows: slice | None) -> Tensor:
    if rows is not None:
        raise ModelError("recur: expected rows=None for an EdgeWeight, whose rows are multiplied all at once")
    return weight.linear(x, plus)


def check_sequence(inputs: Tensor, size: int) -> None:
    """Raise `ModelError` unless inputs are (T, B, size) with at least one time step."""
    if inputs.dim() != 3 or inputs.shape[2] != size or inputs.shape[0] == 0:
        raise ModelError(f"inputs: expected shape (T, B, {size}) with T >= 1, got {tuple(inputs.shape)}")


def check_state(state: Tensor, shape: tuple[int, ...]) -> None:
    """Raise `ModelError` unless the state has this shape."""
    if state.shape != shape:
        raise ModelError(f"state: expected shape {shape}, got {tuple(state.shape)}")
