"""Sizes of the two hyperparameter studies at each scale, and their draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from srnn_tasks import AdroitHammer, AnyTask, RandomAnomaly

from ...experiment import Training
from ...tables import Best, Cell, Draw, Scale
from ._draws import drawn
from ._sizings import Budget, FreeUnits, Sizing

SEED = 3  # of every run

DRAWING_SEED = 0  # of the draws

TARGET = "minimum validation loss"


@dataclass(frozen=True)
class StudySizes:
    """A study at one scale; the learning rate of `training` is replaced by that of each draw.

    `counts` is the number of draws by preset. `metric` is the loss on the validation split.
    """

    task: AnyTask
    training: Training
    metric: str
    sizing: Sizing
    counts: Mapping[str, int]

    def draws(self) -> tuple[tuple[Draw, ...], tuple[Cell, ...]]:
        """Return the draws and the cell of each."""
        draws, cells = [], []
        for preset, count in self.counts.items():
            for number in range(count):
                parameters = drawn(preset, number, self.sizing, seed=DRAWING_SEED)
                draw = Draw(preset, number, parameters.features)
                experiment = parameters.experiment(self.task, self.training)
                draws.append(draw)
                cells.append(Cell(draw.name, TARGET, experiment, "trained", Best(self.metric, "lower")))
        return tuple(draws), tuple(cells)


def _training(epochs: int, batch_size: int) -> Training:
    return Training(epochs=epochs, batch_size=batch_size, learning_rate=1e-3, evaluate_every=1)


def _anomaly(task: RandomAnomaly, epochs: int, batch_size: int, counts: Mapping[str, int]) -> StudySizes:
    return StudySizes(task, _training(epochs, batch_size), "cross_entropy", Budget(2500, 10, 50_000), counts)


def _hammer(task: AdroitHammer, epochs: int, batch_size: int, shrink: float, counts: Mapping[str, int]) -> StudySizes:
    return StudySizes(task, _training(epochs, batch_size), "mse", FreeUnits(46, 26, shrink), counts)


ANOMALY: dict[Scale, StudySizes] = {
    "smoke": _anomaly(RandomAnomaly(series=16, held_out=8), 2, 8, counts={"normal": 2, "uniform": 2, "stratified": 4}),
    "quick": _anomaly(
        RandomAnomaly(series=3000, held_out=1000), 8, 16, counts={"normal": 250, "uniform": 250, "stratified": 500}
    ),
    "paper": _anomaly(
        RandomAnomaly(held_out=1000, split="shared", shuffle=False),
        25,
        16,
        counts={"normal": 1627, "uniform": 1627, "stratified": 1000},
    ),
}

HAMMER: dict[Scale, StudySizes] = {
    "smoke": _hammer(
        AdroitHammer(episodes=4, rollouts=0), 2, 2, 0.02, counts={"normal": 2, "uniform": 2, "stratified": 4}
    ),
    "quick": _hammer(AdroitHammer(rollouts=0), 25, 16, 0.1, counts={"normal": 100, "uniform": 100, "stratified": 200}),
    "paper": _hammer(
        AdroitHammer(episodes=5000, rollouts=0), 25, 64, 1.0, counts={"normal": 2083, "uniform": 0, "stratified": 1000}
    ),
}
