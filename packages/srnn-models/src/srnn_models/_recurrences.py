"""The closed family of recurrences."""

from typing import Annotated

from ._elman import ElmanRNN
from ._value import ByKind

AnyRecurrence = Annotated[ElmanRNN, ByKind()]  # a new member joins here: Annotated[ElmanRNN | GRU, ByKind()]
