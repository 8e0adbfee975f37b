"""Block RNNs with a gain of 1 that differ in one thing: the hidden proportion or the number of hidden units."""

from __future__ import annotations

from collections.abc import Mapping

from srnn_masks import Blocks

from ._networks import Net, Reads, block_net, trading

UNIT = ", unit gain"

Sizes = tuple[int, int, int]  # inputs, outputs, budget


def at_unit_gain(blocks: Mapping[str, Blocks], *, reads: Reads = "before") -> dict[str, Net]:
    """Return networks whose recurrent weights begin with a gain of 1; the names of the rows say so."""
    return {row + UNIT: block_net(each, gain=1.0, reads=reads) for row, each in blocks.items()}


def equal_units(
    sizes: Sizes, hidden: int, proportions: Mapping[str, float], *, reads: Reads = "before"
) -> dict[str, Net]:
    """Return networks of one number of hidden units and weights, by hidden proportion."""
    return {
        f"equal units, {name}": block_net(trading(*sizes, hidden=hidden, proportion=each), gain=1.0, reads=reads)
        for name, each in proportions.items()
    }


def equal_proportion(
    sizes: Sizes, proportion: float, units: Mapping[str, int], *, reads: Reads = "before"
) -> dict[str, Net]:
    """Return networks of one hidden proportion and number of weights, by number of hidden units."""
    return {
        f"equal proportion, {name}": block_net(
            trading(*sizes, hidden=each, proportion=proportion), gain=1.0, reads=reads
        )
        for name, each in units.items()
    }
