"""Block RNNs and the hidden proportion, arXiv 2509.15057: sparse RNNs with one density per block of weights.

Networks of equal numbers of weights, distributed differently over blocks, on Random Anomaly Detection and Adroit
Hammer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ...tables import Scale, Table
from .. import Paper
from . import (
    _anomaly_study,
    _carry_over,
    _controls,
    _hammer,
    _hammer_controls,
    _hammer_return,
    _hammer_study,
    _rad,
    _rates,
    parent,
)
from ._draws import drawn as drawn
from ._hammer_sizes import SIZES as HAMMER
from ._networks import EQUATIONS as EQUATIONS
from ._networks import Net as Net
from ._networks import block_net as block_net
from ._networks import equation as equation
from ._networks import lstms as lstms
from ._networks import perceptron as perceptron
from ._networks import proportion_of as proportion_of
from ._networks import proportions as proportions
from ._networks import trading as trading
from ._sizes import SIZES as SIZES
from ._sizings import Budget as Budget
from ._sizings import FreeUnits as FreeUnits

_BUILDERS: Mapping[str, Callable[[str, Scale], Table]] = {
    "figure1": _rad.figure1,
    "figure1-speed": _rad.figure1_speed,
    "figure2": _rad.figure2,
    "figure6": _rad.figure6,
    "controls": _controls.controls,
    "rates": _rates.rates,
    "table3": _hammer_study.table3,
    "table3-noisy": _hammer_study.table3_noisy,
    "figure7": _hammer_study.figure7,
    "table4": _anomaly_study.table4,
    "figure9": _anomaly_study.figure9,
    "figure10": _anomaly_study.figure10,
    "hammer": _hammer.hammer,
    "hammer-before": _hammer.hammer_before,
    "hammer-mean": _hammer.hammer_mean,
    "hammer-large": _hammer.hammer_large,
    "hammer-return": _hammer_return.hammer_return,
    "hammer-success": _hammer_return.hammer_success,
    "hammer-controls": _hammer_controls.hammer_controls,
    "carry-over": _carry_over.carry_over,
    "parent-draws": parent.parent_draws,
    "parent": parent.parent,
}

PAPER = Paper(
    name="blocks",
    title="Balancing sparse RNNs with hyperparameterization benefiting meta-learning",
    arxiv="2509.15057",
    tables={name: partial(build, f"blocks/{name}") for name, build in _BUILDERS.items()},
    figures="figures:FIGURES",
)

__all__ = [
    "EQUATIONS",
    "HAMMER",
    "PAPER",
    "SIZES",
    "Budget",
    "FreeUnits",
    "Net",
    "block_net",
    "drawn",
    "equation",
    "lstms",
    "perceptron",
    "proportion_of",
    "proportions",
    "trading",
]
