"""Recurrent cells and networks with an explicit time loop: a value specifies a module, and its `build` returns it.

The loop is explicit so that a recurrence can be stepped, differentiated twice and mapped by `vmap`.
"""

from importlib.metadata import version as _version

from ._accelerate import accelerate as accelerate
from ._accelerate import decelerate as decelerate
from ._convert import to_dense as to_dense
from ._convert import to_edges as to_edges
from ._errors import ModelError as ModelError
from ._initialization import AnyInitialization as AnyInitialization
from ._initialization import Glorot as Glorot
from ._initialization import GlorotStacked as GlorotStacked
from ._initialization import He as He
from ._initialization import Normal as Normal
from ._initialization import TorchUniform as TorchUniform
from ._initialization import Uniform as Uniform
from ._torch_layers import AcceleratedGRU as AcceleratedGRU
from ._torch_layers import AcceleratedLSTM as AcceleratedLSTM
from ._torch_layers import AcceleratedRNN as AcceleratedRNN
from .cells import GRU as GRU
from .cells import LSTM as LSTM
from .cells import AnyRecurrence as AnyRecurrence
from .cells import EdgeWeight as EdgeWeight
from .cells import ElmanRNN as ElmanRNN
from .cells import LeakyRNN as LeakyRNN
from .cells import Matrix as Matrix
from .cells import PeepholeLSTM as PeepholeLSTM
from .cells import Recurrence as Recurrence
from .cells import Stack as Stack
from .inference import CompactLayers as CompactLayers
from .inference import CompactRecurrence as CompactRecurrence
from .inference import compact as compact
from .inference import load_compact as load_compact
from .inference import save_compact as save_compact
from .networks import AnyModel as AnyModel
from .networks import BlockRNN as BlockRNN
from .networks import LanguageModel as LanguageModel
from .networks import Network as Network
from .networks import PathIntegrator as PathIntegrator
from .networks import ProjectedLSTM as ProjectedLSTM
from .networks import SequenceModel as SequenceModel
from .networks import Spec as Spec

__version__ = _version("srnn-models")

__all__ = [
    "GRU",
    "LSTM",
    "AcceleratedGRU",
    "AcceleratedLSTM",
    "AcceleratedRNN",
    "AnyInitialization",
    "AnyModel",
    "AnyRecurrence",
    "BlockRNN",
    "CompactLayers",
    "CompactRecurrence",
    "EdgeWeight",
    "ElmanRNN",
    "Glorot",
    "GlorotStacked",
    "He",
    "LanguageModel",
    "LeakyRNN",
    "Matrix",
    "ModelError",
    "Network",
    "Normal",
    "PathIntegrator",
    "PeepholeLSTM",
    "ProjectedLSTM",
    "Recurrence",
    "SequenceModel",
    "Spec",
    "Stack",
    "TorchUniform",
    "Uniform",
    "accelerate",
    "compact",
    "decelerate",
    "load_compact",
    "save_compact",
    "to_dense",
    "to_edges",
]
