"""Whether a process is there."""

from __future__ import annotations

import os


def process_exists(process: int) -> bool:
    """Say whether a process of this machine exists; True where that cannot be told."""
    if os.name != "posix" or process < 1:
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
