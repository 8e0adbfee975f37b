"""The networks of arXiv 1912.00120 on sequential MNIST, and the ways in which it prunes them before training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from srnn_models import (
    GRU,
    LSTM,
    AnyInitialization,
    AnyRecurrence,
    ElmanRNN,
    Glorot,
    Normal,
    PeepholeLSTM,
    SequenceModel,
    Uniform,
)
from srnn_pruning import (
    AnyCriterion,
    AnySchedule,
    JacobianSpectrum,
    Magnitude,
    OneShot,
    Pruning,
    Random,
    Shuffled,
)
from srnn_tasks import SequentialMNIST

from ...experiment import Experiment, Stage, Training
from .stepwise import Stepwise

Ranking = Literal["global", "per_matrix", "per_gate"]

RECURRENCE = ("recurrence.*weight_*",)  # the weights that are pruned: no biases, no read-out, no embedding

SPARSITY = 0.95

PRINTED = (0.8, 0.6, 0.4, 0.2, 0.1, 0.05, 0.02, 0.01)  # densities of magnitude pruning, one every 10,000 steps

STEPS = 46_900  # of 50 epochs of 60,000 images at batch 64

RANDOM, OURS = Random(), JacobianSpectrum()

SHUFFLED = Shuffled(base=OURS)  # as many weights per gate and matrix as ours keeps, at random places

CELLS: Mapping[str, type[ElmanRNN | LSTM | PeepholeLSTM | GRU]] = {
    "RNN": ElmanRNN,
    "LSTM": LSTM,
    "peephole LSTM": PeepholeLSTM,
    "GRU": GRU,
}


def literal() -> AnyInitialization:
    """Return N(0, 0.1) with 0.1 as the standard deviation, the initialisation of the paper's own score."""
    return Normal(sd=0.1)


def gain(hidden: int) -> AnyInitialization:
    """Return N(0, 2/√N): at N = 400 the paper's N(0, 0.1), at every other N the gain that this has at 400 units."""
    return Normal(sd=2 / hidden**0.5)


INITIALIZATIONS: Mapping[str, AnyInitialization] = {
    "Glorot": Glorot(),
    "N(0, 1)": Normal(sd=1.0),
    "U(0, 0.1)": Uniform(low=0.0, high=0.1),
}


@dataclass(frozen=True)
class Net:
    """A recurrent layer and a linear read-out of its last state: cell, number of units, initialisation of the layer."""

    cell: str
    hidden: int
    initialization: AnyInitialization

    @property
    def model(self) -> SequenceModel:
        """The network: biases start at 0, the read-out is drawn from Glorot's distribution."""
        recurrence: AnyRecurrence = CELLS[self.cell](hidden=self.hidden, initialization=self.initialization)
        return SequenceModel(recurrence=recurrence, readout_initialization=Glorot())

    def trained(self, task: SequentialMNIST, training: Training, pruning: Pruning | None = None) -> Experiment:
        """Return the experiment that trains the network in one stage, `trained`, dense without a pruning."""
        return Experiment(
            task=task, model=self.model, stages=(Stage(name="trained", training=training, pruning=pruning),)
        )


def pruned(
    criterion: AnyCriterion,
    sparsity: float = SPARSITY,
    *,
    ranking: Ranking = "global",
    schedule: AnySchedule | None = None,
) -> Pruning:
    """Return the pruning of the recurrent layer, by default before the first training step."""
    schedule = OneShot() if schedule is None else schedule
    return Pruning(sparsity=sparsity, criterion=criterion, schedule=schedule, scope=RECURRENCE, ranking=ranking)


def magnitude_as_printed() -> Pruning:
    """Return magnitude pruning every 10,000 of 46,900 steps, scaled to the run: it ends at a density of 0.1."""
    return pruned(Magnitude(), 0.9, schedule=Stepwise(densities=PRINTED, every=10_000 / STEPS))


def magnitude_compressed() -> Pruning:
    """Return magnitude pruning in six equal parts of the run, which ends at a density of 0.05."""
    return pruned(Magnitude(), 0.95, schedule=Stepwise(densities=PRINTED, every=1 / 6))
