"""Trackers: watchers that send the course of runs to other programs, found by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

from srnn_tasks import Extensions

from .._errors import BenchError
from ._interface import missing_methods
from ._watcher import Watcher


def _check(name: str, loaded: object) -> Callable[..., object]:
    if not callable(loaded):
        raise TypeError(f"expected a class or a function that returns a watcher, got {loaded!r}")
    return loaded


TRACKERS: Extensions[Callable[..., object]] = Extensions(
    "srnn.trackers",
    noun="tracker",
    field="track",
    check=_check,
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
    factory = TRACKERS.load(name)
    try:
        watcher = factory(results) if name in TRACKERS.builtins else factory()
    except BenchError:
        raise
    except Exception as error:  # a tracker of a user may raise anything
        raise BenchError(f"track: {name}() failed: {type(error).__name__}: {error}") from error
    if missing := missing_methods(watcher, Watcher):
        raise BenchError(
            f"track: {name}: expected a watcher, got {type(watcher).__name__}, which lacks {', '.join(missing)}; "
            "srnn_bench.Watcher is a base class that has them all"
        )
    return cast(Watcher, watcher)
