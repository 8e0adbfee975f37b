"""Pruning by the spectrum of the Jacobian, arXiv 1912.00120: RNNs are pruned once, before they are trained.

Recurrent networks on sequential MNIST and on text, pruned to 95 % by the paper's score, SNIP, GraSP and at random.
docs/findings/spectrum.md reports the results and what the paper leaves open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ...tables import Scale, Table
from .. import Paper
from . import _beyond, _costs, _digits, _equal_inputs, _kept, _loss, _normalizations, _text, _text_sparsity
from ._networks import CELLS as CELLS
from ._networks import Net as Net
from ._networks import magnitude_as_printed as magnitude_as_printed
from ._networks import magnitude_compressed as magnitude_compressed
from ._networks import pruned as pruned
from ._readings import Error as Error
from ._readings import GateShare as GateShare
from ._readings import InputRatio as InputRatio
from ._readings import LastLoss as LastLoss
from ._readings import PruningSeconds as PruningSeconds
from ._readings import PruningSteps as PruningSteps
from ._sizes import SIZES as SIZES
from ._words import WORDS as WORDS
from .local_text import LocalText as LocalText
from .stepwise import Stepwise as Stepwise

_BUILDERS: Mapping[str, Callable[[str, Scale], Table]] = {
    "table1": _digits.table1,
    "table2": _digits.table2,
    "table3": _digits.table3,
    "table4": _text.table4,
    "table4-corpora": _text.table4_corpora,
    "table5": _text_sparsity.table5,
    "table5-treebank": _text_sparsity.table5_treebank,
    "table6": _digits.table6,
    "table7": _costs.table7,
    "figure1": _kept.figure1,
    "figure1-inputs": _kept.figure1_inputs,
    "figure4": _loss.figure4,
    "normalizations": _normalizations.normalizations,
    "equal-inputs": _equal_inputs.equal_inputs,
    "width": _beyond.width,
    "long": _beyond.long,
    "chi": _beyond.chi,
}

PAPER = Paper(
    name="spectrum",
    title="One-shot pruning of recurrent neural networks by Jacobian spectrum evaluation",
    arxiv="1912.00120",
    tables={name: partial(build, f"spectrum/{name}") for name, build in _BUILDERS.items()},
    figures="figures:FIGURES",
)

__all__ = [
    "CELLS",
    "PAPER",
    "SIZES",
    "WORDS",
    "Error",
    "GateShare",
    "InputRatio",
    "LastLoss",
    "LocalText",
    "Net",
    "PruningSeconds",
    "PruningSteps",
    "Stepwise",
    "magnitude_as_printed",
    "magnitude_compressed",
    "pruned",
]
