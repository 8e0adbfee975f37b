"""Balanced networks on other tasks: a table of ours on arXiv 2509.15057, which proposes balance for diverse tasks.

Outputs read the hidden units of the same step (eq. 1), since the last step has an input and is scored. On rows of
MNIST a dense network of 30,000 weights has a hidden proportion of .80, and on the tasks of Yang et al. one of .65.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from srnn_masks import balance
from srnn_tasks import AnyTask, Cognitive, SequentialMNIST

from ...experiment import Training
from ...tables import Claim, Scale, Table
from ._columns import ACCURACY, OWN, above, rows_of
from ._networks import block_net, equation

MNIST, YANG = "rows of MNIST", "20 cognitive tasks"  # columns

SEEDS = (3, 4, 5, 6, 7)

MEASURE = replace(
    ACCURACY,
    failure=12.0,
    reason="2 points are our choice. The threshold of 12 % is above those of a network that always answers '1' "
    "(11.4 %) and of one that never answers (10.3 %).",
)


@dataclass(frozen=True)
class Column:
    """A task, its sizes and its training; `metric` is its share of right answers."""

    task: AnyTask
    inputs: int
    outputs: int
    training: Training
    metric: str


@dataclass(frozen=True)
class Sizes:
    """Number of weights, seeds, and training on both tasks at one scale."""

    budget: int
    digits: Training
    yang: Training
    trials: int
    seeds: tuple[int, ...] = SEEDS

    @property
    def columns(self) -> dict[str, Column]:
        """The tasks by the name of their column."""
        yang = Cognitive(tasks="yang20", evaluation_trials=self.trials)
        return {
            MNIST: Column(SequentialMNIST(), 28, 10, self.digits, "accuracy"),
            YANG: Column(yang, 53, 17, self.yang, "decision_accuracy"),
        }


def _training(epochs: int, batches: int | None = None, batch_size: int = 64) -> Training:
    return Training(epochs=epochs, batches=batches, batch_size=batch_size, learning_rate=1e-3)


SIZES: dict[Scale, Sizes] = {
    "smoke": Sizes(
        budget=5000, digits=_training(1, 3, batch_size=8), yang=_training(1, 3, batch_size=8), trials=2, seeds=(0, 1)
    ),
    "quick": Sizes(budget=30_000, digits=_training(2), yang=_training(15, 100), trials=40),
    "paper": Sizes(budget=100_000, digits=_training(25), yang=_training(100, 100), trials=100),
}


def carry_over(name: str, scale: Scale) -> Table:
    """Right answers of balanced, dense and uniformly sparse networks on rows of MNIST and on 20 cognitive tasks."""
    size = SIZES[scale]
    cells = []
    for column, each in size.columns.items():
        sizes = each.inputs, each.outputs, size.budget
        blocks = {"balanced": balance(*sizes), "dense": equation("dense", *sizes), "20 %": equation("20 %", *sizes)}
        nets = {row: block_net(sized, reads="after") for row, sized in blocks.items()}
        cells += rows_of(nets, each.task, each.training, {column: each.metric}, factor=MEASURE.factor)
    claims = tuple(
        Claim(
            f"balanced beats dense and 20 % on {column}",
            f"Balance is meant for diverse tasks; read as: on {column}, the balanced network gives more right answers "
            "than the dense and the uniformly sparse one of as many weights.",
            "ours, on section VI",
            above("balanced", "dense", "20 %", column=column),
        )
        for column in size.columns
    )
    return MEASURE.table(
        name,
        scale,
        title=f"Right answers on other tasks, {size.budget:,} weights",
        source=OWN + ": its two tasks are Random Anomaly Detection and Adroit Hammer",
        cells=cells,
        claims=claims,
        note="With 80 % power five seeds find differences of 3.1 spreads at the first step of the correction.",
        seeds=size.seeds,
    )
