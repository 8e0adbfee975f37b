"""The union of all patterns, discriminated by `kind`."""

from typing import Annotated

from pydantic import Field

from ._dense import Dense
from ._locality import Locality
from ._random import Bernoulli, FixedInDegree, UniformRandom

AnyPattern = Annotated[
    Locality | FixedInDegree | UniformRandom | Bernoulli | Dense,
    Field(discriminator="kind"),
]
"""Any pattern, for a field of a pydantic model or `pydantic.TypeAdapter(AnyPattern)`."""
