"""Drawings of batches: one trial of any task, as a matplotlib figure. Requires the extra `srnn-tasks[plot]`.

matplotlib is imported when something is drawn, without pyplot, so no display and no backend are needed.
"""

from ._plot import plot as plot

__all__ = ["plot"]
