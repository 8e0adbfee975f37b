"""chi, the measure of the last Jacobians on which pruning by their spectrum is built (eq. 3 of arXiv 1912.00120)."""

from collections.abc import Callable
from typing import Any, get_args

import torch
from torch import nn

from ._dynamics import visited
from ._errors import PruningError
from ._evidence import scoring
from ._recurrences import recurrences
from ._sequences import sequences
from ._transitions import Part, Vector, last_steps, mean_squared_norms


def chi(
    module: nn.Module,
    run: Callable[[], object],
    *,
    last: int | None = None,
    vector: Vector = "ones",
    state: Part = "h",
    generator: torch.Generator | None = None,
) -> dict[str, float]:
    """Return chi of each recurrence, by key: the mean of ||J v||^2 / N over the batch and the transitions (eq. 3).

    J is the derivative of the new hidden state by the one before, N its size; with `vector` "ones", chi is the square
    of the factor by which a step stretches the vector of ones, and with "frobenius" the mean squared singular value.
    The score of `JacobianSpectrum` is made of gradients of ||J v||^2, which is N chi (eq. 4 and Algorithm 1): the
    factor N matters where layers of different widths are ranked together.

    `run` runs the module on a batch; the module is left as it was. `last`: the number of transitions, counted from the
    last one, at least 1; sequences that are shorter have fewer; None, the default, for all. `vector`, `state`: as in
    `JacobianSpectrum`.

    Raises PruningError for a module without a recurrence, for another value of `last`, `vector` or `state`, for
    vector="sign" without a generator, and if `run` gives a recurrence nothing to read.
    """
    _check_choice("vector", vector, Vector)
    _check_choice("state", state, Part)
    if last is not None and (not isinstance(last, int) or isinstance(last, bool) or last < 1):
        raise PruningError(f"last: expected a number of transitions of at least 1, or None for all, got {last!r}")
    if vector == "sign" and generator is None:
        raise PruningError("generator: random signs are drawn, expected a torch.Generator, got None")
    cells = recurrences(module)
    values: dict[str, float] = {}
    weights = [
        module.get_parameter(name) for cell in cells.values() for names in cell.weights.values() for name in names
    ]
    with scoring(module, weights):
        read = sequences(module, cells, run)
        with torch.no_grad():
            for key, cell in cells.items():
                states, size = visited(cell, read[key]), cell.hidden if state == "h" else cell.state_size
                norms = [
                    sum(mean_squared_norms(cell, read[key], step, states[step], vector, state, generator))
                    for step in last_steps(read[key], last)
                ]
                values[key] = sum(map(float, norms)) / len(norms) / size
    return values


def _check_choice(name: str, value: Any, choices: Any) -> None:
    if value not in get_args(choices):
        raise PruningError(f"{name}: expected one of {', '.join(map(repr, get_args(choices)))}, got {value!r}")
