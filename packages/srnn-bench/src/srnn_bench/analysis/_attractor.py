"""Hand-built attractors: does a bump of activity persist if the weights are a function of distance?

Section 2.2 of arXiv 2406.06290: "The attractors are unstable if simpler functions, such as f(d) = d, are applied as
inhibitor functions", about networks as in Burak and Fiete (2009) and Guanella et al. (2007).

Dynamics, Euler steps of 0.2 time constants: r <- 0.8 r + 0.2 tanh(max(0, W r)). There is no input, so the weights alone
maintain the activity.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

STEP = 0.2  # time constants

STEPS = 500  # at most; a simulation ends when nothing changes

STARTS = 16  # neurons at which a bump starts


@dataclass(frozen=True)
class BumpPersistence:
    """Final states of bumps of activity that started at several neurons.

    - `alive`: share of starts that end with activity; `bump`: share that end with one bump, whose spread (mean distance
      from its centre) is below half that of uniform activity.
    - `drift`: mean distance of the final from the initial centre, over the bumps, in units of the mean distance of two
      neurons; NaN without bumps.
    - `places`: number of different final centres, as a share of the different starts.
    """

    alive: float
    bump: float
    drift: float
    places: float

    @property
    def holds(self) -> bool:
        """Whether nine of ten starts end with one bump, on average within a tenth of the mean distance of neurons."""
        return self.bump >= 0.9 and self.drift <= 0.1


def attractor_weights(costs: Tensor, *, gain: float, inhibition: float) -> Tensor:
    """Return weights `(N, N)` that decrease with the costs `(N, N)` of an inhibitor function: a (b - f(d)).

    b - f is normalised to mean 0 and standard deviation 1, then lowered by `inhibition`, the same for all pairs; a
    scales the greatest eigenvalue to `gain`.
    """
    weights = costs.double().mean() - costs.double()
    weights = weights / weights.std(correction=0) - inhibition
    top = float(torch.linalg.eigvalsh(weights)[-1])
    return weights * gain / top


def bump_persistence(
    weights: Tensor, distances: Tensor, *, noise: float = 0.0, generator: torch.Generator
) -> BumpPersistence:
    """Simulate bumps that start at `STARTS` random neurons for `STEPS` steps, or until nothing changes.

    The initial bump is the response to one active neuron, the positive part of its outgoing weights, scaled to a
    maximum of 1, so that the start suits every kernel. `weights` and `distances` are `(N, N)`. Normal noise is added to
    the weights, with `noise` times their standard deviation, the same for all starts.
    """
    n = len(weights)
    disturbance = torch.randn(n, n, generator=generator, dtype=torch.float64)
    weights = weights.double() + noise * weights.double().std(correction=0) * disturbance
    distances = distances.double()
    starts = torch.randint(n, (STARTS,), generator=generator)
    rates = weights[:, starts].clamp_min(0.0)  # (N, STARTS)
    rates = rates / rates.amax(dim=0).clamp_min(1e-12)
    for _ in range(STEPS):
        change = torch.tanh((weights @ rates).clamp_min(0.0)) - rates
        rates = rates + STEP * change
        if change.abs().max() < 1e-7:
            break
    alive = rates.amax(dim=0) > 0.05
    share = rates / rates.sum(dim=0).clamp_min(1e-12)
    centre = (distances.square() @ share).argmin(dim=0)  # (STARTS,), the neuron nearest to all activity
    spread = (distances[:, centre] * share).sum(dim=0) / distances[:, centre].mean(dim=0)
    bump = alive & (spread < 0.5)
    moved = distances[centre, starts][bump] / distances.mean()
    return BumpPersistence(
        alive=float(alive.double().mean()),
        bump=float(bump.double().mean()),
        drift=float(moved.mean()) if bump.any() else float("nan"),
        places=len(set(centre[bump].tolist())) / len(set(starts.tolist())),
    )
