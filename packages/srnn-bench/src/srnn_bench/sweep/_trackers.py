"""Trackers: watchers that send the course of runs to other programs, found by name."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from srnn_tasks import Extensions

from .._errors import BenchError
from ._interface import Factory, construct, factory_of, missing_methods
from ._watcher import Watcher

TRACKERS: Extensions[Factory] = Extensions(
    "srnn.trackers",
    noun="tracker",
    field="track",
    check=factory_of("a watcher"),
    error=BenchError,
    builtins={"tensorboard": "srnn_bench.sweep:TensorBoard"},
)


def tracker(name: str, results: Path) -> Watcher:
    """Return the tracker with this name: `tensorboard`, an entry point of the group `srnn.trackers`, or `module:name`.

    An entry point or `module:name` names a class or a function that returns a watcher; it is called without
    arguments. `tensorboard` writes below the folder `results`.

    Raises:
        BenchError: If there is no such tracker, it cannot be imported, its call fails, or what it returns is not a
            watcher.
    """
    arguments = (results,) if name in TRACKERS.builtins else ()
    watcher = construct(f"track: {name}()", TRACKERS.load(name), *arguments)
    if missing := missing_methods(watcher, Watcher):
        raise BenchError(
            f"track: {name}: expected a watcher, got {type(watcher).__name__}, which lacks {', '.join(missing)}; "
            "srnn_bench.Watcher is a base class that has them all"
        )
    return cast(Watcher, watcher)
