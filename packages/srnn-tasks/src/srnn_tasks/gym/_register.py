"""Registration of the environments with Gymnasium."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from ..cognitive import BATTERIES
from ._env import CognitiveEnv
from ._trial_env import trial_env

ENVIRONMENTS = {f"srnn/{name}-v0": name for name in BATTERIES["all126"]}  # id -> name of the task


def register() -> None:
    """Register the environments with Gymnasium."""
    gymnasium: Any = importlib.import_module("gymnasium")
    for identifier, task in ENVIRONMENTS.items():
        gymnasium.register(
            identifier,
            entry_point=f"{__name__}:make",
            kwargs={"task": task},
            disable_env_checker=True,  # it would warn about the observations that neurogym's wrappers extend
        )


def make(task: str, **arguments: Any) -> CognitiveEnv:
    """Return a `CognitiveEnv`. If neurogym has been imported, it is a neurogym `TrialEnv` as well."""
    return (trial_env() if "neurogym" in sys.modules else CognitiveEnv)(task, **arguments)
