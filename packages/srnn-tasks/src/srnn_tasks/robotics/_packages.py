"""The packages of the extra `[robotics]`, imported where they are used, with an error that names the extra."""

import importlib
import warnings
from contextlib import redirect_stderr
from importlib.metadata import version
from io import StringIO
from typing import Any

from ..contract import TaskError

SIMULATOR = ("gymnasium-robotics", "gymnasium", "mujoco")  # their versions decide what an episode is


def minari_of(user: str) -> Any:
    """Return the package minari; raise a TaskError that names `user` and the extra if it is not installed."""
    _require("h5py", user)  # Minari reads its files with it, and imports it only then
    return _require("minari", user)


def gymnasium_of(user: str) -> Any:
    """Return the package gymnasium, with the environments of gymnasium-robotics registered.

    Raises a TaskError that names `user` and the extra if one of them, or MuJoCo, is not installed.
    """
    gymnasium = _require("gymnasium", user)
    _require("mujoco", user)
    robotics = _require("gymnasium_robotics", user)
    if hasattr(gymnasium, "register_envs"):  # from gymnasium 1.0 on, importing a package registers nothing
        gymnasium.register_envs(robotics)
    return gymnasium


def simulator_versions() -> tuple[str, ...]:
    """Return the installed versions that decide what an episode is, as requirements such as `mujoco==4.0.0`."""
    return tuple(f"{name}=={version(name)}" for name in SIMULATOR)


def _require(name: str, user: str) -> Any:
    # gymnasium-robotics, which gymnasium imports as a plug-in, prints that the rewards of its environments changed in
    # 1.2.1 without a new version of them. Results record the version of the package instead.
    with redirect_stderr(StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(name)
        except ImportError as error:
            raise TaskError(f"{user} requires {name} ({error}): pip install 'srnn-tasks[robotics]'") from error
