"""How tasks, and other things that a third party may add, are found by name.

`Extensions` is the one mechanism: entry points, built-in names or `module:attribute`, imported when asked for.
`find`, `kinds`, `entries` and `AnyTask` apply it to tasks; `srnn_bench` applies it to papers, trackers and executors.
"""

from ._any_task import AnyTask as AnyTask
from ._extensions import Extension as Extension
from ._extensions import Extensions as Extensions
from ._registry import TaskEntry as TaskEntry
from ._registry import entries as entries
from ._registry import find as find
from ._registry import kinds as kinds

__all__ = ["AnyTask", "Extension", "Extensions", "TaskEntry", "entries", "find", "kinds"]
