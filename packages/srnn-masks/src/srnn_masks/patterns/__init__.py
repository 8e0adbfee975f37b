"""Patterns: values that draw masks (locality, random, dense) and the signs of Dale's law.

A pattern is a frozen value that draws only from the generator it is given. It returns tensors and is independent of
modules, so a pattern can be added without touching how masks are enforced.
"""

from ._any_pattern import AnyPattern as AnyPattern
from ._dale import Dale as Dale
from ._dense import Dense as Dense
from ._locality import Locality as Locality
from ._random import Bernoulli as Bernoulli
from ._random import Density as Density
from ._random import FixedInDegree as FixedInDegree
from ._random import UniformRandom as UniformRandom
from ._value import Value as Value

__all__ = [
    "AnyPattern",
    "Bernoulli",
    "Dale",
    "Dense",
    "Density",
    "FixedInDegree",
    "Locality",
    "UniformRandom",
    "Value",
]
