"""Locality masks and Mod-Cog, arXiv 2207.03523: "Winning the lottery with neurobiology".

Leaky RNNs with locality-masked, random or dense recurrent weights on 20 and 84 cognitive tasks.
docs/findings/modcog.md reports the results, and where the published code of the tasks deviates from the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ...tables import Scale, Table
from .. import Paper
from . import _battery, _beyond, _demo, _yang
from ._networks import Net as Net
from ._networks import as_many_synapses as as_many_synapses
from ._networks import dense as dense
from ._networks import local as local
from ._networks import nearest_radius as nearest_radius
from ._networks import random_like as random_like
from ._sizes import SIZES as SIZES

_BUILDERS: Mapping[str, Callable[[str, Scale], Table]] = {
    "table1": _battery.table1,
    "table1-weights": _battery.table1_weights,
    "figure2a": _yang.figure2a,
    "figure2a-speed": _yang.figure2a_speed,
    "figure2b": _yang.figure2b,
    "figure2b-speed": _yang.figure2b_speed,
    "figure4f": _yang.figure4f,
    "figure5": _battery.figure5,
    "figure5-speed": _battery.figure5_speed,
    "figure5c": _battery.figure5c,
    "low-degree": _battery.low_degree,
    "figure6": _battery.figure6,
    "figure7a": _battery.figure7a,
    "figure7b": _battery.figure7b,
    "initialization": _beyond.initialization,
    "initialization-yang": _beyond.initialization_yang,
    "rates": _beyond.rates,
    "leak": _beyond.leak,
    "legacy": _beyond.legacy,
    "composition": _beyond.composition,
    "transfer": _beyond.transfer,
    "dale": _beyond.dale,
    "demo": _demo.demo,
}

PAPER = Paper(
    name="modcog",
    title="Winning the lottery with neurobiology",
    arxiv="2207.03523",
    tables={name: partial(build, f"modcog/{name}") for name, build in _BUILDERS.items()},
    figures="figures:FIGURES",
)

__all__ = ["PAPER", "SIZES", "Net", "as_many_synapses", "dense", "local", "nearest_radius", "random_like"]
