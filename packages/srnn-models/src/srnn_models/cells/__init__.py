"""Recurrent cells: frozen values (`ElmanRNN`, `GRU`, …) and the modules that they build.

A cell implements what one time step computes; the loop over time is shared, in `Recurrence`. A new cell is one file
here and one line in `AnyRecurrence`. `BlockModule` and `ProjectedLSTMModule` have no value here: the size of their
state depends on the number of outputs, so their values are networks.
"""

from typing import Annotated

from pydantic import Field

from ._block import BlockModule as BlockModule
from ._edge_acceleration import EdgeAcceleration as EdgeAcceleration
from ._edge_acceleration import restore_acceleration as restore_acceleration
from ._edge_weight import EdgeWeight as EdgeWeight
from ._elman import ElmanModule as ElmanModule
from ._elman import ElmanRNN as ElmanRNN
from ._gru import GRU as GRU
from ._gru import GRUModule as GRUModule
from ._layers import Stack as Stack
from ._leaky import LeakyModule as LeakyModule
from ._leaky import LeakyRNN as LeakyRNN
from ._lstm import LSTM as LSTM
from ._lstm import LSTMModule as LSTMModule
from ._peephole import PeepholeLSTM as PeepholeLSTM
from ._projected import ProjectedLSTMModule as ProjectedLSTMModule
from ._recurrence import Matrix as Matrix
from ._recurrence import Recur as Recur
from ._recurrence import Recurrence as Recurrence
from ._recurrence import State as State
from ._recurrence import check_sequence as check_sequence
from ._recurrence import check_state as check_state
from ._recurrence import has_own_backward as has_own_backward

AnyRecurrence = Annotated[ElmanRNN | LeakyRNN | GRU | LSTM | PeepholeLSTM, Field(discriminator="kind")]

__all__ = [
    "GRU",
    "LSTM",
    "AnyRecurrence",
    "BlockModule",
    "EdgeAcceleration",
    "EdgeWeight",
    "ElmanModule",
    "ElmanRNN",
    "GRUModule",
    "LSTMModule",
    "LeakyModule",
    "LeakyRNN",
    "Matrix",
    "PeepholeLSTM",
    "ProjectedLSTMModule",
    "Recur",
    "Recurrence",
    "Stack",
    "State",
    "check_sequence",
    "check_state",
    "has_own_backward",
    "restore_acceleration",
]
