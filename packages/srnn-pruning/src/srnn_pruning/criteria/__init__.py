"""Criteria: values that score weights, one file each. The lowest scores are pruned first.

A criterion sees parameters and, if it needs more, what the caller offers as evidence. It neither selects nor applies
masks, so a new criterion is one file here and one member of `AnyCriterion`, or a class of another package.
"""

from ._any_criterion import AnyCriterion as AnyCriterion
from ._criterion import Criterion as Criterion
from ._grasp import GraSP as GraSP
from ._jacobian_spectrum import JacobianSpectrum as JacobianSpectrum
from ._magnitude import Magnitude as Magnitude
from ._random import Random as Random
from ._shuffled import Shuffled as Shuffled
from ._snip import SNIP as SNIP

__all__ = ["SNIP", "AnyCriterion", "Criterion", "GraSP", "JacobianSpectrum", "Magnitude", "Random", "Shuffled"]
