"""The networks that arXiv 2207.03523 compares, each a leaky RNN with a mask or a penalty on its recurrent weights."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from typing import Literal

from srnn_manifolds import L1
from srnn_masks import AnyPattern, Dale, FixedInDegree, Locality
from srnn_models import LeakyRNN, SequenceModel
from srnn_tasks import Cognitive

from ...experiment import Experiment, Masked, Penalty, Signed, Stage, Training

RECURRENT = "recurrence.weight_hh"


@dataclass(frozen=True)
class Net:
    """A network: size, mask, penalty and initialisation; `strength` is lambda before the sum of |W| (section 2.6)."""

    hidden: int
    pattern: AnyPattern | None = None
    strength: float | None = None
    dale: Dale | None = None
    initialization: Literal["masked", "fan_in"] = "masked"
    alpha: float = 1.0
    gain: float = 1.0

    def trained(self, task: Cognitive, training: Training) -> Experiment:
        """Return the experiment that trains the network in one stage, `trained`."""
        masks, penalties, signs = [], [], []
        if self.pattern is not None:
            masks = [Masked(parameter=RECURRENT, pattern=self.pattern, initialization=self.initialization)]
        if self.strength is not None:
            penalties = [Penalty(parameter=RECURRENT, regularizer=L1(reduction="sum"), strength=self.strength)]
        if self.dale is not None:
            signs = [Signed(parameter=RECURRENT, law=self.dale)]
        return Experiment(
            task=task,
            model=SequenceModel(recurrence=LeakyRNN(hidden=self.hidden, alpha=self.alpha, gain=self.gain)),
            masks=tuple(masks),
            signs=tuple(signs),
            penalties=tuple(penalties),
            stages=(Stage(name="trained", training=training),),
        )


def local(side: int, radius: float) -> Net:
    """Return a locality-masked RNN on a periodic sheet of side x side units; radius 0 leaves autapses only."""
    return Net(side * side, Locality(sheet=(side, side), radius=radius))


def dense(hidden: int) -> Net:
    """Return a fully connected RNN."""
    return Net(hidden)


def degree(net: Net) -> int:
    """Return the in-degree of the units of a locality-masked RNN on a periodic sheet, without forming its mask."""
    assert isinstance(net.pattern, Locality) and net.pattern.periodic
    down, across = ([min(place, side - place) ** 2 for place in range(side)] for side in net.pattern.sheet)
    limit = math.floor(net.pattern.radius**2 * (1 + 1e-12))  # squares are integers; the factor absorbs rounding
    return sum(bisect_right(sorted(across), limit - square) for square in down)


def random_like(net: Net, *, self_connections: bool = True) -> Net:
    """Return a network of random connections with the in-degree of a locality-masked one."""
    return replace(net, pattern=FixedInDegree(degree=degree(net), self_connections=self_connections))


def as_many_synapses(net: Net, task: Cognitive) -> Net:
    """Return the smallest dense network with at least as many weights as a masked one, input and readout included."""
    others = weights_per_unit(task)
    wanted = net.hidden * (degree(net) + others)
    return dense(math.ceil((math.sqrt(others**2 + 4 * wanted) - others) / 2))


def weights_per_unit(task: Cognitive) -> int:
    """Return the number of input and readout weights of a unit; there is one rule input per task."""
    return 1 + 2 * task.ring + len(task.names) + 1 + task.ring


def nearest_radius(side: int, density: float) -> float:
    """Return the radius below half a side whose mask has the nearest density; in a tie, the smaller one."""
    squares = sorted({down**2 + across**2 for down in range(side) for across in range(down + 1)})
    radii = [math.sqrt(square) for square in squares if square < side * side // 4]  # each allows more than the last

    def present(radius: float) -> float:
        return degree(local(side, radius)) / side**2

    above = bisect_left(radii, density, key=present)
    return min(radii[max(0, above - 1) : above + 1], key=lambda radius: abs(present(radius) - density))
