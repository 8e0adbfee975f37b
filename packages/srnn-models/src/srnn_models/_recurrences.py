"""The closed family of recurrences."""

from typing import Annotated

from ._elman import ElmanRNN
from ._gru import GRU
from ._leaky import LeakyRNN
from ._lstm import LSTM
from ._value import ByKind

AnyRecurrence = Annotated[ElmanRNN | LeakyRNN | GRU | LSTM, ByKind()]  # a new member joins here
