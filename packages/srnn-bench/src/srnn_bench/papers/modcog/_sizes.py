"""Sizes of the experiments at each scale.

A batch is 64 trials, one per row: about as many steps as the authors' example of 4 windows of 350 steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from srnn_tasks import Cognitive

from ...experiment import Training
from ...tables import Scale


@dataclass(frozen=True)
class Sizes:
    """Sizes at one scale, one attribute per choice of the paper. Sheets are square; a side is in units.

    - `yang`, `battery`: the two sets of tasks; `yang_training`, `training`: how they are trained.
    - `demo_training`, `demo_seeds`: training and seeds of the demonstration.
    - `early`: step at which Figure 2a compares networks.
    - `side`: sheet of Table 1 and Figure 5; `fewer`: nodes of its dense network with about as many synapses as the mask
      of the first of `table_radii`; `low_radii`: masks compared with random connections of low in-degree.
    - `yang_side`: sheet of Figure 2; `matched_radii`: its masks compared with dense networks with as many synapses.
    - `sides`: sheets of the comparison by size; `pool_sides`: square roots of the sizes of pools of autapses.
    - `powers`: the strengths of L1 are 10 to minus these; `best_power` is the best one in the paper's Table 1.
    - `halts`: epochs after which clusters are counted, on a sheet of `cluster_side`.
    """

    yang: Cognitive
    battery: Cognitive
    training: Training
    yang_training: Training
    demo_training: Training
    early: int
    side: int
    yang_side: int
    sides: tuple[int, ...]
    radii: tuple[float, ...]
    yang_radii: tuple[float, ...]
    table_radii: tuple[float, float]
    low_radii: tuple[float, ...]
    fewer: int
    matched_radii: tuple[float, ...]
    pool_sides: tuple[int, ...]
    powers: tuple[int, ...]
    best_power: int
    cluster_side: int
    halts: tuple[int, ...]
    seeds: tuple[int, ...]
    demo_seeds: tuple[int, ...]


def _training(epochs: int, every: int, batches: int = 100, batch_size: int = 64) -> Training:
    return Training(epochs=epochs, batches=batches, batch_size=batch_size, learning_rate=1e-3, evaluate_every=every)


SIZES: dict[Scale, Sizes] = {
    "smoke": Sizes(
        yang=Cognitive(tasks="yang20", evaluation_trials=2),
        battery=Cognitive(tasks="paper84", evaluation_trials=1),
        training=_training(2, 1, batches=3, batch_size=8),
        yang_training=_training(2, 1, batches=3, batch_size=8),
        demo_training=_training(2, 1, batches=2, batch_size=8),
        early=4,
        side=5,
        yang_side=5,
        sides=(5, 6),
        radii=(0, 1, 2),
        yang_radii=(0, 1),
        table_radii=(1, 2),
        low_radii=(0, 1),
        fewer=10,
        matched_radii=(1,),
        pool_sides=(4, 5),
        powers=(4, 5),
        best_power=5,  # the paper's 6 is not among them
        cluster_side=5,
        halts=(1, 2),
        seeds=(0, 1),
        demo_seeds=(2, 3),
    ),
    "quick": Sizes(
        yang=Cognitive(tasks="yang20", evaluation_trials=40),
        battery=Cognitive(tasks="paper84", evaluation_trials=20),
        training=_training(30, 3),
        yang_training=_training(20, 1),
        demo_training=_training(10, 1, batches=50),
        early=500,
        side=20,
        yang_side=20,
        sides=(14, 20, 25),
        radii=(0, 1, 2, 4, 6, 8),
        yang_radii=(0, 1, 2, 4, 8),
        table_radii=(2, 4),
        low_radii=(0, 1, 2),
        fewer=185,
        matched_radii=(2, 4),
        pool_sides=(10, 16, 25),
        powers=(4, 5, 6, 7),
        best_power=6,
        cluster_side=20,
        halts=(3, 6, 12, 30),
        seeds=(0, 1, 2),
        demo_seeds=(6, 7, 8, 9, 10),
    ),
    "paper": Sizes(
        yang=Cognitive(tasks="yang20", evaluation_trials=100),
        battery=Cognitive(tasks="paper84", evaluation_trials=100),
        training=_training(100, 2),
        yang_training=_training(100, 2),
        demo_training=_training(20, 1),
        early=2000,
        side=50,
        yang_side=25,
        sides=(20, 35, 50),
        radii=(0, 1, 2, 4, 6, 8, 10, 15, 20),
        yang_radii=(0, 1, 2, 4, 8),
        table_radii=(6, 10),
        low_radii=(0, 1, 2, 4),
        fewer=676,
        matched_radii=(2, 4),
        pool_sides=(25, 35, 60),
        powers=(4, 5, 6, 7),
        best_power=6,
        cluster_side=20,
        halts=(10, 20, 40, 70, 100),
        seeds=tuple(range(15)),
        demo_seeds=tuple(range(15, 30)),
    ),
}
