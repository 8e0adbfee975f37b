"""The union of all criteria, discriminated by `kind`."""

from typing import Annotated

from pydantic import Field

from ._magnitude import Magnitude
from ._random import Random

AnyCriterion = Annotated[Magnitude | Random, Field(discriminator="kind")]
