"""Many runs: which are missing, which are trained together, where they are executed, and who watches.

`sweep` claims the missing runs of a store, groups them into pieces of work, gives these to an executor (this process,
worker processes or a Ray cluster) and writes the results. Watchers (the display, trackers) follow it. Trackers and
executors of other packages are found by entry point or as `module:name`.
"""

from ._display import Display as Display
from ._display import duration as duration
from ._estimate import Estimate as Estimate
from ._estimate import estimate as estimate
from ._executor import Executor as Executor
from ._executor import InProcess as InProcess
from ._executors import EXECUTORS as EXECUTORS
from ._executors import executor as executor
from ._expected import Expectation as Expectation
from ._expected import Speed as Speed
from ._expected import measure_speed as measure_speed
from ._expected import roughly as roughly
from ._grouping import Stack as Stack
from ._grouping import stacks as stacks
from ._processes import Processes as Processes
from ._ray import RayExecutor as RayExecutor
from ._ray import slots as slots
from ._sweep import sweep as sweep
from ._tensorboard import TensorBoard as TensorBoard
from ._trackers import TRACKERS as TRACKERS
from ._trackers import tracker as tracker
from ._watcher import Broadcast as Broadcast
from ._watcher import Watcher as Watcher
from ._work import RunEvents as RunEvents
from ._work import Work as Work
from ._work import execute as execute
from ._work import failures as failures

__all__ = [
    "EXECUTORS",
    "TRACKERS",
    "Broadcast",
    "Display",
    "Estimate",
    "Executor",
    "Expectation",
    "InProcess",
    "Processes",
    "RayExecutor",
    "RunEvents",
    "Speed",
    "Stack",
    "TensorBoard",
    "Watcher",
    "Work",
    "duration",
    "estimate",
    "execute",
    "executor",
    "failures",
    "measure_speed",
    "roughly",
    "slots",
    "stacks",
    "sweep",
    "tracker",
]
