"""The names used from gymnasium. If it is not installed, a base class whose constructor raises a TaskError."""

from typing import Any

from ..contract import TaskError

try:
    from gymnasium import Env as Env
    from gymnasium.spaces import Box as Box
    from gymnasium.spaces import Discrete as Discrete
except ModuleNotFoundError:

    class Env:  # type: ignore[no-redef]
        """Stand-in for `gymnasium.Env`, so that this package can be imported without gymnasium."""

        def __init__(self) -> None:
            raise TaskError("CognitiveEnv requires gymnasium: pip install 'srnn-tasks[gymnasium]'")

        def __class_getitem__(cls, _: Any) -> type:
            return cls

    Box = Discrete = Any  # type: ignore[misc, assignment]
