"""The cognitive tasks of Yang et al. 2019 and of Mod-Cog (arXiv 2207.03523), composed of a few parts.

A task is a family, what it asks for there, and perhaps an `Interval` and a `Sequence`; `tasks` are named
`dlygo`, `dlygo-intr`, `go-seql`, `dlygo-intr-seql`. Whole batches are made at once, on the device.
"""

from ._batteries import BATTERIES as BATTERIES
from ._batteries import Battery as Battery
from ._cognitive import Cognitive as Cognitive
from ._cognitive import CognitiveSource as CognitiveSource
from ._conventions import AnyConventions as AnyConventions
from ._conventions import Conventions as Conventions
from ._conventions import Legacy as Legacy
from ._families import Decision as Decision
from ._families import DelayedDecision as DelayedDecision
from ._families import Family as Family
from ._families import Go as Go
from ._families import Match as Match
from ._families import Reaction as Reaction
from ._layouts import AnyLayout as AnyLayout
from ._layouts import OneTrial as OneTrial
from ._layouts import Streams as Streams
from ._layouts import Windows as Windows
from ._rule import Rule as Rule
from ._timing import Timing as Timing
from ._trials import PERIODS as PERIODS
from ._world import World as World

__all__ = [
    "BATTERIES",
    "PERIODS",
    "AnyConventions",
    "AnyLayout",
    "Battery",
    "Cognitive",
    "CognitiveSource",
    "Conventions",
    "Decision",
    "DelayedDecision",
    "Family",
    "Go",
    "Legacy",
    "Match",
    "OneTrial",
    "Reaction",
    "Rule",
    "Streams",
    "Timing",
    "Windows",
    "World",
]
