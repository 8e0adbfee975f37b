"""What is used of gymnasium, or, where it is missing, a base whose instances cannot be made."""

from typing import Any

try:
    from gymnasium import Env as Env
    from gymnasium.spaces import Box as Box
    from gymnasium.spaces import Discrete as Discrete
except ModuleNotFoundError:

    class Env:  # type: ignore[no-redef]
        """Stands in for `gymnasium.Env`, so that the modules of this package can be imported without it."""

        def __init__(self) -> None:
            raise ImportError("CognitiveEnv needs gymnasium: pip install 'srnn-tasks[gymnasium]'")

        def __class_getitem__(cls, _: Any) -> type:
            return cls

    Box = Discrete = Any  # type: ignore[misc, assignment]
