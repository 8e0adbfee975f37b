"""A field that holds any criterion."""

from typing import Annotated

from pydantic import SerializeAsAny

from .._open_family import open_family
from ._criterion import Criterion
from ._grasp import GraSP
from ._jacobian_spectrum import JacobianSpectrum
from ._magnitude import Magnitude
from ._random import Random
from ._shuffled import Shuffled
from ._snip import SNIP

AnyCriterion = Annotated[
    SerializeAsAny[Criterion], open_family(Criterion, Magnitude, Random, SNIP, GraSP, JacobianSpectrum, Shuffled)
]
"""Any criterion, as a field of a pydantic model: `kind` is that of a member of this package, or `module:Class`."""
