"""Networks: a recurrence between an input and an output map, built for the sizes of a task.

Each model is a frozen value that names its recurrence; `build(spec, generator=)` returns the `Network`. A new model is
one file here and one line in `AnyModel`.
"""

from typing import Annotated

from pydantic import Field

from ._language import LanguageModel as LanguageModel
from ._network import Network as Network
from ._network import Spec as Spec
from ._path_integrator import PathIntegrator as PathIntegrator
from ._sequence import SequenceModel as SequenceModel

AnyModel = Annotated[SequenceModel | PathIntegrator | LanguageModel, Field(discriminator="kind")]

__all__ = ["AnyModel", "LanguageModel", "Network", "PathIntegrator", "SequenceModel", "Spec"]
