"""Networks of random densities and a given number of weights: what a parent learns from, and what it chooses among."""

from __future__ import annotations

import numpy as np

from srnn_masks import Blocks, Densities, MaskError, sized

from .._draws import BLOCKS
from .._networks import SD
from ._tasks import Setting

LEAST = 0.05  # density

UNITS = (4, 400)  # fewest and most hidden units: masked zeros are multiplied, so that more would take too long


def random_networks(setting: Setting, budget: int, count: int, seed: tuple[int, ...]) -> list[Blocks]:
    """Return block RNNs of `budget` weights whose six densities are independent and log-uniform from .05 to 1.

    Densities that the budget does not allow, or with less than 4 or more than 400 hidden units, are drawn again. The
    numbers of hidden units are whole ones.
    """
    generator = np.random.default_rng(seed)
    drawn: list[Blocks] = []
    while len(drawn) < count:
        densities = np.exp(generator.uniform(np.log(LEAST), 0.0, len(BLOCKS)))
        by_block = dict(zip(BLOCKS, (round(float(each), 3) for each in densities), strict=True))
        try:
            blocks = sized(setting.inputs, setting.outputs, budget, Densities.model_validate(by_block))
        except MaskError:
            continue
        if UNITS[0] <= blocks.hidden <= UNITS[1]:
            drawn.append(blocks.rounded())
    return drawn


def features(blocks: Blocks, steps: int) -> dict[str, float]:
    """Return the numbers that describe a network and its task without their scale.

    They are the share of each block in the weights, the hidden proportion, hidden units and outputs per input, the
    logarithm of the number of weights, the number of time steps, and the gain h s_hh sd^2 / 2 of W_hh at the start.
    """
    counts, total = blocks.counts, blocks.total
    return {
        **{f"share {block}": counts[block] / total for block in BLOCKS},
        "hidden proportion": blocks.hidden_proportion,
        "hidden units per input": blocks.hidden / blocks.inputs,
        "outputs per input": blocks.outputs / blocks.inputs,
        "log weights": float(np.log(total)),
        "steps": float(steps),
        "gain": blocks.hidden * blocks.densities.hh * SD**2 / 2,
    }
