"""Imitation of recorded episodes, and roll-outs in a simulator: Minari data sets and the Adroit hammer task.

Requires the extra `srnn-tasks[robotics]`: Minari, gymnasium-robotics, MuJoCo. They are imported where they are used, so
this folder can be imported without them.
"""

from ._adroit_hammer import AdroitHammer as AdroitHammer
from ._adroit_hammer import AdroitHammerSource as AdroitHammerSource
from ._expert import Expert as Expert
from ._imitation import Imitation as Imitation
from ._imitation import ImitationSource as ImitationSource
from ._minari import Minari as Minari
from ._record import record as record
from ._rollout import Policy as Policy
from ._rollout import Rollout as Rollout
from ._rollout import roll_out as roll_out

__all__ = [
    "AdroitHammer",
    "AdroitHammerSource",
    "Expert",
    "Imitation",
    "ImitationSource",
    "Minari",
    "Policy",
    "Rollout",
    "record",
    "roll_out",
]
