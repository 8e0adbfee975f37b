"""Division of a score by the sensitivity of the hidden state, gamma (eq. 5 of arXiv 1912.00120).

The quantity is s = sum_i h_i(S), the sum of the last hidden state of each layer. The sequences are drawn from
N(0, 0.1), standard deviation 0.1, as many and as long as those of the data, and start at zero; or they are the data.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from .._errors import PruningError
from .._recurrences import Cell, recurrences
from .._sequences import Sequence, sequences
from ._roll import final_sum, roll

Normalization = Literal["gamma", "data", "rms", "mean_abs", "none"]
"""Denominator of a score, for each weight. "gamma": |mean of ds/dw| over N(0, 0.1) sequences (the paper's).
"data": |mean of ds/dw| over the batch. "rms" and "mean_abs": root mean square and mean absolute value of ds/dw over
single N(0, 0.1) sequences. "none": 1."""
