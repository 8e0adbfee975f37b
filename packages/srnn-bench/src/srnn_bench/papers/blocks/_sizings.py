"""How many hidden units a drawn block RNN has: from a number of weights, or drawn (section V of arXiv 2509.15057)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from srnn_masks import Blocks, Densities, sized


class Sizing(Protocol):
    """Sizes of networks of drawn densities.

    `shrink` is the number of hidden units relative to the paper's.
    """

    @property
    def shrink(self) -> float: ...

    def __hash__(self) -> int: ...

    def blocks(self, densities: Densities, units: Callable[[], float]) -> Blocks:
        """Return the network with these densities; `units` draws a number of units at the paper's size."""

    def thinned(self, blocks: Blocks, proportion: float) -> Blocks:
        """Return the network with W_hh, or W_hx and W_hy by one factor, thinned to a hidden proportion."""


@dataclass(frozen=True)
class Budget:
    """Hidden units from a number of weights (eq. 11). They are not rounded."""

    inputs: int
    outputs: int
    weights: int
    shrink: float = 1.0

    def blocks(self, densities: Densities, units: Callable[[], float]) -> Blocks:
        """Return the network of this number of weights; `units` is not used.

        Raises MaskError if no weight depends on the number of units.
        """
        return sized(self.inputs, self.outputs, self.weights, densities)

    def thinned(self, blocks: Blocks, proportion: float) -> Blocks:
        """Return a network with as many weights.

        Let r = P_T - s_yx x y - s_yy y^2 be the number of weights that depend on h, and c = s_hx x + s_hy y. If W_hh is
        thinned to the proportion p, h = r / (c / (1 - p) + s_yh y); if W_hx and W_hy are, s_hh h^2 / p + s_yh y h = r.
        """
        densities, y = blocks.densities, blocks.outputs
        free = self.weights - densities.yx * blocks.inputs * y - densities.yy * y * y
        read = densities.yh * y
        if blocks.hidden_proportion > proportion:
            hidden = free / (_inputs_read(blocks) / (1 - proportion) + read)
        else:
            hidden = 2 * free / (read + math.sqrt(read**2 + 4 * densities.hh / proportion * free))
        return _thinned(blocks, hidden, proportion)


@dataclass(frozen=True)
class FreeUnits:
    """Hidden units that are drawn as for the paper's networks, then multiplied by `shrink` and rounded."""

    inputs: int
    outputs: int
    shrink: float = 1.0

    def blocks(self, densities: Densities, units: Callable[[], float]) -> Blocks:
        """Return the network with a drawn number of units, at least one."""
        hidden = max(1, round(self.shrink * units()))
        return Blocks(inputs=self.inputs, hidden=hidden, outputs=self.outputs, densities=densities)

    def thinned(self, blocks: Blocks, proportion: float) -> Blocks:
        """Return a network with as many units."""
        return _thinned(blocks, blocks.hidden, proportion)


def _thinned(blocks: Blocks, hidden: float, proportion: float) -> Blocks:
    """Return the network with these units, and W_hh, or W_hx and W_hy by one factor, thinned to the proportion."""
    densities, inputs_read = blocks.densities, _inputs_read(blocks)
    if blocks.hidden_proportion > proportion:
        changed = {"hh": inputs_read * proportion / (1 - proportion) / hidden}
    else:
        factor = densities.hh * hidden * (1 - proportion) / proportion / inputs_read
        changed = {"hx": factor * densities.hx, "hy": factor * densities.hy}
    rounded = {name: min(1.0, round(value, 6)) for name, value in changed.items()}
    return Blocks(
        inputs=blocks.inputs,
        hidden=hidden,
        outputs=blocks.outputs,
        densities=Densities.model_validate(densities.model_dump() | rounded),
    )


def _inputs_read(blocks: Blocks) -> float:
    """Return how many weights of inputs and outputs a hidden unit has."""
    return blocks.densities.hx * blocks.inputs + blocks.densities.hy * blocks.outputs
