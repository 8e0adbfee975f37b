"""Criteria: values that score weights, one file each. The lowest scores are pruned first.

A criterion sees parameters and, if it needs more, what the caller offers as evidence. It neither selects nor applies
masks, so a new criterion is one file here and one member of `AnyCriterion`.
"""

from ._any_criterion import AnyCriterion as AnyCriterion
from ._criterion import Criterion as Criterion
from ._magnitude import Magnitude as Magnitude
from ._random import Random as Random

__all__ = ["AnyCriterion", "Criterion", "Magnitude", "Random"]
