"""`CognitiveEnv` as a `TrialEnv` of neurogym, for its `Dataset` and the wrappers that start trials."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from ._env import CognitiveEnv


@cache
def trial_env() -> type[CognitiveEnv]:
    """Import neurogym and return the class.

    It is a separate class because of `seed`, which neurogym calls and about which Gymnasium's checker warns.
    """
    base: Any = importlib.import_module("neurogym.core").TrialEnv

    class CognitiveTrialEnv(CognitiveEnv, base):  # type: ignore[misc]
        __doc__ = CognitiveEnv.__doc__

        def seed(self, seed: int | None = None) -> list[int | None]:
            """Restart the random streams from `seed`; the current trial continues."""
            make = importlib.import_module("gymnasium.utils.seeding").np_random
            self._np_random, _ = make(None if seed is None else int(seed))
            self.action_space.seed(None if seed is None else int(seed))
            self._restart()
            return [seed]

    CognitiveTrialEnv.__qualname__ = "CognitiveTrialEnv"  # pickle finds the class through the module's `__getattr__`
    return CognitiveTrialEnv


def __getattr__(name: str) -> Any:
    if name == "CognitiveTrialEnv":
        return trial_env()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
