"""The closed family of models."""

from typing import Annotated

from ._language import LanguageModel
from ._path_integrator import PathIntegrator
from ._sequence import SequenceModel
from ._value import ByKind

AnyModel = Annotated[SequenceModel | PathIntegrator | LanguageModel, ByKind()]  # a new member joins here
