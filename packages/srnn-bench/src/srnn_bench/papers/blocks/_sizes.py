"""Sizes of the experiments on Random Anomaly Detection at each scale."""

from __future__ import annotations

from dataclasses import dataclass

from srnn_tasks import RandomAnomaly

from ...experiment import Training
from ...tables import Scale


@dataclass(frozen=True)
class Sizes:
    """Sizes at one scale.

    - `task`, `training`: of Figures 1, 2 and 6 and of the controls.
    - `budget`: number of weights of every network.
    - `hidden`: hidden units of the controls.
    - `seeds`: of Figures 1 and 2; `fewer_seeds`: of Figure 6; `control_seeds`: of the controls and rates.
    """

    task: RandomAnomaly
    training: Training
    budget: int
    hidden: int
    seeds: tuple[int, ...]
    fewer_seeds: tuple[int, ...]
    control_seeds: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Number of training steps."""
        return self.training.epochs * -(-self.task.series // self.training.batch_size)


INPUTS, OUTPUTS = 2500, 10

SEEDS = tuple(range(3, 11))

SIZES: dict[Scale, Sizes] = {
    "smoke": Sizes(
        task=RandomAnomaly(series=16, held_out=8),
        training=Training(epochs=2, batch_size=8, learning_rate=5e-4, evaluate_every=1),
        budget=60_000,
        hidden=100,
        seeds=(0, 1),
        fewer_seeds=(0, 1),
        control_seeds=(0, 1),
    ),
    "quick": Sizes(
        task=RandomAnomaly(series=10_000),
        training=Training(epochs=12, batch_size=64, learning_rate=5e-4, evaluate_every=1),
        budget=100_000,
        hidden=185,
        seeds=SEEDS,
        fewer_seeds=SEEDS[:3],
        control_seeds=SEEDS[:5],
    ),
    "paper": Sizes(
        task=RandomAnomaly(held_out=1000, split="shared", shuffle=False),
        training=Training(epochs=25, batch_size=16, learning_rate=1e-4, evaluate_every=1),
        budget=100_000,
        hidden=185,
        seeds=SEEDS[:5],
        fewer_seeds=SEEDS[:3],
        control_seeds=SEEDS[:5],
    ),
}
