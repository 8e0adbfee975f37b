"""Engines: faster ways to run the time loop of a cell, with the same results up to rounding.

A cell chooses one where it wins, and runs the shared loop of `Recurrence` elsewhere. An engine works on tensors: it
takes neither modules nor values.
"""

from ._fused import fused_elman as fused_elman
from ._fused import runs_fused as runs_fused

__all__ = ["fused_elman", "runs_fused"]
