"""Sizes of the experiments on sequential MNIST at each scale.

The digits are read by rows, with pixels of mean 0 and standard deviation 1 (as SNIP's code has them), and the error is
that on the 10,000 test images.
"""

from __future__ import annotations

from dataclasses import dataclass

from srnn_tasks import SequentialMNIST

from ...experiment import Training
from ...tables import Scale


@dataclass(frozen=True)
class Sizes:
    """Sizes at one scale, one attribute per choice of the paper.

    - `training`: of Tables 1 to 3 and 6. `hidden`: units of Tables 1, 3 and 6; `widths`: units of Table 2.
    - `trained_widths`: units of the table `width`.
    - `long_training`: of the table `long`; `looks`: steps at which it shows the error on the validation split.
    - `mask_training`, `mask_hidden`, `mask_seeds`: of the table `chi`, one random mask per seed.
    - `cost_training`: of Table 7. `full_hidden`: units of Table 7 and of what needs little or no training.
    - `seeds`: of most tables; `fewer_seeds`: of tables of ours with many cells.
    """

    task: SequentialMNIST
    training: Training
    hidden: int
    widths: tuple[int, ...]
    trained_widths: tuple[int, ...]
    long_training: Training
    looks: tuple[int, ...]
    mask_training: Training
    mask_hidden: int
    mask_seeds: tuple[int, ...]
    cost_training: Training
    full_hidden: int
    seeds: tuple[int, ...]
    fewer_seeds: tuple[int, ...]


TASK = SequentialMNIST(view="rows", scaling="standard")

SMALL = Training(epochs=8, batches=1, batch_size=8, learning_rate=3e-3)

QUICK = Training(epochs=20, batches=50, batch_size=64, learning_rate=3e-3)

PAPER = Training(epochs=50, batches=938, batch_size=64, learning_rate=1e-3)

COST = Training(epochs=2, batches=10, batch_size=64, learning_rate=1e-3)

SEEDS = tuple(range(3, 11))

SIZES: dict[Scale, Sizes] = {
    "smoke": Sizes(
        task=TASK,
        training=SMALL,
        hidden=6,
        widths=(4, 6),
        trained_widths=(4, 6),
        long_training=SMALL.model_copy(update={"evaluate_every": 1}),
        looks=(4, 8),
        mask_training=SMALL,
        mask_hidden=4,
        mask_seeds=(0, 1, 2),
        cost_training=SMALL,
        full_hidden=6,
        seeds=(0, 1),
        fewer_seeds=(0, 1),
    ),
    "quick": Sizes(
        task=TASK,
        training=QUICK,
        hidden=100,
        widths=(50, 100),
        trained_widths=(50, 100, 200, 400),
        # ten passes over the 55,000 training images, as 20 epochs
        long_training=QUICK.model_copy(update={"batches": 430, "evaluate_every": 2}),
        looks=(860, 1720, 4300, 8600),
        mask_training=QUICK.model_copy(update={"epochs": 10}),
        mask_hidden=50,
        mask_seeds=tuple(range(100, 300)),
        cost_training=COST,
        full_hidden=400,
        seeds=SEEDS,
        fewer_seeds=SEEDS[:5],
    ),
    # 50 epochs of 60,000 images in the number of steps; 5,000 of them are held out as the validation split
    "paper": Sizes(
        task=TASK,
        training=PAPER,
        hidden=400,
        widths=(100, 400, 1600),
        trained_widths=(100, 200, 400, 800, 1600),
        long_training=PAPER.model_copy(update={"evaluate_every": 5}),
        looks=(4690, 9380, 23_450, 46_900),
        mask_training=PAPER,
        mask_hidden=100,
        mask_seeds=tuple(range(100, 300)),
        cost_training=COST,
        full_hidden=400,
        seeds=SEEDS,
        fewer_seeds=SEEDS[:5],
    ),
}
