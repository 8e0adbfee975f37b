"""The closed family of recurrences."""

from typing import Annotated

from ._elman import ElmanRNN
from ._gru import GRU
from ._lstm import LSTM
from ._value import ByKind

AnyRecurrence = Annotated[ElmanRNN | GRU | LSTM, ByKind()]  # a new member joins here
