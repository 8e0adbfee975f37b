"""Series of images, one of which was changed in another way than the others.

A `Record` contains everything that is random in a set of series; `render` makes the images, a function of the record
and the source images alone. `RandomAnomaly` is the task.
"""

from ._random_anomaly import RandomAnomaly as RandomAnomaly
from ._random_anomaly import RandomAnomalySource as RandomAnomalySource
from ._record import PIPELINES as PIPELINES
from ._record import Record as Record
from ._record import draw_record as draw_record
from ._render import render as render
from ._series import Series as Series

__all__ = ["PIPELINES", "RandomAnomaly", "RandomAnomalySource", "Record", "Series", "draw_record", "render"]
