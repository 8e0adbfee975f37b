"""chi, the measure whose gradient pruning by the Jacobian spectrum scores (eq. 3 of arXiv 1912.00120)."""

from collections.abc import Callable

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
    """Return chi of each recurrence, by key: the mean of ||J v||^2 / N over the batch and the transitions.

    J is the derivative of the new hidden state by the one before, N its size; with `vector` "ones", chi is the square
    of the factor by which a step stretches the vector of ones, and with "frobenius" the mean squared singular value.
    `run` runs the module on a batch; the module is left as it was. `last`: the number of transitions, counted from the
    last one; all by default. `vector`, `state`: as in `JacobianSpectrum`.

    Raises PruningError for a module without a recurrence, and for vector="sign" without a generator.
    """
    if vector == "sign" and generator is None:
        raise PruningError("generator: random signs are drawn, expected a torch.Generator, got None")
    cells = recurrences(module)
    found = {}
    with scoring(module, ()), torch.no_grad():
        seen = sequences(module, cells, run)
        for key, cell in cells.items():
            states, size = visited(cell, seen[key]), cell.hidden if state == "h" else cell.state_size
            values = [
                sum(mean_squared_norms(cell, seen[key], step, states[step], vector, state, generator))
                for step in last_steps(seen[key], last)
            ]
            found[key] = sum(map(float, values)) / len(values) / size
    return found
