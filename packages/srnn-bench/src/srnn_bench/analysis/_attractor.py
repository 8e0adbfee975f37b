"""Hand-built attractors: does a bump of activity stay where it is, if weights are a function of distance?

Section 2.2 of arXiv 2406.06290: "The attractors are unstable if simpler functions, such as f(d) = d, are applied as
inhibitor functions", of networks as Burak and Fiete (2009) and Guanella et al. (2007) build them.

Dynamics, Euler steps of 0.2 time constants: r <- 0.8 r + 0.2 tanh(max(0, W r)). It has no input, so what is there after
`steps` is held by the weights alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

STEP = 0.2  # time constants


@dataclass(frozen=True)
class Persistence:
    """What became of bumps, one at each of a number of places.

    - `alive`: the share of starts after which there is activity; `bump`: after which it is one bump, its spread (mean
      distance from the centre) below half that of uniform activity.
    - `drift`: mean distance of the centre from where it began, over those that are a bump, in units of the mean
      distance of two neurons; nan where none is. `places`: the number of different centres, as a share of the starts.
    """

    alive: float
    bump: float
    drift: float
    places: float

    @property
    def holds(self) -> bool:
        """Nine of ten starts stay one bump, within a tenth of the mean distance of two neurons."""
        return self.bump >= 0.9 and self.drift <= 0.1


def recurrent(costs: Tensor, *, gain: float, inhibition: float) -> Tensor:
    """Return weights `(N, N)` that fall with the costs `(N, N)` of an inhibitor function: a (b - f(d)).

    b - f is brought to mean 0 and standard deviation 1, then lowered by `inhibition`, the same for all pairs; a makes
    the greatest eigenvalue `gain`.
    """
    weights = costs.double().mean() - costs.double()
    weights = weights / weights.std(correction=0) - inhibition
    top = float(torch.linalg.eigvalsh(weights)[-1])
    return weights * gain / top


def persists(
    weights: Tensor,
    distances: Tensor,
    *,
    starts: int = 16,
    noise: float = 0.0,
    steps: int = 500,
    generator: torch.Generator,
) -> Persistence:
    """Start bumps at random neurons, and look at what is left after a number of steps, or once nothing changes.

    A bump is what one active neuron calls up: the positive part of its outgoing weights, its maximum 1. So no kernel is
    given a start that does not suit it. `weights` and `distances` are `(N, N)`; to each weight a normal number is
    added, `noise` times the standard deviation of the weights, the same for all starts.
    """
    n = len(weights)
    disturbance = torch.randn(n, n, generator=generator, dtype=torch.float64)
    weights = weights.double() + noise * weights.double().std(correction=0) * disturbance
    distances = distances.double()
    chosen = torch.randint(n, (starts,), generator=generator)
    rates = weights[:, chosen].clamp_min(0.0)  # (N, starts)
    rates = rates / rates.amax(dim=0).clamp_min(1e-12)
    for _ in range(steps):
        change = torch.tanh((weights @ rates).clamp_min(0.0)) - rates
        rates = rates + STEP * change
        if change.abs().max() < 1e-7:
            break
    alive = rates.amax(dim=0) > 0.05
    share = rates / rates.sum(dim=0).clamp_min(1e-12)
    centre = (distances.square() @ share).argmin(dim=0)  # (starts,), the neuron nearest to all activity
    spread = (distances[:, centre] * share).sum(dim=0) / distances[:, centre].mean(dim=0)
    bump = alive & (spread < 0.5)
    moved = distances[centre, chosen][bump] / distances.mean()
    return Persistence(
        alive=float(alive.double().mean()),
        bump=float(bump.double().mean()),
        drift=float(moved.mean()) if bump.any() else float("nan"),
        places=len(set(centre[bump].tolist())) / len(set(chosen.tolist())),
    )
