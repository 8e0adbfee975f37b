"""Import matplotlib whatever MPLBACKEND is.

A notebook sets it to a backend that need not be installed where a subprocess runs, and matplotlib then refuses to be
imported. No backend is needed to write files. One that is installed stays the caller's backend.
"""

from __future__ import annotations

import contextlib
import os
import sys

if "matplotlib" not in sys.modules:
    _backend = os.environ.pop("MPLBACKEND", None)
    import matplotlib

    if _backend is not None:
        os.environ["MPLBACKEND"] = _backend
        if _backend:
            with contextlib.suppress(ValueError):
                matplotlib.rcParams["backend"] = _backend
