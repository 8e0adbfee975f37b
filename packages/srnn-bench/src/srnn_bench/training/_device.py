"""Device, precision and threads of a run: resolved, applied and described."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import torch

from .._errors import BenchError
from ..experiment import ELSEWHERE, Conditions, Environment, commit, packages_of


def resolve_device(name: str) -> torch.device:
    """Return the device with this name; `auto` is the GPU if there is one, else the CPU.

    Raises:
        BenchError: For an unknown device, or a CUDA device on a machine without one.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise BenchError(f"device: expected auto, cpu or cuda[:n], got {name!r}") from None
    if device.type not in ("cpu", "cuda"):
        raise BenchError(f"device: expected auto, cpu or cuda[:n], got {name!r}")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise BenchError(f"device: {name!r} is not available: torch finds no CUDA device on this machine")
    return device


@contextmanager
def applied(conditions: Conditions) -> Iterator[None]:
    """Set everything outside of a run that could change its bits, and restore it on exit.

    These are the number of threads, the precision of matrix products, autocast, and what the calling process may have
    set for itself: torch's default dtype and device, gradients switched off, and the flushing of denormal numbers.
    """
    before = torch.get_num_threads(), torch.get_float32_matmul_precision(), torch.get_default_dtype(), _flushes()
    torch.set_num_threads(conditions.threads)
    torch.set_float32_matmul_precision("high" if conditions.precision == "tf32" else "highest")
    torch.set_default_dtype(torch.float32)
    torch.set_flush_denormal(False)
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":  # the context slows every call of torch down
            stack.enter_context(torch.device("cpu"))
        # cache_enabled=False: autocast would cache the bfloat16 copies for the whole run and keep using the initial
        # weights
        device = resolve_device(conditions.device).type
        if device != "cpu":
            stack.enter_context(torch.autocast("cpu", enabled=False))
        enabled = conditions.precision == "bfloat16"
        stack.enter_context(torch.autocast(device, dtype=torch.bfloat16, enabled=enabled, cache_enabled=False))
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            torch.set_float32_matmul_precision(before[1])
            torch.set_default_dtype(before[2])
            torch.set_flush_denormal(before[3])


def _flushes() -> bool:
    """Return whether this thread replaces denormal numbers by 0."""
    return bool((torch.full((1,), 1e-40, dtype=torch.float32, device="cpu") * 1.0).item() == 0.0)


def describe(task: str, conditions: Conditions, *, stacked: int = 1, device: torch.device | None = None) -> Environment:
    """Return the environment of a run.

    Args:
        task: Kind of the task.
        conditions: Conditions of the run.
        stacked: Number of runs trained together.
        device: Device of the run, if it is executed on another machine and cannot be resolved here.
    """
    return Environment(
        packages=packages_of(task),
        torch=torch.__version__,
        python=platform.python_version(),
        device=_device_name(resolve_device(conditions.device) if device is None else device),
        precision=conditions.precision,
        threads=conditions.threads,
        stacked=stacked,
        recorded=conditions.recorded,
        commit=commit(),
        processor=_processor(),
        engine=conditions.engine,
    )


def _device_name(device: torch.device) -> str:
    if device.type != "cuda":
        return f"cpu ({platform.machine()})"
    return torch.cuda.get_device_name(device) if torch.cuda.is_available() else ELSEWHERE


@cache
def _processor() -> str:
    """Return the instruction set that torch's CPU kernels use and, on Linux, the processor's name."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8", errors="replace") if info.exists() else ""
    model = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return ", ".join([torch.backends.cpu.get_cpu_capability(), *([model[1].strip()] if model else [])])


def synchronize(device: torch.device) -> None:
    """Wait until a GPU has finished what it was given; on a CPU there is nothing to wait for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def reset_peak_memory(device: torch.device) -> None:
    """Reset the peak memory of a GPU; that of a process on the CPU cannot be reset."""
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
