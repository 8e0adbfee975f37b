"""Trackers: watchers that carry the course of runs to the programs which people look at already."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ._watcher import Watcher

if TYPE_CHECKING:
    pass
from ._tensorboard import TensorBoard

TRACKERS: dict[str, Callable[[Path], Watcher]] = {"tensorboard": TensorBoard}


def tracker(name: str, results: Path) -> Watcher:
    """Return the tracker of that name: `tensorboard`, or `package.module:name` for one of the user's own.

    Such a name is that of a watcher's class, or of a function that returns a watcher; it is called without arguments.
    The module may lie in the current folder.
    """
    if name in TRACKERS:
        return TRACKERS[name](results)
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        near = get_close_matches(name, TRACKERS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"track: unknown tracker {name!r}; {hint}known are {', '.join(TRACKERS)}, and package.module:name for one "
            "of your own, such as the W&B and MLflow trackers of docs/trackers.md"
        )
    make = _found(name, module, attribute)
    if not callable(make):
        raise ValueError(f"track: {name}: expected a class or a function, got {make!r}")
    try:
        made = make()
    except Exception as error:  # whatever a user's tracker does
        raise ValueError(f"track: {name}() failed: {type(error).__name__}: {error}") from error
    methods = [method for method in vars(Watcher) if not method.startswith("_")]
    lacking = [method for method in methods if not callable(getattr(made, method, None))]
    if lacking:
        raise ValueError(
            f"track: {name}: expected a watcher, got {type(made).__name__}, which has no {', '.join(lacking)}; "
            "srnn_bench.Quiet is a base that has them all"
        )
    return cast(Watcher, made)


def _found(name: str, module: str, attribute: str) -> object:
    """Return what a name stands for."""
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # a console script does not look there
    try:
        found: object = importlib.import_module(module)
    except Exception as error:  # a user's module may raise anything
        raise ValueError(f"track: {name}: cannot import {module!r}: {type(error).__name__}: {error}") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            near = get_close_matches(part, dir(found), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"track: {name}: {module} has no {attribute!r}{hint}")
        found = getattr(found, part)
    return found
