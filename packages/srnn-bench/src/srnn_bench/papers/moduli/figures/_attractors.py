"""Section 2.2 of arXiv 2406.06290: are attractors unstable if the inhibitor is f(d) = d?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from srnn_manifolds import AnyInhibitor, Circle, DifferenceOfGaussians, Diffusion, Manifold, Ricker, Torus

from ....analysis import BumpPersistence, attractor_weights, bump_persistence
from ....drawing import markdown_table, significant, write_drawing, write_text
from ... import FigureRequest
from ._draw_attractors import draw_attractors

NEURONS = 256

NOISE = 0.2  # of the standard deviation of the weights

GAINS = (2.0, 4.0, 8.0, 16.0, 32.0)

INHIBITIONS = (0.0, 0.5, 1.0, 2.0, 4.0)

FUNCTIONS: dict[str, AnyInhibitor] = {
    "f(d) = d": Diffusion(power=1),
    "f(d) = d²": Diffusion(),
    "diff. of Gaussians": DifferenceOfGaussians(),
    "Ricker, width 1": Ricker(width=1),
    "Ricker, width 4": Ricker(width=4),
}

NOTES = (
    "Counts are points of a grid of gains and inhibitions. W = a (b - f(d)): mean 0 and standard deviation 1, lowered "
    "by the inhibition, then scaled so that the greatest eigenvalue is the gain. r <- 0.8 r + 0.2 tanh(max(0, W r)), "
    "500 steps from bumps at 16 places. One bump: nine of ten starts end with one bump. It holds: moreover, it is on "
    "average within 0.1 of the mean distance of two neurons from where it began. Noise: normal, 0.2 of the standard "
    "deviation of the weights, tried where the bump holds. Drift (unit: mean distance of two neurons) and places "
    "(different ends, as a share of different starts) are medians over the points with one bump.\n"
)


@dataclass(frozen=True)
class Stability:
    """Bumps by `(gain, inhibition)`, and whether each that holds still holds with noise on the weights."""

    bumps: Mapping[tuple[float, float], BumpPersistence]
    with_noise: Sequence[bool]


Measured = Mapping[str, Mapping[str, Stability]]  # by neurons and inhibitor function


def attractors(request: FigureRequest) -> list[Path]:
    """Section 2.2: whether hand-built attractors are unstable with f(d) = d, over gains and inhibitions."""
    measured = measure_attractors(NEURONS, GAINS, INHIBITIONS)
    bumps = {neurons: {title: each.bumps for title, each in row.items()} for neurons, row in measured.items()}
    drawing = draw_attractors("moduli-attractors", bumps, GAINS, INHIBITIONS)
    text = report_attractors(measured)
    return [*write_drawing(drawing, request.folder), write_text(text, request.folder, "moduli-attractors")]


def measure_attractors(n: int, gains: Sequence[float], inhibitions: Sequence[float]) -> Measured:
    """Simulate `n` neurons on circle and torus, with each inhibitor function, on a grid of gains and inhibitions."""
    measured: dict[str, dict[str, Stability]] = {}
    for neurons, (manifold, points) in _positions(n).items():
        distances = manifold.pairwise(points.double())
        measured[neurons] = {
            title: _stability(inhibitor(distances), distances, gains, inhibitions)
            for title, inhibitor in FUNCTIONS.items()
        }
    return measured


def report_attractors(measured: Measured) -> str:
    """Return a page with one row per kind of neurons and inhibitor function."""
    body = []
    for neurons, row in measured.items():
        for title, each in row.items():
            tests = each.bumps.values()
            single = [test for test in tests if test.bump >= 0.9]
            holding = sum(test.holds for test in tests)
            counts = [f"{len(single)} of {len(tests)}", f"{holding} of {len(tests)}"]
            counts.append(f"{sum(each.with_noise)} of {len(each.with_noise)}")
            medians = (_median([test.drift for test in single]), _median([test.places for test in single]))
            body.append([f"{neurons}, {title}", *counts, *(significant(median, 2) for median in medians)])
    head = ["neurons, f", "one bump", "it holds", "still, with noise", "median drift", "median share of places"]
    return f"# Are attractors unstable with f(d) = d?\n\n{markdown_table(head, body)}\n{NOTES}"


def _stability(costs: Tensor, distances: Tensor, gains: Sequence[float], inhibitions: Sequence[float]) -> Stability:
    bumps: dict[tuple[float, float], BumpPersistence] = {}
    with_noise = []
    for gain in gains:
        for inhibition in inhibitions:
            weights = attractor_weights(costs, gain=gain, inhibition=inhibition)
            test = bump_persistence(weights, distances, generator=torch.Generator().manual_seed(0))
            bumps[gain, inhibition] = test
            if test.holds:
                generator = torch.Generator().manual_seed(0)
                with_noise.append(bump_persistence(weights, distances, noise=NOISE, generator=generator).holds)
    return Stability(bumps, with_noise)


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else math.nan


def _positions(n: int) -> dict[str, tuple[Manifold, Tensor]]:
    """Return manifold and points of n neurons on circle and torus, regular and random."""
    angles = torch.arange(n) * 2 * math.pi / n
    side = torch.arange(math.isqrt(n)) * 10 / math.isqrt(n)
    generator = torch.Generator().manual_seed(0)
    return {
        "circle, regular": (Circle(), torch.stack([angles.cos(), angles.sin()], dim=1)),
        "circle, random": (Circle(), Circle().sample(n, generator=generator)),
        "torus, regular": (Torus(), torch.cartesian_prod(side, side)),
        "torus, random": (Torus(), Torus().sample(n, generator=generator)),
    }
