"""The networks that arXiv 2207.03523 compares, each a leaky RNN with a mask or a penalty on its recurrent weights."""

from __future__ import annotations

import math
from bisect import bisect_left
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
    """A network by what is particular to it; `strength` is the lambda before the sum of |W| (eq. of section 2.6)."""

    hidden: int
    pattern: AnyPattern | None = None
    strength: float | None = None
    dale: Dale | None = None
    initialization: Literal["masked", "fan_in"] = "masked"
    alpha: float = 1.0
    gain: float = 1.0

    def trained(self, task: Cognitive, training: Training) -> Experiment:
        """Return the experiment that trains it in one stage, `trained`."""
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
    """A locality-masked RNN on a periodic sheet of side x side units; radius 0 leaves autapses."""
    return Net(side * side, Locality(sheet=(side, side), radius=radius))


def dense(hidden: int) -> Net:
    """A fully connected RNN."""
    return Net(hidden)


def degree(net: Net) -> int:
    """Return how many sources each unit of a locality-masked RNN has."""
    assert isinstance(net.pattern, Locality)
    return int(net.pattern.mask(net.hidden, net.hidden)[0].sum())


def random_like(net: Net, *, self_connections: bool = True) -> Net:
    """Return a network of random connections, with the in-degree that this locality-masked one has."""
    return replace(net, pattern=FixedInDegree(degree=degree(net), self_connections=self_connections))


def as_many_synapses(net: Net, task: Cognitive) -> Net:
    """Return the dense network with as many weights as a masked one, read-in and read-out included, or a few more."""
    others = weights_of_a_unit(task)
    wanted = net.hidden * (degree(net) + others)
    return dense(math.ceil((math.sqrt(others**2 + 4 * wanted) - others) / 2))


def weights_of_a_unit(task: Cognitive) -> int:
    """Return how many weights to read in and out a unit has, one rule input a task."""
    return 1 + 2 * task.ring + len(task.names) + 1 + task.ring


def nearest_radius(side: int, density: float) -> float:
    """Return the radius, below half a side, of the mask on a sheet whose density is nearest; of two, the lesser."""
    squares = sorted({down**2 + across**2 for down in range(side) for across in range(down + 1)})
    radii = [math.sqrt(square) for square in squares if square < side * side // 4]  # each allows more than the last

    def present(radius: float) -> float:
        return degree(local(side, radius)) / side**2

    above = bisect_left(radii, density, key=present)
    return min(radii[max(0, above - 1) : above + 1], key=lambda radius: abs(present(radius) - density))
