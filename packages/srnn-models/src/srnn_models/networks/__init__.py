"""Networks: a recurrence between an input and an output map, built for the sizes of a task.

Each model is a frozen value; `build(spec, generator=)` returns the `Network`. Most models name their recurrence. The
outputs of `BlockRNN` and `ProjectedLSTM` are part of their state: these have a recurrence of their own, and a read-out
without parameters. A new model is one file here and one line in `AnyModel`.
"""

from typing import Annotated

from pydantic import Field

from ._block import BlockRNN as BlockRNN
from ._language import LanguageModel as LanguageModel
from ._network import Network as Network
from ._network import Spec as Spec
from ._path_integrator import PathIntegrator as PathIntegrator
from ._projected import ProjectedLSTM as ProjectedLSTM
from ._sequence import SequenceModel as SequenceModel

AnyModel = Annotated[
    SequenceModel | PathIntegrator | LanguageModel | BlockRNN | ProjectedLSTM, Field(discriminator="kind")
]

__all__ = [
    "AnyModel",
    "BlockRNN",
    "LanguageModel",
    "Network",
    "PathIntegrator",
    "ProjectedLSTM",
    "SequenceModel",
    "Spec",
]
