"""Random hyperparameters of block RNNs: the draws of the studies of arXiv 2509.15057 (section V).

A draw has a mean and a standard deviation of the initial weights and a density for each block, a learning rate, and a
number of hidden units (`Sizing`). The presets are

- `normal`: the distributions of the published code. Densities |N(.5, .25)| within .02 and 1, means N(0, .0025),
  standard deviations N(.05, .015) of at least 1e-4, learning rates N(.001, .0004), units N(900, 400) of at least 10.
- `uniform`: another preset of that code. Densities U(0, 1), means U(-.005, .005), standard deviations U(1e-6, .1),
  learning rates U(1e-5, .001), units U(1, 1000).
- `stratified`: ours. As `normal`, and then W_hh is thinned, or W_hx and W_hy are by one factor, so that the hidden
  proportion is one drawn from U(0, .95).

Densities are rounded to 2, means and standard deviations to 3, learning rates to 5 decimals, as in that code. A
learning rate that is rounded to 0 is drawn again; in that code it became .02.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeVar

import numpy as np

from srnn_masks import Blocks, Densities
from srnn_models import BlockRNN, Normal
from srnn_tasks import AnyTask

from ...experiment import Experiment, Training
from ._networks import Net
from ._sizings import Sizing

PRESETS = ("normal", "uniform", "stratified")  # the position of a preset is part of the seed of its draws

BLOCKS = ("hx", "hh", "hy", "yx", "yh", "yy")

LARGEST = 0.95  # hidden proportion of `stratified`

T = TypeVar("T")


@dataclass(frozen=True)
class Hyperparameters:
    """One draw: sizes and densities, mean and standard deviation of the weights by block, learning rate."""

    blocks: Blocks
    means: Mapping[str, float]
    sds: Mapping[str, float]
    learning_rate: float

    @property
    def features(self) -> dict[str, float]:
        """The 20 features of section V, and three others.

        The hidden proportion is that of the rounded number of units. `total density` is that of all blocks together
        ("average model sparsity"). Gain and row sum are those of W_hh at the start: h s_hh sd^2 / 2, by which it
        changes the mean square of rectified units, and h s_hh times the mean weight.
        """
        rounded = self.blocks.rounded()
        densities = rounded.densities
        return {
            **{f"mean of W_{block}": self.means[block] for block in BLOCKS},
            **{f"sd of W_{block}": self.sds[block] for block in BLOCKS},
            **{f"density of W_{block}": getattr(densities, block) for block in BLOCKS},
            "learning rate": self.learning_rate,
            "hidden proportion": rounded.hidden_proportion,
            "total density": rounded.density,
            "gain of W_hh": rounded.hidden * densities.hh * self.sds["hh"] ** 2 / 2,
            "row sum of W_hh": rounded.hidden * densities.hh * self.means["hh"],
        }

    def experiment(self, task: AnyTask, training: Training) -> Experiment:
        """Return the experiment that trains the network with its learning rate, and otherwise as `training` says."""
        initial = {block: _normal_weights(self.sds[block], self.means[block]) for block in BLOCKS}
        model = BlockRNN.model_validate({"hidden": round(self.blocks.hidden), **initial})
        rate = {"learning_rate": self.learning_rate}
        return Net(model, self.blocks.densities).trained(task, training.model_copy(update=rate))


@cache
def _normal_weights(sd: float, mean: float) -> Normal:
    """Return a distribution of weights; many draws have the same rounded numbers."""
    return Normal(sd=sd, mean=mean)


@cache
def drawn(preset: str, number: int, sizing: Sizing, *, seed: int) -> Hyperparameters:
    """Return a draw, which depends on the seed of the study, the preset and the number alone.

    Weights that read hidden units, W_hh and W_yh, have their mean divided by `sizing.shrink` and their standard
    deviation by its square root: mean and variance of what a unit receives are then those of the paper's size.
    """
    generator = np.random.default_rng((seed, PRESETS.index(preset), number))
    draw = {"normal": _normal, "uniform": _uniform, "stratified": _stratified}[preset]
    return draw(generator, sizing)


def _normal(generator: np.random.Generator, sizing: Sizing) -> Hyperparameters:
    return _composed(
        sizing,
        mean=partial(generator.normal, 0.0, 0.0025),
        sd=lambda: max(1e-4, generator.normal(0.05, 0.015)),
        density=lambda: min(1.0, max(0.02, abs(generator.normal(0.5, 0.25)))),
        rate=lambda: max(1e-6, generator.normal(1e-3, 4e-4)),
        units=lambda: max(10.0, generator.normal(900, 400)),
    )


def _uniform(generator: np.random.Generator, sizing: Sizing) -> Hyperparameters:
    return _composed(
        sizing,
        mean=partial(generator.uniform, -0.005, 0.005),
        sd=partial(generator.uniform, 1e-6, 0.1),
        density=partial(generator.uniform, 0.0, 1.0),
        rate=partial(generator.uniform, 1e-5, 1e-3),
        units=partial(generator.uniform, 1.0, 1000.0),
    )


def _stratified(generator: np.random.Generator, sizing: Sizing) -> Hyperparameters:
    draw = _normal(generator, sizing)
    blocks = sizing.thinned(draw.blocks, generator.uniform(0.0, LARGEST))
    return Hyperparameters(blocks, draw.means, draw.sds, draw.learning_rate)


def _composed(
    sizing: Sizing,
    *,
    mean: Callable[[], float],
    sd: Callable[[], float],
    density: Callable[[], float],
    rate: Callable[[], float],
    units: Callable[[], float],
) -> Hyperparameters:
    """Return a draw of these distributions, in the order of the arguments and of the blocks."""
    means, sds = _by_block(mean, 3), _by_block(sd, 3)
    densities = Densities.model_validate(_by_block(density, 2))
    learning_rate = 0.0
    while learning_rate == 0:
        learning_rate = _rounded(rate(), 5)
    for block in ("hh", "yh"):
        means[block] = _rounded(means[block] / sizing.shrink, 6)
        sds[block] = _rounded(sds[block] / sizing.shrink**0.5, 6)
    return Hyperparameters(sizing.blocks(densities, units), means, sds, learning_rate)


def _by_block(draw: Callable[[], float], decimals: int) -> dict[str, float]:
    return {block: _rounded(draw(), decimals) for block in BLOCKS}


def _rounded(value: float, decimals: int) -> float:
    return round(float(value), decimals) + 0.0  # not -0.0
