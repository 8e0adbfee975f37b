"""Regularizers, and the penalties they build: modules that turn a weight into a number to add to the loss.

A regularizer is a frozen value; its `build` draws points and returns an `nn.Module` with the coefficients as buffers
or, if the embedding is trained, the points as parameters. Manifolds and inhibitors are only called here, not defined.
"""

from ._any_regularizer import AnyRegularizer as AnyRegularizer
from ._cheapest import Cheapest as Cheapest
from ._controls import L1 as L1
from ._controls import Shuffled as Shuffled
from ._edges import EdgePenalty as EdgePenalty
from ._grouped import Group as Group
from ._grouped import Grouped as Grouped
from ._moduli import Moduli as Moduli
from ._penalty import Penalty as Penalty
from ._trained import Trained as Trained
from ._trained import TrainedPenalty as TrainedPenalty

__all__ = [
    "L1",
    "AnyRegularizer",
    "Cheapest",
    "EdgePenalty",
    "Group",
    "Grouped",
    "Moduli",
    "Penalty",
    "Shuffled",
    "Trained",
    "TrainedPenalty",
]
