"""The union of all regularizers, discriminated by `kind`."""

from typing import Annotated

from pydantic import Field

from ._controls import L1, Shuffled
from ._grouped import Grouped
from ._moduli import Moduli
from ._trained import Trained

AnyRegularizer = Annotated[Moduli | Shuffled | L1 | Trained | Grouped, Field(discriminator="kind")]
