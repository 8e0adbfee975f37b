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


def settings(scale: Scale) -> Mapping[str, Setting]:
    """Return the ten tasks by name. Experiments at scale `paper` are those of `quick`: the paper has none."""
    smoke = scale == "smoke"
    return {
        "anomaly, 50 pixels": _anomaly(50, (50_000, 100_000), smoke),
        "anomaly, 28 pixels": _anomaly(28, (20_000, 50_000), smoke),
        "hammer": _hammer(smoke),
        "digits by rows": _digits("rows", 28, 28, smoke),
        "digits by 16 pixels": _digits("chunks", 16, 49, smoke),
        "20 cognitive tasks": _cognitive("yang20", 17, smoke),
        "6 interval tasks": _cognitive(INTERVALS, 23, smoke),
        "6 sequence tasks": _cognitive(SEQUENCES, 19, smoke),
        "adding, 5 steps": _adding(5, smoke),
        "adding, 10 steps": _adding(10, smoke),
    }


def _anomaly(side: int, budgets: tuple[int, int], smoke: bool) -> Setting:
    return Setting(
        task=RandomAnomaly(series=64 if smoke else 3000, side=side, held_out=50 if smoke else 1000),
        inputs=side**2,
        outputs=10,
        steps=10,
        metric="cross_entropy",
        training=_training(94, smoke),
        budgets=budgets,
        family="anomaly",
        reads="before",
    )


def _hammer(smoke: bool) -> Setting:
    return Setting(
        task=AdroitHammer(episodes=100 if smoke else 500, rollouts=0),
        inputs=46,
        outputs=26,
        steps=200,
        metric="mse",
        training=_training(15, smoke),
        budgets=(8_000, 20_000),
        family="hammer",
    )


def _digits(view: Literal["rows", "chunks"], width: int, steps: int, smoke: bool) -> Setting:
    return Setting(
        task=SequentialMNIST(view=view, scaling="standard", validation=1000),
        inputs=width,
        outputs=10,
        steps=steps,
        metric="cross_entropy",
        training=_training(40, smoke),
        budgets=(5_000, 20_000),
        family="digits",
    )


def _cognitive(tasks: Literal["yang20"] | tuple[str, ...], steps: int, smoke: bool) -> Setting:
    task = Cognitive(tasks=tasks, evaluation_trials=5 if smoke else 40)
    return Setting(
        task=task,
        inputs=1 + 2 * task.ring + len(task.names),
        outputs=1 + task.ring,
        steps=steps,
        metric="loss",
        training=_training(40, smoke),
        budgets=(5_000, 20_000),
        family="cognitive",
    )


def _adding(steps: int, smoke: bool) -> Setting:
    return Setting(
        task=Adding(steps=steps, held_out=100 if smoke else 1000),
        inputs=2,
        outputs=1,
        steps=steps,
        metric="mse",
        training=_training(250, smoke),
        budgets=(1_000, 3_000),
        family="adding",
    )


def _training(batches: int, smoke: bool) -> Training:
    """Return a training of 8 epochs of `batches` batches; at scale `smoke`, of one epoch of 2 batches."""
    epochs, batches = (1, 2) if smoke else (8, batches)
    return Training(epochs=epochs, batches=batches, batch_size=32, learning_rate=RATE, evaluate_every=1)
