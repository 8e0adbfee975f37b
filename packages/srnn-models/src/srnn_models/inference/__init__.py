"""Inference modules: trained recurrences that keep the weights that are not 0, and their files.

`compact` makes them, of our recurrences and of torch's. A cell runs with a column per sequence, as the engines do, and
shares their products; a module around its cells has the call of the module that it replaces. A file has the tensors by
the names in the original model, the weights of recurrences encoded.
"""

from ._compact import compact as compact
from ._files import load_compact as load_compact
from ._files import save_compact as save_compact
from ._recurrence import CompactLayers as CompactLayers
from ._recurrence import CompactRecurrence as CompactRecurrence

__all__ = ["CompactLayers", "CompactRecurrence", "compact", "load_compact", "save_compact"]
