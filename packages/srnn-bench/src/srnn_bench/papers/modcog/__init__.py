"""Locality-masked RNNs and Mod-Cog, arXiv 2207.03523: "Winning the lottery with neurobiology".

docs/findings/modcog.md says what came out, and where the published code of the tasks and their meaning disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ...tables import Scale, Table
from . import _battery, _beyond, _yang
from ._networks import Net as Net
from ._networks import as_many_synapses as as_many_synapses
from ._networks import dense as dense
from ._networks import local as local
from ._networks import random_like as random_like
from ._sizes import SIZES as SIZES

_BUILDERS: Mapping[str, Callable[[str, Scale], Table]] = {
    "modcog/table1": _battery.table1,
    "modcog/table1-weights": _battery.table1_weights,
    "modcog/figure2a": _yang.figure2a,
    "modcog/figure2a-speed": _yang.figure2a_speed,
    "modcog/figure2b": _yang.figure2b,
    "modcog/figure2b-speed": _yang.figure2b_speed,
    "modcog/figure4f": _yang.figure4f,
    "modcog/figure5": _battery.figure5,
    "modcog/figure5-speed": _battery.figure5_speed,
    "modcog/figure5c": _battery.figure5c,
    "modcog/low-degree": _battery.low_degree,
    "modcog/figure6": _battery.figure6,
    "modcog/figure7a": _battery.figure7a,
    "modcog/figure7b": _battery.figure7b,
    "modcog/initialization": _beyond.initialization,
    "modcog/initialization-yang": _beyond.initialization_yang,
    "modcog/rates": _beyond.rates,
    "modcog/leak": _beyond.leak,
    "modcog/legacy": _beyond.legacy,
    "modcog/composition": _beyond.composition,
    "modcog/transfer": _beyond.transfer,
    "modcog/dale": _beyond.dale,
}

TABLES: dict[str, Callable[[Scale], Table]] = {name: partial(build, name) for name, build in _BUILDERS.items()}
