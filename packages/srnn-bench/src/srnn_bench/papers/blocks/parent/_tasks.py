"""The tasks that networks of random densities are trained on, each with two numbers of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from srnn_masks import Blocks
from srnn_tasks import Adding, AdroitHammer, AnyTask, Cognitive, RandomAnomaly, SequentialMNIST

from ....experiment import Experiment, Training
from ....tables import Scale
from .._networks import Reads, block_net

INTERVALS = ("dlygo-intr", "dlyanti-intl", "dlydm1-intr", "dlydm2-intl", "dms-intr", "dnms-intl")  # of Mod-Cog
SEQUENCES = ("go-seqr", "anti-seql", "dm1-seqr", "dm2-seql", "ctxdm1-seqr", "ctxdm2-seql")

RATE = 1e-3


@dataclass(frozen=True)
class Setting:
    """A task, its sizes, and how networks are trained on it.

    - `inputs`, `outputs`, `steps`: I, O and T; of a task whose trials differ in length, T is a typical one.
    - `metric`: the loss on the validation split.
    - `training`: of every network, evaluated after each of its epochs.
    - `budgets`: numbers of weights.
    - `family`: name of the kind of task. Tasks of one family differ little.
    - `reads`: of the block RNN; "before" only if the last step is blank.
    """

    task: AnyTask
    inputs: int
    outputs: int
    steps: int
    metric: str
    training: Training
    budgets: tuple[int, int]
    family: str
    reads: Reads = "after"

    def experiment(self, blocks: Blocks) -> Experiment:
        """Return the experiment that trains the block RNN of these sizes."""
        return block_net(blocks, reads=self.reads).trained(self.task, self.training)


def _training(epochs: int, batches: int, batch_size: int = 32) -> Training:
    return Training(epochs=epochs, batches=batches, batch_size=batch_size, learning_rate=RATE, evaluate_every=1)


def settings(scale: Scale) -> Mapping[str, Setting]:
    """Return the ten tasks by name. Experiments at scale `paper` are those of `quick`: the paper has none."""
    smoke = scale == "smoke"
    epochs = 1 if smoke else 8

    def anomaly(side: int, budgets: tuple[int, int]) -> Setting:
        return Setting(
            task=RandomAnomaly(series=64 if smoke else 3000, side=side, held_out=50 if smoke else 1000),
            inputs=side**2,
            outputs=10,
            steps=10,
            metric="cross_entropy",
            training=_training(epochs, 2 if smoke else 94),
            budgets=budgets,
            family="anomaly",
            reads="before",
        )

    def digits(view: Literal["rows", "chunks"]) -> Setting:
        width, steps = {"rows": (28, 28), "chunks": (16, 49)}[view]
        return Setting(
            task=SequentialMNIST(view=view, scaling="standard", validation=1000),
            inputs=width,
            outputs=10,
            steps=steps,
            metric="cross_entropy",
            training=_training(epochs, 2 if smoke else 40),
            budgets=(5_000, 20_000),
            family="digits",
        )

    def cognitive(tasks: Literal["yang20"] | tuple[str, ...], steps: int) -> Setting:
        task = Cognitive(tasks=tasks, evaluation_trials=5 if smoke else 40)
        return Setting(
            task=task,
            inputs=1 + 2 * task.ring + len(task.names),
            outputs=1 + task.ring,
            steps=steps,
            metric="loss",
            training=_training(epochs, 2 if smoke else 40),
            budgets=(5_000, 20_000),
            family="cognitive",
        )

    def adding(steps: int) -> Setting:
        return Setting(
            task=Adding(steps=steps, held_out=100 if smoke else 1000),
            inputs=2,
            outputs=1,
            steps=steps,
            metric="mse",
            training=_training(epochs, 2 if smoke else 250),
            budgets=(1_000, 3_000),
            family="adding",
        )

    hammer = Setting(
        task=AdroitHammer(episodes=100 if smoke else 500, rollouts=0),
        inputs=46,
        outputs=26,
        steps=200,
        metric="mse",
        training=_training(epochs, 2 if smoke else 15),
        budgets=(8_000, 20_000),
        family="hammer",
    )
    return {
        "anomaly, 50 pixels": anomaly(50, (50_000, 100_000)),
        "anomaly, 28 pixels": anomaly(28, (20_000, 50_000)),
        "hammer": hammer,
        "digits by rows": digits("rows"),
        "digits by 16 pixels": digits("chunks"),
        "20 cognitive tasks": cognitive("yang20", 17),
        "6 interval tasks": cognitive(INTERVALS, 23),
        "6 sequence tasks": cognitive(SEQUENCES, 19),
        "adding, 5 steps": adding(5),
        "adding, 10 steps": adding(10),
    }
