"""Executors, found by name."""

from __future__ import annotations

from collections.abc import Callable

from srnn_tasks import Extensions

from .._errors import BenchError
from ._executor import Executor
from ._interface import missing_methods


def _check(name: str, loaded: object) -> Callable[..., Executor]:
    if not callable(loaded):
        raise TypeError(f"expected a class or a function that returns an executor, got {loaded!r}")
    return loaded


EXECUTORS: Extensions[Callable[..., Executor]] = Extensions(
    "srnn.executors",
    noun="executor",
    field="executor",
    check=_check,
    error=BenchError,
    builtins={"processes": "srnn_bench.sweep:Processes", "ray": "srnn_bench.sweep:RayExecutor"},
)


def executor(name: str, workers: int) -> Executor:
    """Return the executor with this name: an entry point of the group `srnn.executors`, or `module:name`.

    The name stands for a class or a function that returns an executor; it is called with the number of workers, as
    the built-in `processes` is. (The built-in `ray` has arguments of its own; construct `RayExecutor` instead.)

    Raises:
        BenchError: If there is no such executor, it cannot be imported, its call fails, or what it returns is not an
            executor.
    """
    factory = EXECUTORS.load(name)
    try:
        built = factory(workers)
    except BenchError:
        raise
    except Exception as error:  # an executor of a user may raise anything
        raise BenchError(f"executor: {name}({workers}) failed: {type(error).__name__}: {error}") from error
    if missing := missing_methods(built, Executor):
        raise BenchError(
            f"executor: {name}: expected an executor, got {type(built).__name__}, which lacks {', '.join(missing)}"
        )
    return built
