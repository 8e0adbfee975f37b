"""TODO sweep."""

from ._display import Display as Display
from ._display import duration as duration
from ._estimate import estimate as estimate
from ._estimate import print_estimates as print_estimates
from ._executor import Executor as Executor
from ._grouping import FEWEST as FEWEST
from ._grouping import LARGEST as LARGEST
from ._grouping import NEURONS as NEURONS
from ._grouping import Stack as Stack
from ._grouping import stacks as stacks
from ._ray import RayExecutor as RayExecutor
from ._ray import slots as slots
from ._sweep import sweep as sweep
from ._tensorboard import TensorBoard as TensorBoard
from ._trackers import tracker as tracker
from ._watcher import Broadcast as Broadcast
from ._watcher import Watcher as Watcher
from ._work import RunEvents as RunEvents
from ._work import Work as Work
from ._work import failures as failures
from ._work import make as make

__all__ = [
    "FEWEST",
    "LARGEST",
    "NEURONS",
    "Broadcast",
    "Display",
    "Executor",
    "RayExecutor",
    "RunEvents",
    "Stack",
    "TensorBoard",
    "Watcher",
    "Work",
    "duration",
    "estimate",
    "failures",
    "make",
    "print_estimates",
    "slots",
    "stacks",
    "sweep",
    "tracker",
]
