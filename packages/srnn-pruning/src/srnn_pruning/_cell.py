"""`Cell`: one recurrent layer in one direction as a function of one time step, and the Protocol that offers one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class Cell:
    """One recurrent layer in one direction, as a function of one time step.

    `step(x, state)` maps x (B, I) and a state (B, S) to the next state (B, S). It reads the parameters of the module at
    each call, so that it is differentiable in them, any number of times and in forward mode. `output(state)` is the h
    (B, H) of a state. The first H entries of a state are h; those of an LSTM are h and c. `inputs` is I, the size of an
    x; `hidden` is H, what the layer outputs: the size of the projection in an LSTM with `proj_size`; `state_size` is S.

    `gates` names the blocks of rows of the weights with roles "input" and "recurrent", in order: ("r", "z", "n") for a
    GRU, ("i", "f", "g", "o") for an LSTM, ("h",) without gates.

    `weights` maps a role to full parameter names: "input" (read from x), "recurrent" (read from the state), and, in an
    LSTM with `proj_size` only, "projection", (H, N), whose rows belong to no gate. Biases are not listed. `offsets` is
    the number of the unit of the first row of a gate, by parameter name, where that is not 0: a layer can have separate
    weights for some of its units.
    """

    step: Callable[[Tensor, Tensor], Tensor]
    output: Callable[[Tensor], Tensor]
    inputs: int
    hidden: int
    state_size: int
    gates: tuple[str, ...]
    weights: Mapping[str, tuple[str, ...]]
    offsets: Mapping[str, int] = field(default_factory=dict)


class RecurrentMatrix(Protocol):
    """The description of a weight matrix of a `Recurrent`."""

    @property
    def source(self) -> str:
        """Where the columns are read: "input", "state", or "step", a value computed within the step, as projected."""

    @property
    def offset(self) -> int:
        """Number of the unit of the first row of a gate, 0 where the rows are all units."""


class Recurrent(Protocol):
    """What a module of another package must offer to be found by `recurrences`.

    It is called as `module(inputs, state)`, with inputs (T, B, I) and the first state (B, S) or None for zeros, and
    returns a tuple whose second item is the last state. If a module contains other recurrences, as a stack of layers
    does, `recurrences` returns those instead of it.
    """

    @property
    def inputs(self) -> int:
        """Size I of an input."""

    @property
    def hidden(self) -> int:
        """Size H of an output h."""

    @property
    def state_size(self) -> int:
        """Size S of a state."""

    @property
    def gate_names(self) -> tuple[str, ...]:
        """Names of the blocks of rows of the weights, in order; one name where there are no gates."""

    def step(self, input: Tensor, state: Tensor, /) -> Tensor:
        """Run one time step: input (B, I) and state (B, S) give the next state (B, S)."""

    def output(self, state: Tensor, /) -> Tensor:
        """Return the h (B, H) of a state (B, S), which is its first H entries."""

    def matrices(self) -> Mapping[str, RecurrentMatrix]:
        """Return a description of each weight matrix, by parameter name."""
