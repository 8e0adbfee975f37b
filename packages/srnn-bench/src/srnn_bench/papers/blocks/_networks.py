"""The networks that arXiv 2509.15057 compares: block RNNs of one number of weights, and LSTMs of about as many."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from srnn_masks import Bernoulli, Blocks, Densities, sized
from srnn_models import LSTM, AnyModel, BlockRNN, Normal, ProjectedLSTM, SequenceModel
from srnn_tasks import AnyTask

from ...experiment import Experiment, Masked, Stage, Training

DENSE = Densities()

SD = 0.05  # of the initial weights of every block (the published code)

EQUATIONS: Mapping[str, Densities] = {
    "eq. 7": Densities(hh=0.2, hy=0.2, yy=0.2),
    "eq. 8": Densities(hx=0.2, yx=0.2, yh=0.2),
    "eq. 13": Densities(hx=0.08),
    "dense": DENSE,
    "20 %": Densities.uniform(0.2),
}


@dataclass(frozen=True)
class Net:
    """A network and the densities of its blocks; `gain` is the standard deviation of W_hh times sqrt(h s_hh / 2).

    With the paper's sd of .05 the gain depends on the size of the block; a gain of 1 keeps the norm of the hidden units
    over a step, which are rectified.
    """

    model: AnyModel
    densities: Densities = DENSE

    def trained(self, task: AnyTask, training: Training) -> Experiment:
        """Return the experiment that trains the network in one stage, `trained`."""
        masks = [
            _masked(block, density)
            for block, density in self.densities.model_dump(exclude={"kind"}).items()
            if density < 1
        ]
        stages = (Stage(name="trained", training=training),)
        return Experiment(task=task, model=self.model, masks=tuple(masks), stages=stages)


@cache
def _masked(block: str, density: float) -> Masked:
    """Return the mask of a block; studies have thousands of networks with few different densities."""
    return Masked(parameter=f"recurrence.weight_{block}", pattern=Bernoulli(density=density))


Reads = Literal["before", "after"]


def block_net(blocks: Blocks, *, gain: float | None = None, reads: Reads = "before") -> Net:
    """Return the block RNN of these sizes, its number of hidden units rounded.

    gain: of W_hh at the start; None for the paper's standard deviation of .05. reads: the hidden units that the outputs
    read, see `BlockRNN`.
    """
    hidden, densities = round(blocks.hidden), blocks.densities
    sd = SD if gain is None else gain * math.sqrt(2 / (hidden * densities.hh))
    return Net(BlockRNN(hidden=hidden, hh=Normal(sd=sd), reads=reads), densities)


def equation(name: str, inputs: int, outputs: int, budget: int) -> Blocks:
    """Return the sizes of a configuration of the paper, by its name in `EQUATIONS`."""
    return sized(inputs, outputs, budget, EQUATIONS[name])


def trading(inputs: int, outputs: int, budget: int, *, hidden: int, proportion: float) -> Blocks:
    """Return the sizes of a network with given hidden units and hidden proportion, which W_hx and W_hh are thinned for.

    W_hx and W_hh share what the other blocks, which are dense, leave of the budget. So networks of one `hidden` differ
    in their hidden proportion only, and those of one `proportion` in their hidden units only. `proportions` has the
    limits of the proportion.
    """
    dense = Blocks(inputs=inputs, hidden=hidden, outputs=outputs)
    row = _hidden_row(dense, budget)
    recurrent = proportion * row
    densities = Densities(
        hx=(row - dense.counts["hy"] - recurrent) / dense.counts["hx"], hh=recurrent / dense.counts["hh"]
    )
    return Blocks(inputs=inputs, hidden=hidden, outputs=outputs, densities=densities)


def proportions(inputs: int, outputs: int, budget: int, *, hidden: int) -> tuple[float, float]:
    """Return the smallest and the largest hidden proportion that `trading` can give.

    W_hx is dense or W_hh empty at the smallest, W_hh dense or W_hx empty at the largest.
    """
    dense = Blocks(inputs=inputs, hidden=hidden, outputs=outputs)
    row = _hidden_row(dense, budget)
    shared = row - dense.counts["hy"]
    return max(0.0, shared - dense.counts["hx"]) / row, min(dense.counts["hh"], shared) / row


def _hidden_row(dense: Blocks, budget: int) -> float:
    """Return how many weights of a budget dense outputs leave for those that hidden units read through."""
    return budget - sum(count for name, count in dense.counts.items() if name.startswith("y"))


def perceptron(inputs: int, outputs: int, budget: int) -> Net:
    """Return a perceptron with one hidden layer that sees one time step: a block RNN of W_hx and W_yh alone."""
    sizes = sized(inputs, outputs, budget, Densities(hh=0, hy=0, yx=0, yy=0))
    return Net(BlockRNN(hidden=round(sizes.hidden), reads="after"), sizes.densities)


def proportion_of(net: Net, inputs: int, outputs: int) -> float:
    """Return the hidden proportion of a network for a task of these sizes.

    In an LSTM each unit of a gate reads all inputs, and the hidden units or their projection.
    """
    model = net.model
    if isinstance(model, BlockRNN):
        blocks = Blocks(inputs=inputs, hidden=model.hidden, outputs=outputs, densities=net.densities)
        return blocks.hidden_proportion
    read = outputs if isinstance(model, ProjectedLSTM) else model.hidden
    return read / (inputs + read)


def lstms(inputs: int, outputs: int, budget: int) -> dict[str, Net]:
    """Return the paper's LSTM, whose state is projected onto the outputs, and one with a read-out."""
    return {
        "LSTM, projected": Net(ProjectedLSTM(hidden=_projected(inputs, outputs, budget))),
        "LSTM": Net(SequenceModel(recurrence=LSTM(hidden=_lstm(inputs, outputs, budget)))),
    }


def _projected(inputs: int, outputs: int, budget: int) -> int:
    """Return the units of the projected LSTM with the nearest number of weights; there are more than outputs.

    It has 4 h (x + y) + h y weights.
    """
    return max(outputs + 1, round(budget / (4 * (inputs + outputs) + outputs)))


def _lstm(inputs: int, outputs: int, budget: int) -> int:
    """Return the units of the LSTM with the nearest number of weights, 4 h (x + h) + h y."""
    linear = 4 * inputs + outputs
    return round((math.sqrt(linear**2 + 16 * budget) - linear) / 8)
