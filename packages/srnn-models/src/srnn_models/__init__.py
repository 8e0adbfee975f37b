"""Recurrent cells and networks with an explicit time loop: a value says what to build, `build` makes the module."""

from importlib.metadata import version as _version

from ._elman import ElmanRNN as ElmanRNN
from ._errors import ModelError as ModelError
from ._gru import GRU as GRU
from ._language import LanguageModel as LanguageModel
from ._leaky import LeakyRNN as LeakyRNN
from ._lstm import LSTM as LSTM
from ._models import AnyModel as AnyModel
from ._network import Network as Network
from ._network import Spec as Spec
from ._path_integrator import PathIntegrator as PathIntegrator
from ._recurrence import Matrix as Matrix
from ._recurrence import Recurrence as Recurrence
from ._recurrences import AnyRecurrence as AnyRecurrence
from ._sequence import SequenceModel as SequenceModel
from ._stack import Stack as Stack

__version__ = _version("srnn-models")

__all__ = [
    "GRU",
    "LSTM",
    "AnyModel",
    "AnyRecurrence",
    "ElmanRNN",
    "LanguageModel",
    "LeakyRNN",
    "Matrix",
    "ModelError",
    "Network",
    "PathIntegrator",
    "Recurrence",
    "SequenceModel",
    "Spec",
    "Stack",
]
