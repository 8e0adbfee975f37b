"""Executors, found by name."""

from __future__ import annotations

from typing import cast

from srnn_tasks import Extensions

from .._errors import BenchError
from ._executor import Executor
from ._interface import Factory, construct, factory_of, missing_methods

EXECUTORS: Extensions[Factory] = Extensions(
    "srnn.executors",
    noun="executor",
    field="executor",
    check=factory_of("an executor"),
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
    built = construct(f"executor: {name}({workers})", EXECUTORS.load(name), workers)
    if missing := missing_methods(built, Executor):
        raise BenchError(
            f"executor: {name}: expected an executor, got {type(built).__name__}, which lacks {', '.join(missing)}"
        )
    return cast(Executor, built)
