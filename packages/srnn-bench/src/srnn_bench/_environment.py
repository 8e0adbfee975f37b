"""The device, the precision and the number of threads of a run, and how they are written down."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Literal, get_args

import torch

from ._result import Environment

Precision = Literal["float32", "tf32", "bfloat16"]
ELSEWHERE = "a GPU of the cluster"  # seen from a machine that has none
PACKAGES = ("srnn-manifolds", "srnn-masks", "srnn-pruning", "srnn-models", "srnn-tasks", "srnn-bench")


def resolve_device(name: str) -> torch.device:
    """Return the device of that name; `auto` is the GPU when there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"device: expected auto, cpu or cuda[:n], got {name!r}") from None
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device: expected auto, cpu or cuda[:n], got {name!r}")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device: {name!r} was asked for, but torch sees no CUDA device here")
    return device


def check_conditions(precision: str, threads: int) -> None:
    """Refuse an unknown precision, and fewer than one thread."""
    if precision not in get_args(Precision):
        raise ValueError(f"precision: expected one of {', '.join(get_args(Precision))}, got {precision!r}")
    if threads < 1:
        raise ValueError(f"threads: expected at least 1, got {threads}")


@contextmanager
def conditions(device: torch.device, precision: str, threads: int) -> Iterator[None]:
    """Hold the number of threads and the precision of matrix products for the length of a run."""
    check_conditions(precision, threads)
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    try:
        # no cache: it holds the rounded weights until autocast ends, so every step would go by those of the first
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False):
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_float32_matmul_precision(before[1])


@cache
def packages_of(task: str) -> dict[str, str]:
    """Return the versions of the six packages, and of the distribution that brings the task of that kind."""
    plugins = {
        point.dist.name: point.dist.version for point in entry_points(group="srnn.tasks", name=task) if point.dist
    }
    return {name: version(name) for name in PACKAGES} | plugins


@cache
def commit() -> str | None:
    """Return the commit of the working copy that srnn is run from, `-dirty` if changed; None where it is none."""
    here = Path(__file__).resolve()
    git = ("git", "-C", str(here.parent))
    try:
        tracked = subprocess.run([*git, "ls-files", "--error-unmatch", here.name], capture_output=True, timeout=20)
        if tracked.returncode != 0:  # installed, though perhaps below some other repository
            return None
        said = subprocess.run(
            [*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            timeout=20,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said.stdout.strip() or None


def describe(
    task: str, device: torch.device, precision: str, threads: int, *, stacked: int = 1, recorded: bool = False
) -> Environment:
    """Return the environment of a run of the task of that kind."""
    return Environment(
        packages=packages_of(task),
        torch=torch.__version__,
        python=platform.python_version(),
        device=_device_name(device),
        precision=precision,
        threads=threads,
        stacked=stacked,
        recorded=recorded,
        commit=commit(),
    )


def _device_name(device: torch.device) -> str:
    if device.type != "cuda":
        return f"cpu ({platform.machine()})"
    return torch.cuda.get_device_name(device) if torch.cuda.is_available() else ELSEWHERE


def versions_differ(made: dict[str, str], now: dict[str, str]) -> str | None:
    """Say which packages had another version, or None: a result made by other versions is stale."""
    changes = [
        f"{name} {made.get(name, 'absent')}, now {now.get(name, 'absent')}"
        for name in sorted({*made, *now})
        if made.get(name) != now.get(name)
    ]
    return "; ".join(changes) or None


def difference_between(made: Environment, now: Environment) -> str | None:
    """Say how a result's packages, device, precision or threads differ from those of now, or None."""
    changes = [
        f"{field} {getattr(made, field)}, now {getattr(now, field)}"
        for field in ("torch", "device", "precision", "threads")
        if getattr(made, field) != getattr(now, field)
        and not (field == "device" and now.device == ELSEWHERE and not made.device.startswith("cpu"))
    ]
    return "; ".join(filter(None, [versions_differ(made.packages, now.packages), *changes])) or None


def reset_peak_memory(device: torch.device) -> None:
    """Begin a new measurement where the device can; a process's own peak cannot be set back."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_mb(device: torch.device) -> float | None:
    """Return the peak allocation of a GPU, or the peak resident size of this process, in MiB; None on Windows."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
