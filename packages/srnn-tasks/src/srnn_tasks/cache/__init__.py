"""Arrays that take long to compute, stored in files, for sources that are opened many times."""

from ._array_cache import cache_folder as cache_folder
from ._array_cache import cached_array as cached_array

__all__ = ["cache_folder", "cached_array"]
