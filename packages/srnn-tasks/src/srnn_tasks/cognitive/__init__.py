"""The cognitive tasks of Yang et al. 2019 and of Mod-Cog (arXiv 2207.03523), composed of a few parts.

A task is a family with parameters, optionally with an interval and a sequence; its name lists them, as in `dlygo`,
`dlygo-intr`, `go-seql`, `dlygo-intr-seql`. Whole batches are drawn at once, on the device.
"""

from ._aliases import environment as environment
from ._batteries import BATTERIES as BATTERIES
from ._batteries import Battery as Battery
from ._conventions import AnyConventions as AnyConventions
from ._conventions import Conventions as Conventions
from ._conventions import Legacy as Legacy
from ._decision import Decision as Decision
from ._decision import DelayedDecision as DelayedDecision
from ._family import Family as Family
from ._go import Go as Go
from ._go import Reaction as Reaction
from ._layouts import AnyLayout as AnyLayout
from ._layouts import OneTrial as OneTrial
from ._layouts import Streams as Streams
from ._layouts import Windows as Windows
from ._match import Match as Match
from ._rule import Rule as Rule
from ._scores import Scores as Scores
from ._scores import score as score
from ._source import CognitiveSource as CognitiveSource
from ._task import Cognitive as Cognitive
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
    "Scores",
    "Streams",
    "Timing",
    "Windows",
    "World",
    "environment",
    "score",
]
