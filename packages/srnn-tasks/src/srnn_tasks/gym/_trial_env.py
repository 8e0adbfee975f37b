"""The same environment as a `TrialEnv` of neurogym, as its `Dataset` and the wrappers that make trials want it."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from ._env import CognitiveEnv


@cache
def trial_env() -> type[CognitiveEnv]:
    """Return the class; neurogym is imported now.

    It is a class of its own because of `seed`, which neurogym calls and Gymnasium's checker complains of.
    """
    base: Any = importlib.import_module("neurogym.core").TrialEnv

    class CognitiveTrialEnv(CognitiveEnv, base):  # type: ignore[misc]
        __doc__ = CognitiveEnv.__doc__

        def seed(self, seed: int | None = None) -> list[int | None]:
            """Begin new streams of random numbers, decided by `seed`; the trial that is on goes on."""
            make = importlib.import_module("gymnasium.utils.seeding").np_random
            self._np_random, _ = make(None if seed is None else int(seed))
            self.action_space.seed(None if seed is None else int(seed))
            self._restart()
            return [seed]

    CognitiveTrialEnv.__qualname__ = "CognitiveTrialEnv"  # found by __getattr__, so that pickle can find it
    return CognitiveTrialEnv


def __getattr__(name: str) -> Any:
    if name == "CognitiveTrialEnv":
        return trial_env()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
