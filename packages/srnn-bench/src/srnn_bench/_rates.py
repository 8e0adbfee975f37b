"""How the learning rate goes on from epoch to epoch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ._value import Value


class Constant(Value):
    """The same learning rate to the end."""

    kind: Literal["constant"] = "constant"


class Annealing(Value):
    """Divided by `factor` after every epoch whose validation loss is not below the best so far.

    The rule of the word language model of arXiv 2406.06290 (section 6 of its facts sheet). `best` says what a stage
    begins with: `reset`, no best loss at all, or `kept`, that of the stage before. The published code keeps it for its
    lottery, so that new weights are annealed until they beat the old ones.
    """

    kind: Literal["annealing"] = "annealing"
    factor: Annotated[float, Field(gt=1)] = 4.0
    best: Literal["reset", "kept"] = "reset"


AnyRates = Annotated[Constant | Annealing, Field(discriminator="kind")]
